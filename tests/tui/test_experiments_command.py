"""``midwatch experiments``: from the registration to the kill, and what is refused on the way."""

from pathlib import Path

import pytest

from storage import db as store
from storage.tables import models
from tests.conftest import ADA, CHURN, NOW
from tests.core.experiments.kit import STAGES, simulated_history
from tests.tui.calls import Call

ADD = ("experiments", "add", "churn", "fresher rows", "--hypothesis", "newer rows cure the drift")
NUMBERS = ("--predict", "0.002..0.01", "--worthwhile", "0.004")


@pytest.fixture
def call(store_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("MIDWATCH_STORE", str(store_file))
    db = store.connect(store_file)
    models.register(db, "churn", path="churn.toml", text=CHURN + STAGES, sha256="0" * 64, actor=ADA, now=NOW)
    db.close()
    return Call(capsys)


def test_from_the_registration_to_the_kill(call: Call) -> None:
    assert "no experiments" in call.text("experiments")
    added = call(*ADD, *NUMBERS, "--idea-from", "support", "--link", "https://chat/1")
    assert (added["state"], added["registration"]["kind"], added["registration"]["metric"]) == (
        "registered", "data", "auc",
    )  # fmt: skip
    call(*ADD, "--predict", "1..0", "--worthwhile", "0.004", code=2)
    call("experiments", "result", "1", "--gain", "0.01", "--interval", "0..0.02", code=5)
    assert "start it first" in call.err
    assert call("experiments", "start", "1", "--version", "v43")["version"] == "v43"
    call("experiments", "result", "1", "--gain", "0.01", "--interval", "0..0.02", "--at", "2d", code=5)
    assert "what was known before can't be predicted" in call.err
    call("experiments", "result", "1", "--gain", "0.01", code=2)
    call("experiments", "result", "1", "--gain", "0.01", "--interval", "a..b", code=2)
    call("experiments", "result", "1", "--gain", "0.01", "--interval", "0..nan", code=2)
    call("experiments", "result", "1", "--stage", "offline", code=2)
    assert call("experiments", "result", "1") == {"id": 1, "read": []}
    told = call("experiments", "result", "1", "--gain", "0.005", "--interval", "0.001..0.009", "-n", "900")
    assert (told["stage"], told["version"], told["source"]) == ("offline", "v43", "typed")
    assert call("experiments", "explain", "1", "it had to be")["retrofitted"] is True
    assert call("experiments", "hours", "1", "2.5") == {"id": 1, "hours": 2.5}
    call("experiments", "kill", "1", code=2)
    assert call("experiments", "kill", "1", "--reason", "too small")["state"] == "killed"
    shown = call("experiments", "show", "1")
    assert (shown["wrong"], shown["state"], shown["hours"]) == ([], "killed", 2.5)
    assert [e["kind"] for e in shown["events"]] == ["start", "explain", "hours", "kill"]
    text = call.text("experiments", "show", "1")
    assert "unchanged since" in text
    assert "explain (retrofitted) it had to be" in text
    assert "+0.005 [0.001 0.009]" in call.text("experiments", "list", "--model", "churn", "--state", "killed")
    assert call("experiments", "list", "--state", "running") == {"experiments": []}


def test_over_the_limit(call: Call) -> None:
    for _ in range(4):
        call(*ADD, *NUMBERS)
    for number in "123":
        call("experiments", "start", number)
    call("experiments", "start", "4", code=5)
    assert "could be stopped: 1 fresher rows" in call.err
    assert call("experiments", "start", "4", "--stop", "1")["state"] == "running"
    assert call("experiments", "limit")["limits"] == []
    call("experiments", "limit", "2", code=2)
    call("experiments", "limit", "9" * 30, "--model", "churn", code=2)
    assert call("experiments", "limit", "4", "--model", "churn", "--reason", "more people")["limits"][0]["most"] == 4
    assert call("experiments", "hold", "4", "--reason", "waits for labels")["state"] == "held"
    assert call("experiments", "start", "1")["state"] == "running"
    assert call("experiments", "launch", "2")["state"] == "launched"
    assert call("experiments", "drop", "2", "--reason", "legal")["state"] == "dropped"


def test_what_history_says(store_file: Path, call: Call) -> None:
    assert "no experiments" in call.text("experiments", "funnel")
    db = store.connect(store_file)
    simulated_history(db, models.get(db, "churn"), 20)
    db.close()
    listed = call("experiments", "list", "--tree")["experiments"]
    assert len(listed) == 20
    assert {one["depth"] for one in listed} == {0}
    told = call("experiments", "funnel", "--target", "2d")
    assert sum(line["here"] for line in told["lines"]) == told["experiments"] == 20
    assert sum(line["registered"] for line in told["gains"]["kind"]) == 20
    text = call.text("experiments", "funnel", "--target", "2d")
    assert "SPENT ON ENDED ONES" in text
    assert "within 2 d" in text
    call("experiments", "funnel", "--target", "soon", code=2)
    told = call("experiments", "shrinkage", "--model", "churn")
    assert told["pairs"] >= 8
    assert told["shrinkage"]["low"] < 0.6 < told["shrinkage"]["high"]
    assert "is left in the farthest stage" in call.text("experiments", "shrinkage")
    assert call("experiments", "caught", "--new", "wrong join", "--stage", "build")["name"] == "hand:1"
    assert call("experiments", "caught", "--tag", "hand:1", "--stage", "live", "--model", "churn")["stage"] == "live"
    call("experiments", "caught", "--tag", "hand:1", code=2)
    ledger = call("experiments", "caught", "--since", "1d")
    assert (sum(ledger["stages"].values()), ledger["whole"]["escaped"]) == (1, 1)
    assert "hand:1" in call.text("experiments", "caught")
