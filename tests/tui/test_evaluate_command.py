"""midwatch evaluate and midwatch metrics: what scripts read, and the exit codes they act on."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tui.calls import Call
from tui.cli.main import run

MODEL = """
name = "churn"
task = "binary"
[columns]
time = "ts"
id = "request_id"
prediction = "score"
label = "label"
version = "version"
redact = ["email"]
[labels]
minimum = 50
[[metrics]]
name = "auc"
primary = true
owner = "growth"
reason = "ranking is what is sold"
slo = ">= 0.6"
[[metrics]]
name = "accuracy"
[[metrics]]
name = "contacted"
kind = "business"
direction = "up"
sql = "avg(case when score >= 0.5 then label else 0 end)"
"""
ROWS = 500


def table() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    truth = (rng.random(ROWS) < 0.4).astype(int)
    region = rng.choice(["EU", "LATAM"], ROWS, p=[0.75, 0.25])
    skill = np.where(region == "LATAM", 0.0, 2.5)
    old, new = (1 / (1 + np.exp(-(s * (truth - 0.5) + rng.normal(0, 1, ROWS)))) for s in (0.8, skill))
    start = pd.Timestamp("2026-11-01T00:00:00Z")
    return pd.DataFrame(
        {
            "ts": [(start + pd.Timedelta(minutes=i)).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(ROWS)],
            "request_id": [f"r{i}" for i in range(ROWS)],
            "region": region,
            "email": [f"a{i}@x.org" for i in range(ROWS)],
            "label": truth,
            "v1": old.round(5),
            "v2": new.round(5),
        }
    )


def area(label: pd.Series, score: pd.Series) -> float:
    """The chance that a positive row is scored above a negative one."""
    ranks, positives = score.rank(), int(label.sum())
    return float((ranks[label == 1].sum() - positives * (positives + 1) / 2) / positives / (len(label) - positives))


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with served rows of v1 that have late labels, and scores of v2."""
    folder, rows = tmp_path_factory.mktemp("seeded"), table()
    (folder / "churn.toml").write_text(MODEL)
    served = rows[["ts", "request_id", "region", "email"]].assign(score=rows.v1, version="v1")
    served.to_csv(folder / "served.csv", index=False)
    rows[["request_id", "label"]].to_csv(folder / "labels.csv", index=False)
    rows.drop(columns=["v1", "v2"]).to_csv(folder / "rows.csv", index=False)
    scores = rows[["request_id", "v2"]].rename(columns={"request_id": "id", "v2": "prediction"})
    scores.to_json(folder / "v2.jsonl", orient="records", lines=True)
    store = ["--store", str(folder / "midwatch.db")]
    for call in (["init", "churn.toml"], ["ingest", "churn", "served.csv"], ["labels", "churn", "labels.csv"]):
        assert run([call[0], *(str(folder / word) if "." in word else word for word in call[1:]), *store]) in (0, 1)
    return folder


