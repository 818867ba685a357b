"""``midwatch slices`` and ``midwatch query``."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.core.slices.kit import parquet
from tests.rows import write_log, write_model
from tui.cli.main import run


@dataclass
class Told:
    code: int
    out: str
    err: str


Call = Callable[..., Told]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs one command line."""

    def one(*words: str) -> Told:
        code = run(list(words))
        said = capsys.readouterr()
        return Told(code, said.out, said.err)

    return one


@pytest.fixture
def logs(tmp_path: Path) -> tuple[str, str]:
    """A reference, and a window in which one corner got worse."""
    rng = np.random.default_rng(4)

    def frame(bad: bool) -> pd.DataFrame:
        found = pd.DataFrame({"region": rng.choice(["NA", "EU"], 3000), "hour": rng.integers(0, 24, 3000)})
        found["prediction"] = rng.integers(0, 2, 3000)
        rate = np.where(bad & (found["region"] == "EU") & (found["hour"] > 17), 0.5, 0.1)
        found["label"] = np.where(rng.random(3000) < rate, 1 - found["prediction"], found["prediction"])
        return found

    return parquet(tmp_path / "now.parquet", frame(True)), parquet(tmp_path / "then.parquet", frame(False))


def test_the_slice_that_got_worse_as_json_as_text_as_sql_and_as_pandas(logs: tuple[str, str], call: Call) -> None:
    now, then = logs
    told = call("slices", now, "--like", then, "--json")
    assert told.code == 1
    page = json.loads(told.out)
    assert page["stands_out"] is True
    first = page["slices"][0]
    keys = ["predicates", "rows", "support", "error", "reference_error", "effect", "interval", "q_value"]
    assert list(first)[: len(keys)] == keys
    assert {p["column"] for p in first["predicates"]} == {"region", "hour"}
    assert first["error"] > first["reference_error"] + 0.3
    assert first["interval"][0] > 0
    text = call("slices", now, "--like", then)
    assert (text.code, text.err) == (1, "")
    assert first["words"] in text.out
    assert "not known" in text.out
    assert "users" in first
    [sql, *_] = call("slices", now, "--like", then, "--top", "1", "--sql").out.splitlines()
    assert sql == first["sql"]
    counted = call("query", now, f"select count(*) as n from log where {sql}", "--json")
    assert json.loads(counted.out)["rows"] == [{"n": first["rows"]}]
    assert call("slices", now, "--like", then, "--top", "1", "--pandas").out.startswith('log[(log["')
    again = call("slices", now, "--like", then, "--where", first["words"], "--rows", "2", "--json")
    assert json.loads(again.out)["total"] == first["rows"]


def test_a_clean_window_and_an_absolute_ranking_exit_with_0(logs: tuple[str, str], call: Call) -> None:
    now, then = logs
    clean = call("slices", then, "--like", then)
    assert clean.code == 0
    assert "no slice stands out; everywhere alike" in clean.out
    assert call("slices", now, "--like", then, "--absolute").code == 0
    split = json.loads(call("slices", now, "--like", then, "--split", "region", "--json").out)
    assert [line["words"] for line in split["lines"]] in (
        ["region = EU", "region = NA"],
        ["region = NA", "region = EU"],
    )
    sides = json.loads(call("slices", now, "--like", then, "--compare", "windows", "--json").out)
    assert [line["rows"] for line in sides["lines"]] == [3000, 3000]


def test_a_reference_that_is_too_small_reassures_nobody(logs: tuple[str, str], tmp_path: Path, call: Call) -> None:
    now, _ = logs
    for rows, said in ((1, "the reference has 1 row: too few to compare"), (0, "the reference has no rows")):
        small = str(tmp_path / f"small{rows}.csv")
        Path(small).write_text("region,hour,prediction,label\n" + rows * "EU,3,1,1\n")
        told = call("slices", now, "--like", small, "--json")
        assert told.code == 2
        assert json.loads(told.out)["not_answered"] == said
        assert said in call("slices", now, "--like", small).out
        assert f"{rows} row{'s' if rows != 1 else ''} where all rows" in call("slices", small, "--rows").out


