"""``midwatch shadow``: text, JSON and the report say the same numbers, and nothing of redacted columns."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.kept.slices import keep
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import deployments
from tests.conftest import ADA, NOW
from tests.core.shadow.kit import START, TEXT, requests, shadowed, take
from tui.cli.main import run


def test_text_json_and_report_say_the_same_and_redact(
    db: sqlite3.Connection,
    store_file: Path,
    register: Callable[..., Model],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_text = TEXT.replace('redact = ["email"]\n', "")
    base = requests(600)
    model = register(open_text)
    log = pd.concat([base, shadowed(base, flips={"EU": 0.3, "NA": 0.0, "APAC": 0.0})])
    take(db, model, tmp_path / "log.parquet", log)
    keep(db, model, "one user", [Predicate("email", "=", "user3@secret.example")], actor=ADA, now=NOW)
    register(TEXT)  # from now on the column is redacted
    call = ["shadow", "churn", "v2", "--against", "v1", "--store", str(store_file)]
    page = tmp_path / "shadow.md"
    assert run([*call, "--report", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert run(call) == 0
    text = capsys.readouterr().out
    report = page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    share = told["disagreement"]
    counts = f"{share['count']} of {share['n']}"
    assert counts in text
    assert counts in report
    [gap] = [m for m in told["metrics"] if m["metric"] == "accuracy"]
    difference = f"{gap['difference']:+.4g} [{gap['low']:+.4g} {gap['high']:+.4g}]"
    assert difference in text
    assert difference in report
    europe = next(one for one in told["by_disagreement"] if one["words"] == "region = EU")
    assert f"{europe['disagreement']['count']} of {europe['disagreement']['n']}" in report
    for said in (text, report, json.dumps(told)):
        assert "secret.example" not in said
        assert "[redacted]" in said.replace("\\", "")
    assert len(report.splitlines()) < 100


def test_what_cannot_be_compared_exits_with_2_and_a_wrong_name_is_no_traceback(
    db: sqlite3.Connection,
    store_file: Path,
    register: Callable[..., Model],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = register(TEXT)
    take(db, model, tmp_path / "log.parquet", requests(100))
    deployments.append(db, model.id, "v1", "full", "enter", at=START, now=START, by="ada", source="manual")
    store = ["--store", str(store_file)]
    assert run(["shadow", "churn", "v2", *store]) == 2
    assert "nothing could be compared: no row is of the version 'v2'" in capsys.readouterr().out
    assert run(["shadow", "churn", "v1", *store]) == 2
    assert "is live in full itself" in capsys.readouterr().err
    assert run(["shadow", "churn", "v2", "--batch", "9", *store]) == 2
    assert "there is no batch 9" in capsys.readouterr().err


def test_arms_and_what_if_from_the_command_line(
    db: sqlite3.Connection,
    store_file: Path,
    register: Callable[..., Model],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = register(TEXT.replace('name = "canary"\n', 'name = "canary"\ntraffic = 0.5\nminimum_rows = 900\n'))
    base = requests(1200)
    mine = pd.Series(range(1200)) % 3 == 0
    take(db, model, tmp_path / "log.parquet", base.assign(
        version=mine.map({True: "v2", False: "v1"}), stage=mine.map({True: "canary", False: "full"})
    ))  # fmt: skip
    store = ["--store", str(store_file)]
    call = ["arms", "churn", "v2", "--against", "v1", "--stage", "canary", *store]
    assert run(call) == 1
    text = capsys.readouterr().out
    assert "split otherwise than the stage says" in text
    assert "minimum exposure is not reached: 400 of 900 rows" in text
    assert "not valid for peeking" in text
    assert run([*call, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    [accuracy] = [m for m in told["metrics"] if m["metric"] == "accuracy"]
    assert f"{accuracy['difference']:+.4g} [{accuracy['low']:+.4g} {accuracy['high']:+.4g}]" in text
    assert run(["arms", "churn", "v3", "--against", "v1", "--stage", "canary", *store]) == 2
    assert run(["whatif", "churn", "--threshold", "0.3", *store]) == 0
    text = capsys.readouterr().out
    assert "1,200 of 1,200 rows; nothing was written" in text
    assert run(["whatif", "churn", "--threshold", "0.3", "--json", *store]) == 0
    [part] = json.loads(capsys.readouterr().out)["parts"]
    assert f"{part['metrics'][0]['after']['value']:.4g}" in text
    assert run(["whatif", "churn", *store]) == 2
    assert "give a file of scores, or a threshold" in capsys.readouterr().err


def test_the_report_opens_with_the_gate_and_tells_kept_slices_and_what_has_no_metric(
    db: sqlite3.Connection,
    store_file: Path,
    register: Callable[..., Model],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    business = '[[metrics]]\nname = "spent"\nkind = "business"\nsql = "avg(spend)"\ndirection = "up"\n[[stages]]'
    model = register(TEXT.replace("[[stages]]", business, 1))
    base = requests(600)
    log = pd.concat([base, shadowed(base, flips={"EU": 0.9, "NA": 0.0, "APAC": 0.0})])
    take(db, model, tmp_path / "log.parquet", log)
    keep(db, model, "europe", [Predicate("region", "=", "EU")], kind="critical", actor=ADA, now=NOW)
    keep(db, model, "nobody", [Predicate("region", "=", "MARS")], actor=ADA, now=NOW)
    deployments.append(db, model.id, "v1", "full", "enter", at=START, now=START, by="ada", source="manual")
    store = ["--store", str(store_file)]
    assert run(["versions", "add", "churn", "v2", "--seed", "2", *store]) == 0
    assert run(["promote", "churn", "v2", "--yes", *store]) == 0
    capsys.readouterr()
    assert run(["gate", "churn", "v2", "--shadow-report", *store]) == 0
    report = capsys.readouterr().out.splitlines()
    assert report[2].startswith("**the gate behind shadow would say hold (dry run) to v2 against v1")
    assert report[4].startswith("- ")
    rows = [line for line in report if "| accuracy |" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["critical europe", "all requests"]
    assert "v1 is better" in rows[0]
    unknown = report[report.index("## Not known") :]
    assert any("business metric spent" in line for line in unknown)
    assert any("nobody (region = MARS): no request" in line for line in unknown)
    assert run(["shadow", "churn", "v2", "--json", *store]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gate"]["line"] in report[2]
    europe = base["region"] == "EU"
    assert told["slices"][0]["metrics"][0]["n"] == europe.sum()
    assert run(["shadow", "churn", "v2", *store]) == 0
    assert capsys.readouterr().out.startswith("the gate behind shadow would say hold (dry run)")