@pytest.fixture
def folder(seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The files, with a copy of the store."""
    shutil.copy(seeded / "midwatch.db", tmp_path / "midwatch.db")
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "midwatch.db"))
    capsys.readouterr()
    return seeded


def test_evaluate_names_the_broken_slice_and_exits_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = Call(capsys)
    scores = str(folder / "v2.jsonl")
    told = call("evaluate", "churn", "v2", "--scores", scores, "--baseline", "v1", "--batches", "1")
    rows = table()
    newest = rows.tail(ROWS * 3 // 10)
    assert told["passes"] is True
    assert told["primary"]["metric"] == "auc"
    assert told["primary"]["candidate"]["value"] == pytest.approx(area(newest.label, newest.v2), abs=2e-3)
    assert told["primary"]["baseline"]["value"] == pytest.approx(area(newest.label, newest.v1), abs=2e-3)
    assert (told["counts"]["rows"], told["coverage"]) == (len(newest), 1.0)
    assert (told["candidate_door"]["kind"], told["baseline_door"]["kind"]) == ("scores", "log")
    assert run(["kept", "add", "churn", "latam", "region = LATAM", "--kind", "critical", "--floor", "0.9"]) == 0
    capsys.readouterr()
    assert run(["evaluate", "churn", "v2", "--scores", scores, "--baseline", "v1", "--last", "9000d"]) == 1
    said = capsys.readouterr().out
    assert "churn v2 against v1: does not pass" in said
    assert "region = LATAM" in said
    assert f"suite {told['suite'][:12]}" not in said
    assert said.index("'latam' ") < said.index("better: auc differs")


def test_files_that_the_shell_made_of_a_pattern_are_data(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.read_csv(folder / "rows.csv").assign(score=table().v1, version="v1")
    parts = [str(tmp_path / f"part{i}.csv") for i in range(2)]
    for i, part in enumerate(parts):
        rows.iloc[i * 250 : (i + 1) * 250].to_csv(part, index=False)
    base, scores = ["evaluate", "churn", "v2", "--baseline", "v1"], ["--scores", str(folder / "v2.jsonl")]
    told = Call(capsys)(*base, "--data", *parts, *scores)
    assert told["data"]["names"] == parts
    assert told["counts"]["given"] == ROWS
    assert run([*base, *scores, *parts]) == 2
    assert "rows with labels come behind --data" in capsys.readouterr().err
    assert run([*base, *scores, "--data", *parts, "--last", "3d"]) == 2
    assert "not by --data and --last together" in capsys.readouterr().err


def test_usage_and_refusals_have_their_exit_codes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = ["--scores", str(folder / "v2.jsonl")]
    base = ["evaluate", "churn", "v2", "--baseline", "v1"]
    rows = str(folder / "rows.csv")
    assert run([*base, *scores]) == 2
    assert run([*base, "--batches", "1"]) == 2
    assert run([*base, *scores, "--batches", "x"]) == 2
    assert run([*base, *scores, "--batches", "1", "--last", "3d"]) == 2
    assert run([*base, *scores, "--data", rows]) == 2
    assert run([*base, *scores, "--data", rows, "--data-sha", "00000000"]) == 5
    assert run([*base, "--scores", str(folder / "gone.csv"), "--batches", "1"]) == 4
    assert run(["evaluate", "churn", "v2", "--import", "auc"]) == 2
    said = capsys.readouterr().err
    assert "no predictions of 'v1'" in said
    assert "is not the data that was named" in said
    assert "Traceback" not in said


def test_imported_metrics_are_shown_as_unverified_and_do_not_pass(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Call(capsys)("evaluate", "churn", "v2", "--import", "auc=0.99", "--source", "notebook", code=1)
    assert told["passes"] is False
    assert told["imported"] == [{"metric": "auc", "value": 0.99, "source": "notebook", "verified": False}]
    assert run(["evaluate", "churn", "v2", "--import", "auc=0.98"]) == 1
    assert "unverified" in capsys.readouterr().out


def test_a_frozen_set_is_evaluated_whole_and_tells_what_becomes_of_failure_cases(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = Call(capsys)
    call("cases", "add", "churn", "--batch", "1", "--where", "score > 0.6", "--limit", "100")
    assert run(["sets", "freeze", "churn", "failures"]) == 0
    capsys.readouterr()
    told = call(
        "evaluate", "churn", "v2", "--set", "failures", "--scores", str(folder / "v2.jsonl"), "--baseline", "v1",
        "--baseline-scores", str(folder / "served.csv"), code=1,
    )  # fmt: skip
    [passed] = told["sets"]
    rows = table().set_index("request_id")
    cases = rows[(rows.v1 > 0.6) & (rows.label == 0)]
    right = ((cases.v2 >= 0.5) == cases.label).sum()
    assert (passed["items"], passed["passed"]) == (len(cases), right)
    fared, all_of_them = told["cases"], len(cases)
    assert (fared["cases"], fared["answered"], fared["passed"]) == (all_of_them, all_of_them, right)
    assert len(fared["first"]) == right
    assert told["split"] == "all rows"


def test_metrics_are_listed_and_the_primary_one_is_rotated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = Call(capsys)
    told = call("metrics", "churn")
    assert told["primary"]["metric"] == "auc"
    assert told["primary"]["owner"] == "growth"
    lines = {line["metric"]: line for line in told["metrics"]}
    assert (lines["auc"]["role"], lines["auc"]["slo"], lines["contacted"]["kind"]) == ("primary", ">= 0.6", "business")
    assert lines["auc"]["value"] is not None
    assert lines["contacted"]["value"] is not None
    call("metrics", "rotate", "churn", "contacted", "--owner", "sales", "--reason", "contacts are what is sold")
    told = call("metrics", "list", "churn")
    assert (told["primary"]["metric"], told["primary"]["registered"]) == ("contacted", "auc")
    done = call("evaluate", "churn", "v2", "--scores", str(folder / "v2.jsonl"), "--baseline", "v1", "--batches", "1")
    assert done["primary"]["metric"] == "auc"
    assert done["primary_in_force"]["metric"] == "contacted"
    newest = table().tail(ROWS * 3 // 10)
    contacted = ((newest.v2 >= 0.5) * newest.label).mean()
    assert done["primary_in_force"]["compared"]["candidate"]["value"] == pytest.approx(contacted)
    assert "gates keep auc" in call.text("metrics", "churn")
