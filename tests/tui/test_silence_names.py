"""Silences and quality from the command line: names that are there, words that tell what was changed."""

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from storage.clock import utc_now
from storage.records.models import Model
from tests.core import test_alert_life as life
from tests.core.test_alerts import found
from tests.tui.calls import Call

HOW = ("--until", "2h", "--reason", "sales")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return Call(capsys)


@pytest.fixture
def alert(db: sqlite3.Connection, register: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> int:
    """An alert of an hour ago, and one of four hundred days ago."""
    model = register()
    for number, back in enumerate((timedelta(days=400), timedelta(hours=2))):
        monkeypatch.setattr(life, "NOW", utc_now() - back)
        (one,) = life.arrive(
            db, model, number, [found("bounds", f"spend{back.days}", cause=f"b{back.days}", tier="ticket")]
        )
    return one.id


def test_a_silence_names_a_check_that_is_there(call: Call, alert: int, store_file: Path) -> None:
    at = ("--store", str(store_file))
    call("alerts", "silence", "--check", "bonds", *HOW, *at, code=2)
    assert "did you mean 'bounds'?" in call.err
    call("alerts", "silence", "--check", "bounds", *HOW, *at)
    call("alerts", "silence", "--model", "churn", "--column", "nosuch", *HOW, *at)
    assert "churn never had a column 'nosuch'" in call.err
    header, *rows = (line for line in call.text("alerts", "silences", *at).splitlines() if line.strip())
    assert header.split()[:4] == ["ID", "MODEL", "CHECK", "COLUMN"]
    assert any("every model  bounds  any" in row for row in rows)
    assert any("any     nosuch" in row for row in rows)
    quiet = call("alerts", "silences", *at)
    assert {(q["silence"]["check"], q["silence"]["column"]) for q in quiet} == {("bounds", None), (None, "nosuch")}


def test_a_wake_that_changes_nothing_says_so(call: Call, alert: int, store_file: Path) -> None:
    at = ("--store", str(store_file))
    call("alerts", "ack", str(alert), *at)
    assert call.text("alerts", "wake", str(alert), *at).strip() == f"alert {alert} fires again"
    assert "fires already: nothing was changed" in call.text("alerts", "wake", str(alert), *at)


def test_quality_tells_what_lies_outside_its_span_and_shows_it(call: Call, alert: int, store_file: Path) -> None:
    at = ("--store", str(store_file))
    text = call.text("alerts", "quality", *at)
    assert "1 alert outside this span, by the end of the window: --weeks all counts the whole record" in text
    assert "recall unknown, no incident and no miss is known" in text
    whole = json.loads(call.text("alerts", "quality", "--weeks", "all", "--json", *at))
    assert (whole["outside"], whole["quality"]["overall"]["alerts"]) == (0, 2)
    call("alerts", "quality", "--weeks", "0", *at, code=2)
    call("alerts", "quality", "--weeks", "some", *at, code=2)