def test_the_heading_counts_the_rows_that_are_searched_and_says_why_there_are_none(tmp_path: Path, call: Call) -> None:
    rng = np.random.default_rng(3)
    found = pd.DataFrame({"time": pd.date_range("2026-11-01", periods=1000, freq="h"), "hour": np.arange(1000) % 24})
    found["prediction"] = rng.integers(0, 2, 1000)
    found["label"] = rng.integers(0, 2, 1000)
    found["version"] = ["v1"] * 300 + ["v2"] * 700
    log = parquet(tmp_path / "log.parquet", found)
    page = json.loads(call("slices", log, "--version", "v1", "--json").out)
    assert page["current"] == "version v1 in log.parquet, 300 rows"
    assert page["reference"] == "every other version, 700 rows"
    within = json.loads(call("slices", log, "--where", "hour <= 11", "--json").out)
    assert within["current"] == f"log.parquet, {(found['hour'] <= 11).sum()} rows"
    span = call("slices", log, "--window", "2020-01-01..2020-01-02")
    assert span.code == 2
    assert "no row was scored in that span; they run from 2026-11-01 00:00:00 to 2026-12-12 15:00:00" in span.out
    for more in ((), ("--signal", "error")):
        none = call("slices", log, "--where", "hour > 100", *more, "--json")
        assert (none.code, json.loads(none.out)["not_answered"]) == (2, "no row fulfils hour > 100")
    assert "no row fulfils hour > 100" in call("slices", log, "--where", "hour > 100", "--split", "hour").out


def test_lines_that_cannot_be_read_are_told(tmp_path: Path, call: Call) -> None:
    log = tmp_path / "log.csv"
    lines = [f"{'EU' if i % 3 else 'NA'},{i % 2},{i % 2}" for i in range(200)]
    log.write_text("\n".join(["region,prediction,label", *lines, "EU,1,1,7,8", "NA,0,0,9"]) + "\n")
    said = "2 lines of log.csv could not be read"
    assert said in json.loads(call("slices", str(log), "--json").out)["notes"]
    assert said in call("slices", str(log)).out
    assert said in call("slices", str(log), "--sql").err
    asked = call("query", str(log), "select count(*) as n from log", "--json")
    assert (json.loads(asked.out)["notes"], json.loads(asked.out)["rows"]) == ([said], [{"n": 200}])
    assert said in asked.err


def test_infinities_are_a_bin_that_split_and_search_share(tmp_path: Path, call: Call) -> None:
    lines = [f"{('1.5', 'inf', '1', '-inf')[i % 4]},{i % 2},{int(i % 4 != 1) * (i % 2)}" for i in range(800)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["ratio,prediction,label", *lines]) + "\n")
    found = json.loads(call("slices", str(log), "--json").out)["slices"]
    split = {
        line["words"]: line["rows"]
        for line in json.loads(call("slices", str(log), "--split", "ratio", "--json").out)["lines"]
    }
    assert split == {"ratio < 1": 200, "1 <= ratio <= 1": 200, "1 < ratio <= 1.5": 200, "ratio > 1.5": 200}
    [first, *_] = found
    assert (first["words"], first["rows"]) == ("ratio > 1.5", 200)
    for words, rows in split.items():
        assert json.loads(call("slices", str(log), "--where", words, "--rows", "1", "--json").out)["total"] == rows


def test_an_empty_ranking_says_why(tmp_path: Path, call: Call) -> None:
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["region,prediction,label", *(["EU,1,0", "NA,1,0"] * 100)]) + "\n")
    page = json.loads(call("slices", str(log), "--absolute", "--json").out)
    assert (page["slices"], page["not_answered"]) == ([], None)
    assert any("no score lies above zero" in note for note in page["notes"])


