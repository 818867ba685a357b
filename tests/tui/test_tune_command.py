"""``midwatch alerts tune``: proposals, answers and the list, as a script reads them."""

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import alert_answers
from storage import db as store
from tests.conftest import ADA, CHURN, NOW
from tests.core.tuner.play import Day, fresh, play
from tui.cli import main

DAYS = [Day(1.2, "noise"), Day(None), Day(1.5, "noise"), Day(None), Day(None), Day(4.0, "acted"), Day(None)] * 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    db, model = fresh(tmp_path, CHURN)
    play(db, model, [*DAYS, Day(1.3)])
    db.close()
    return tmp_path / "s.db"


def run(path: Path, *words: str) -> SimpleNamespace:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main.run(["alerts", "tune", *words, "--store", str(path)])
    return SimpleNamespace(exit_code=code, stdout=out.getvalue(), stderr=err.getvalue())


def answered(path: Path, *words: str) -> Any:
    done = run(path, *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_proposal_is_read_accepted_listed_and_reverted(path: Path) -> None:
    found = answered(path, "drift", "--model", "churn", "--column", "spend")
    assert (found["fired"], found["noise"], found["known"], found["late"]) == (7, 4, 2, 0)
    best = next(p for p in found["proposals"] if "times" in p["change"])
    assert best["change"] == {"times": 1.58}
    assert (best["backtest"]["noise_removed"], best["backtest"]["kept"], best["backtest"]["lost"]) == (4, 2, [])
    number = str(best["id"])
    assert len(best["backtest"]["removed"]) == 4 + best["backtest"]["unjudged"]
    assert "gone would be alert " in run(path, "drift", "--model", "churn", "--column", "spend").stdout
    assert answered(path, "--accept", number, "--reason", "sales")["state"] == "accepted"
    assert run(path, "--accept", number, "--reason", "again").exit_code == 5
    assert [t["state"] for t in answered(path, "--list", "--model", "churn") if t["id"] == best["id"]] == ["accepted"]
    assert answered(path, "--revert", number, "--reason", "no")["state"] == "reverted"
    shown = run(path, "drift", "--model", "churn")
    assert "-4 of 4" in shown.stdout
    assert "all 2 known faults are told as before" in shown.stdout
    assert "tuning" in run(path, "--reject", str(best["id"] + 1), "--reason", "too wide").stdout
    assert "rejected" in run(path, "--list").stdout


def test_what_would_lose_a_fault_is_refused_with_its_alert(path: Path) -> None:
    number = str(answered(path, "drift", "--model", "churn", "--column", "spend")["proposals"][0]["id"])
    db = store.connect(path)
    (alert,) = db.execute("SELECT max(id) FROM alerts").fetchone()
    alert_answers.give_feedback(db, alert, "useful", actor=ADA, now=NOW)
    db.close()
    refused = run(path, "--accept", number, "--reason", "sales")
    assert refused.exit_code == 5
    assert f"alert {alert}" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("drift",), 2),
        (("drift", "--model", "churn", "--list"), 2),
        (("--accept", "1", "--reject", "2"), 2),
        (("--accept", "99", "--reason", "x"), 2),
        (("nosuch", "--model", "churn"), 2),
    ],
)
def test_calls_that_mean_nothing(path: Path, words: tuple[str, ...], code: int) -> None:
    assert run(path, *words).exit_code == code


def test_where_nothing_may_be_written_proposals_are_shown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.cli.options.why_unwritable", lambda path: "it belongs to ana")
    done = run(path, "drift", "--model", "churn", "--json")
    assert done.exit_code == 0
    assert {p["id"] for p in json.loads(done.stdout)["proposals"]} == {None}
    assert "can't be accepted" in done.stderr
