"""The sheet behind ``T``: proposals side by side, a reason before anything is recorded, and the way back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core import alert_answers
from core.alert_raising import raise_standing
from core.tuner.of_alert import tuning_of
from core.tuner.standing import tuned_specs
from storage import db as store
from storage.errors import UsageError
from storage.records.alerts import AlertDraft
from storage.records.models import CheckSpec, Model
from storage.tables import models, tunings
from tests.conftest import ADA, CHURN, NOW
from tests.core.tuner.play import Day, fresh, play
from tests.tui.kit import answer, screen_text, settle
from tests.tui.night_screen import keys, screen
from tui.screens.tuning import TuningSheet

Register = Callable[..., Model]
SIZES = [(80, 24), (60, 20), (140, 40)]
DAYS = [Day(1.2, "noise"), Day(None), Day(1.5, "noise"), Day(None), Day(None), Day(4.0, "acted"), Day(None)] * 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two weeks of noise and two faults; the newest alert is noise that nobody judged."""
    db, model = fresh(tmp_path, CHURN)
    play(db, model, [*DAYS, Day(1.3)])
    db.close()
    return tmp_path / "s.db"


async def opened(pilot: Pilot[None]) -> TuningSheet:
    await settle(pilot)
    await keys(pilot, "2", "T")
    await answer(pilot)
    assert isinstance(pilot.app.screen, TuningSheet)
    return pilot.app.screen


def state_of(path: Path) -> tuple[list[str], tuple[CheckSpec, ...]]:
    with closing(store.connect(path, read_only=True)) as db:
        model = models.get(db, "churn")
        return [t.state for t in tunings.listing(db, model.id)], tuned_specs(db, model)


@pytest.mark.parametrize("size", SIZES)
async def test_a_proposal_is_accepted_with_a_reason_and_taken_back(path: Path, size: tuple[int, int]) -> None:
    async with screen(path).run_test(size=size) as pilot:
        sheet = await opened(pilot)
        shown = screen_text(pilot.app)  # type: ignore[arg-type]
        for told in (
            "drift on spend of churn",
            "4 noise, 2 known faults",
            "x1.58",
            "-4 of 4",
            "2/2",
            "takes a proposal",
        ):
            assert told in " ".join(shown.split()), told
        assert all(len(line) <= size[0] for line in shown.splitlines())
        await pilot.press("1")
        await answer(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "a reason is needed" in sheet.note
        await pilot.press(*"sales", "enter")
        await settle(pilot)
        assert "is accepted" in screen_text(pilot.app)  # type: ignore[arg-type]
        assert state_of(path)[0] == ["accepted"]
        assert [s.check for s in state_of(path)[1]] == ["drift"]
        await keys(pilot, "escape", "T")
        await answer(pilot)
        assert "by ada" in screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("a")
        await answer(pilot)
        await pilot.press(*"no", "enter")
        await settle(pilot)
        assert state_of(path) == (["reverted"], ())


async def test_a_proposal_is_rejected_by_tab_and_esc_goes_one_step_back(path: Path) -> None:
    async with screen(path).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        await pilot.press("9", "b", "x")
        assert sheet.way is None
        await pilot.press("1")
        await answer(pilot)
        await pilot.press("escape")
        assert sheet.way is None
        await pilot.press("1")
        await answer(pilot)
        await pilot.press("tab", *"too wide", "enter")
        await settle(pilot)
        assert state_of(path) == (["rejected"], ())


async def test_reading_needs_no_unlock_and_recording_does(path: Path) -> None:
    async with screen(path, read_only="--read-only").run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        await pilot.press("1")
        await answer(pilot)
        await pilot.press(*"why not", "enter")
        await settle(pilot)
        assert "read-only" in sheet.note
        assert state_of(path) == ([], ())


async def test_a_fault_that_became_known_while_the_sheet_stood_open_refuses(path: Path) -> None:
    async with screen(path).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        with closing(store.connect(path)) as db:
            for (number,) in db.execute("SELECT id FROM alerts WHERE id NOT IN (SELECT alert_id FROM alert_feedback)"):
                alert_answers.give_feedback(db, number, "acted", actor=ADA, now=NOW)
        await pilot.press("1")
        await answer(pilot)
        await pilot.press(*"noise", "enter")
        await settle(pilot)
        assert "would lose" in screen_text(pilot.app)  # type: ignore[arg-type]
        assert state_of(path) == (["proposed"], ())


def test_what_no_check_raised_is_said(db: sqlite3.Connection, register: Register) -> None:
    draft = AlertDraft("f", "g", "ticket", "ops", "no data", "no batch of churn", (), 1.0, ())
    alert = raise_standing(db, register(), draft, NOW)
    assert alert is not None
    with pytest.raises(UsageError, match="no check raised"):
        tuning_of(db, alert)