def test_errors_by_kind_add_up_and_a_kind_has_its_rows(logs: tuple[str, str], call: Call) -> None:
    now, then = logs
    asked = ("slices", now, "--like", then)
    kinds = json.loads(call(*asked, "--buckets", "--json").out)
    assert sum(line["rows"] for line in kinds["lines"]) == kinds["errors"]
    parts = json.loads(call(*asked, "--buckets", "--split", "region", "--json").out)
    assert (parts["by"], sum(line["rows"] for line in parts["lines"])) == ("region", kinds["errors"])
    first = kinds["lines"][0]
    held = json.loads(call(*asked, "--bucket", first["kind"], "--rows", "1", "--json").out)
    assert held["total"] == first["rows"]
    text = call(*asked, "--buckets").out
    assert "an error is a wrong class" in text
    assert f"{kinds['errors']:,} errors in 3,000 judged rows; reference: " in text
    assert call(*asked, "--bucket", "nonsense").code == 2


def test_a_canary_that_is_no_good_sample_is_told_below_the_sides(tmp_path: Path, call: Call) -> None:
    rng = np.random.default_rng(1)
    found = pd.DataFrame({"prediction": rng.random(4000), "platform": rng.choice(["ios", "web"], 4000)})
    found["stage"] = ["canary"] * 200 + ["full"] * 3800
    found.loc[:199, "platform"] = "ios"
    asked = ("slices", parquet(tmp_path / "log.parquet", found), "--compare", "stages")
    assert "canary: not a good sample of the rest; off in platform" in call(*asked).out
    [sample] = json.loads(call(*asked, "--json").out)["samples"]
    assert (sample["name"], sample["good"], sample["thin"][0]["words"]) == ("canary", False, "platform = web")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--where", "regoin = EU"], 2, "did you mean 'region'?"),
        (["--signal", "magic"], 2, "there is no signal 'magic'"),
        (["--min-support", "0"], 2, "is no share"),
        (["--split", "hour", "--rows"], 2, "two questions"),
        (["--window", "yesterday", "--json"], 2, "no span of time"),
        (["--version", "v2"], 2, "no column tells the version"),
        (["--like", "gone.csv"], 4, "does not exist"),
        (["--window", "6h..now"], 2, "no column of times"),
        (["--batch", "3"], 2, "a batch is a model's"),
    ],
)
def test_what_is_wrong_is_said(logs: tuple[str, str], options: list[str], code: int, said: str, call: Call) -> None:
    told = call("slices", logs[0], *options)
    assert (told.code, told.out) == (code, "")
    assert said in told.err


def test_a_registered_model_by_name(tmp_path: Path, call: Call) -> None:
    store = str(tmp_path / "s.db")
    call("init", str(write_model(tmp_path)), "--store", store)
    logs = [str(write_log(tmp_path, number)) for number in range(3)]
    assert call("slices", "churn", "--store", store).code == 2
    call("ingest", "churn", *logs[:2], "--role", "reference", "--store", store)
    call("ingest", "churn", logs[2], "--store", store)
    early = json.loads(call("slices", "churn", "--batch", "1", "--store", store, "--json").out)
    assert "the reference is later than these rows: too few batches lie before them" in early["notes"]
    told = call("slices", "churn", "--store", store, "--json")
    page = json.loads(told.out)
    assert told.code == 0
    assert page["signal"] == "error"
    assert page["current"].startswith("batch 3 ")
    assert page["reference"].startswith("2 batches")
    assert call("query", "churn", "select count(*) from log", "--store", store).out.split()[-1] == "200"
    kinds = json.loads(call("slices", "churn", "--buckets", "--store", store, "--json").out)["lines"]
    named = ("churn", "--batch", "3", "--bucket", kinds[0]["kind"], "--store", store)
    added = json.loads(call("cases", "add", *named, "--json", "--limit", "500").out)
    assert len(added["cases"]) == kinds[0]["rows"]
    frozen = call("sets", "freeze", "churn", "wrong", *named[1:], "--purpose", "slice", "--json")
    assert json.loads(frozen.out)["items"] == kinds[0]["rows"]
    assert call("sets", "freeze", "churn", "wrong", "--bucket", "x", "--store", store).code == 2
    assert call("slices", "nobody", "--store", store).code == 2
