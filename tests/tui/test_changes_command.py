import io
import json
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


def test_one_change_with_its_keys_and_the_filters(call: Call, tmp_path: Path) -> None:
    (tmp_path / "churn.toml").write_text(CHURN.replace("0.68", "0.60"))
    call("init", str(tmp_path / "churn.toml"), "--reviewed-by", "lin")
    call(
        "changes", "add", "--layer", "data", "--kind", "k", "--subject", "s\x1b[2J", "--before", "a\nb", "--after", "b"
    )
    shown = call("changes", "show", "1")
    assert shown["details"]["differences"][0]["key"] == "metrics[0].slo"
    assert 'metrics[0].slo: ">= 0.68" -> ">= 0.60"' in call.text("changes", "show", "change:1")
    text = call.text("changes", "show", "changes:2")
    assert "not reviewed by anybody" in text
    assert "- a" in text
    assert "\x1b" not in text
    assert call("changes", "list", "--unreviewed")["total"] == 1
    assert [c["size"] for c in call("changes", "list", "--sort", "size")["changes"]] == [1, None]
    for wrong in ("0", "9", "deployment:1", "alert:1", "x", "9" * 30):
        call("changes", "show", wrong, code=2)


def test_snapshots_travel_between_machines(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("numpy==1.26.4\nclick==8.1\n")
    first = call("env", "snap", "--packages", str(lock), "--name", "a", "--code", str(tmp_path))
    assert first["environment"]["body"]["package"] == {"numpy": "1.26.4", "click": "8.1"}
    text = json.dumps(first).replace("1.26.4", "2.0").replace('"host": "a"', '"host": "b"')
    feed(monkeypatch, text)
    assert call("env", "add")["environment"]["host"] == "b"
    feed(monkeypatch, "[1]")
    call("env", "add", code=2)
    found = call("env", "diff", "a", "b")
    assert [(d["key"], d["weight"]) for d in found["differences"]] == [("numpy", 20.0)]
    assert "numpy" in call.text("env", "diff", "1", "2")
    assert [e["id"] for e in call("env", "list")] == [2, 1]
    call("env", "diff", "a", "none", code=2)
    call("changes", "git", str(tmp_path), code=4)
