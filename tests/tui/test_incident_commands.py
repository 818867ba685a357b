from pathlib import Path

import pytest

from storage import db as store_db
from tests.conftest import CHURN
from tests.core import night
from tests.tui.calls import Call


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    monkeypatch.setenv("LOGNAME", "ada")
    (tmp_path / "churn.toml").write_text(CHURN)
    calls = Call(capsys)
    calls("init", str(tmp_path / "churn.toml"))
    return calls


def test_an_incident_from_opening_to_review(call: Call, tmp_path: Path) -> None:
    db = store_db.connect(tmp_path / "s.db")
    fired = night.alert(db, 1, night.batch(db, 1, -50), -9, start=-50)
    db.close()
    assert call("incidents", "open", "scores moved", "--alert", str(fired), "--severity", "2")["model"] == "churn"
    assert call("incidents", "note", "1", "looking [red]at[/x] it", "--about", f"alert:{fired}")["event"]
    guess = str(call("incidents", "hypothesis", "INC-0001", "bad snapshot", "--cause", "run/training")["event"])
    call("incidents", "evidence", "1", guess, "--ref", f"alert:{fired}")
    left = str(call("incidents", "followup", "1", "gate on inconclusive shadow")["event"])
    call("incidents", "followup", "1", "--done", left)
    call("incidents", "close", "1", code=5)
    assert "a cause" in call.err
    assert call("incidents", "close", "1", "--cause", "run/training", "--text", "labels")["state"] == "resolved"
    call("incidents", "state", "1", "reviewed", code=5)
    call("incidents", "prevent", "1", "--check", "label base rate")
    call("incidents", "state", "1", "reviewed")
    assert call("incidents", "list")["total"] == 0
    assert call("incidents", "list", "--all")["incidents"][0]["key"] == "INC-0001"
    shown = call("incidents", "show", "1")
    assert shown["hypotheses"][0]["status"] == "supported"
    assert shown["follow_ups"][0]["done_by"]
    assert "[red]at[/x]" in call.text("incidents", "show", "1")
    assert call("incidents", "causes") == [{"cause": "run/training", "incidents": 1}]
    assert call("incidents", "times")[3]["n"] == 1
    assert call("audit", "verify")["broken_at"] is None


def test_report_goes_where_it_is_told(call: Call, tmp_path: Path) -> None:
    call("incidents", "open", "x", "--model", "churn")
    assert call("incidents", "report", "1")["path"] == str(tmp_path / "reports" / "INC-0001.md")
    named = tmp_path / "r.md"
    call.text("incidents", "report", "1", "--output", str(named))
    assert named.read_text().startswith("# INC-0001: x")
    assert named.stat().st_mode & 0o777 == 0o600
    assert call.text("incidents", "report", "1", "--output", "-").startswith("# INC-0001: x")


def test_handover_is_shown_written_and_listed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("incidents", "open", "x", "--model", "churn")
    assert call("handover", "show")["open_items"] == 1
    assert call("handover", "write", "--to", "lin")["to_person"] == "lin"
    call("handover", "accept", code=5)
    assert "next person" in call.err
    monkeypatch.setenv("SUDO_USER", "lin")
    assert call("handover", "accept", "1")["accepted_by"] == "lin"
    assert [h["id"] for h in call("handover", "list")] == [1]
    assert "Open incidents (1)" in call.text("handover", "show", "1")
    rotation = tmp_path / "rotation.toml"
    rotation.write_text('people = ["ada", "lin"]\nhandover = "09:00"\nfirst = 2020-01-06\n')
    assert call("handover", "watch", "--rotation", str(rotation))["gaps"] == []
    rotation.write_text('people = ["ada"]\nfirst = 2020-01-06\nlast = 2021-01-06\n')
    monkeypatch.setenv("MIDWATCH_ROTATION", str(rotation))
    assert call("handover", "watch", code=1)["now"] is None
    call("handover", "show", "--rotation", "/nowhere.toml", code=2)
