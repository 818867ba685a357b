import io
import sys
from pathlib import Path

import pytest

from tests.conftest import CHURN
from tests.tui.calls import Call


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.setenv("MIDWATCH_STORE", str(tmp_path / "s.db"))
    monkeypatch.setenv("LOGNAME", "ada")
    (tmp_path / "churn.toml").write_text(CHURN)
    calls = Call(capsys)
    calls("init", str(tmp_path / "churn.toml"))
    return calls


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8"))))


def test_changes_from_options_and_from_lines(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("changes", "add", "--layer", "run", "--kind", "config", "--subject", "min_score", "--at", "2h")
    assert call(*given, "--source-ref", "7")["added"] is True
    assert call(*given, "--source-ref", "7")["added"] is False
    good = '{"layer":"data","kind":"backfill","subject":"spend","at":"2026-11-23T02:00:00Z","model":"churn"}'
    feed(monkeypatch, f"{good}\nnot json\n\xff\n")
    assert call("changes", "add", code=2)["added"] == 1
    assert "line 2: not JSON" in call.err
    listed = call("changes", "list", "--model", "churn")
    assert {c["subject"] for c in listed["changes"]} == {"min_score", "spend"}
    assert all(c["unreviewed"] for c in listed["changes"])
    assert call("changes", "list", "--layer", "data")["total"] == 1
    assert "min_score" in call.text("changes")
