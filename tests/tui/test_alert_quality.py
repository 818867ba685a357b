""":quality and its twin, marking a miss from an incident and from the command line, and what stands beside an alert."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core import alert_answers
from core.incidents import lifecycle
from core.quality.figures import quality
from storage.clock import utc_now
from storage.records.models import Model
from storage.tables import missed
from tests.conftest import ADA, NOW
from tests.core import test_alert_life as life
from tests.core.test_alerts import found
from tests.tui.calls import Call
from tests.tui.kit import screen_text
from tests.tui.night_screen import SIZES, keys, screen, words

PANES = ("home", "alerts", "incidents", "quality")


@pytest.fixture
def churn(db: sqlite3.Connection, register: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> Model:
    """Fifteen pages of the last days, twelve of them judged, and an incident that no alert told of."""
    model = register()
    monkeypatch.setattr(life, "NOW", NOW - timedelta(days=20))
    for number in range(15):
        finding = found("bounds", f"c{number}", cause=f"cause [/red] {number}", tier="page", score=1.0 + number % 5)
        (alert,) = life.arrive(db, model, 30 * number, [finding])
        if number < 12:
            verdict = "acted" if number % 5 else "noise"
            alert_answers.give_feedback(db, alert.id, verdict, actor=ADA, now=NOW - timedelta(days=1))
    at = NOW - timedelta(days=1, hours=3)
    lifecycle.open_incident(db, model=model, title="refunds doubled", actor=ADA, now=at)
    return model


@pytest.mark.parametrize("size", SIZES)
async def test_the_pane_has_the_budget_the_figures_and_the_curve(
    db: sqlite3.Connection, store_file: Path, churn: Model, size: tuple[int, int]
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=size) as pilot:
        await keys(pilot, "colon")
        await words(pilot, "quality")
        shown = screen_text(app)
        assert "OVER BUDGET" in shown
        assert "bounds" in shown
        assert "75 [47 91]" in shown
        await keys(pilot, "j", "enter")
        text = app.pane.copy_text()  # type: ignore[union-attr]
        assert "precision 75 % [47 91] of 12 judged" in text
        assert "right wrong" in text
        assert "cause [/red]" not in text  # the titles are the findings' messages
        assert "judged last (8)" in text
        await keys(pilot, "escape", "1")
        assert "! OVER BUDGET churn: 4 pages in seven days, 2 agreed: :quality" in app.pane.copy_text()  # type: ignore[union-attr]


async def test_f_in_incidents_says_that_no_alert_told(db: sqlite3.Connection, store_file: Path, churn: Model) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "3", "f", "c")
        await words(pilot, "c3")
        await words(pilot, "support told us [/red]")
        assert "has no column 'c3'" in screen_text(app)
        await keys(pilot, "escape", "f", "m")
        await words(pilot, "support told us [/red]")
        assert "INC-0001 counts as missed" in screen_text(app)
        (one,) = missed.marked(db, churn.id)
        assert (one.incident, one.note, one.by) == ("INC-0001", "support told us [/red]", "ada")
        await keys(pilot, "f", "m")
        await words(pilot, "again")
        assert "marked as missed already" in screen_text(app)


async def test_an_alert_says_how_often_its_check_was_right(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, "2")
        text = app.pane.copy_text()  # type: ignore[union-attr]
        assert "bounds: 9 of 12 judged alerts were right, 75 % [47 91]" in text
        assert "predictions not read: the file of batch" in text


def test_the_command_says_what_the_pane_says(
    db: sqlite3.Connection, store_file: Path, churn: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    call, now = Call(capsys), utc_now()
    told = call("alerts", "quality", "--model", "churn", "--weeks", "520", "--store", str(store_file))
    same = quality(db, churn, since=now - timedelta(weeks=520), now=now)
    overall = told["quality"]["overall"]
    assert (overall["precision"]["hits"], overall["precision"]["n"]) == (9, 12)
    assert overall["calls"] == same.overall.calls == 15
    assert [c["name"] for c in told["quality"]["checks"]] == ["bounds"]
    assert told["curve"]["judged"] == 12
    text = call.text("alerts", "quality", "--weeks", "520", "--check", "bounds", "--store", str(store_file))
    assert "75 % [47 91] of 12 judged" in text
    assert "known problems" in text
    call("alerts", "quality", "--weeks", "520", "--check", "bonds", "--store", str(store_file), code=2)
    assert "of these: bounds" in call.err
    assert "CAUSE" in call.text("alerts", "quality", "--weeks", "520", "--causes", "--store", str(store_file))
    shown = call("alerts", "show", "1", "--store", str(store_file))
    assert shown["precision"] == [
        "in churn, bounds: 9 of 12 judged alerts were right, 75 % [47 91], counting alerts of the last 12 weeks"
    ]
    assert "is gone" in shown["touch"]["note"]


def test_a_miss_is_marked_listed_and_taken_back(
    db: sqlite3.Connection, store_file: Path, churn: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    call, store = Call(capsys), ("--store", str(store_file))
    at = ("--at", "2026-11-20T03:00Z")
    marked = call("alerts", "missed", "churn", *at, "--column", "a", "--note", "in cents", *store)
    assert (marked["at"], marked["column"], marked["source"]) == ("2026-11-20T03:00:00.000000Z", "a", "person")
    listed = call("alerts", "missed", "churn", *store)
    assert [(m["incident"], m["source"]) for m in listed] == [(None, "person"), ("INC-0001", "incident")]
    assert "in cents" in call.text("alerts", "missed", "churn", *store)
    assert "taken back" in call.text("alerts", "missed", "churn", "--withdraw", str(marked["id"]), *store)
    assert len(call("alerts", "missed", "churn", *store)) == 1
    call("alerts", "missed", "churn", "--at", "yesterday", *store, code=2)
    call("alerts", "missed", "nobody", *at, *store, code=2)


async def test_of_one_model_the_pane_says_what_its_checks_would_bring(
    db: sqlite3.Connection, store_file: Path, churn: Model
) -> None:
    app = screen(store_file, panes=PANES)
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, "colon")
        await words(pilot, "quality")
        assert "under the checks in force" not in screen_text(app)
        await keys(pilot, "colon")
        await words(pilot, "churn")
        assert "under the checks in force: 5." in screen_text(app)
