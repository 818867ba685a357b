"""Undo, and what a rollback is recorded with: incident, alert, reason."""

from pathlib import Path

import pytest

from core.incidents import lifecycle
from storage.records.alerts import AlertDraft
from storage.tables import alerts, incidents, rollback_evidence, rollbacks
from tests.conftest import ADA, NOW
from tests.tui.kit import settle
from tests.tui.rollback_kit import app_of, desk_at, opened, sheet_of, text_of
from tui.app import MidwatchApp
from tui.screens.rollback import ActingSheet, UndoSheet, open_rollback


@pytest.mark.parametrize("before", [b"v13\n", b"v13", b"v13\r\n", b"  v13\n\n"])
async def test_undo_restores_the_exact_bytes_once(tmp_path: Path, before: bytes) -> None:
    desk = desk_at(tmp_path)
    desk.pointer.write_bytes(before)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert desk.pointer.read_bytes() != before
        await pilot.press("escape")
        sheet = await opened(pilot, "u")
        assert isinstance(sheet, UndoSheet)
        assert "UNDO churn v12 -> v13" in text_of(pilot)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert desk.pointer.read_bytes() == before
        assert "Undone: churn is v13" in text_of(pilot)
        await pilot.press("escape", "u")
        await settle(pilot)
        assert "was undone already; an undo is done once" in text_of(pilot)
        assert sheet_of(pilot).asked is None
        await pilot.press("escape")


async def test_undo_is_refused_when_the_world_moved(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("escape")
        desk.pointer.write_text("v11\n")
        await pilot.press("u")
        await settle(pilot)
        assert "the world moved since rollback 1: it says v11, not v12" in text_of(pilot)
        await pilot.press("escape")


async def test_its_incident_is_mitigated_and_open_again_after_the_undo(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    title = "output moved, inputs did not"
    incident = lifecycle.open_incident(desk.db, model=desk.model, title=title, actor=ADA, now=NOW).key
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert f"{incident} output moved, inputs did not; v13 is live since" in text_of(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert rollbacks.of_model(desk.db, desk.model.id)[0].reason == f"{incident} output moved, inputs did not"
        assert incidents.get(desk.db, incident).state == "mitigated"
        await pilot.press("escape")
        await opened(pilot, "u")
        await pilot.press("enter")
        await settle(pilot)
        assert incidents.get(desk.db, incident).state == "open"
        assert rollback_evidence.open_incidents(desk.db, desk.model.id) == [incident]


@pytest.mark.parametrize("linked", [False, True])
async def test_from_an_alert_its_incident_or_the_alert_itself_is_the_reason(tmp_path: Path, linked: bool) -> None:
    desk = desk_at(tmp_path)
    draft = AlertDraft("f", "g", "page", "hard", "scores moved", "scores moved, inputs did not", ("score",), 7.3, ())
    batch = desk.db.execute("SELECT max(id) FROM batches").fetchone()[0]
    window = (NOW, NOW)
    alert = alerts.insert(desk.db, draft, model_id=desk.model.id, batch_id=batch, result_ids=(), window=window, now=NOW)
    named = [
        lifecycle.open_incident(
            desk.db, model=desk.model, title=title, alerts=[alert] if wanted else [], actor=ADA, now=NOW
        ).key
        for title, wanted in (("bad snapshot", linked), ("something else", False))
    ]
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        sheet = await opened(pilot)
        assert sheet.seen is not None
        if linked:
            assert sheet.seen.reason == f"{named[0]} bad snapshot"
            assert sheet.seen.incident == (named[0], "bad snapshot")
        else:  # of two open incidents none is taken for it
            assert sheet.seen.reason == "rolled back from the screen: scores moved, inputs did not"
            assert sheet.seen.incident is None


async def test_a_plan_that_cannot_be_made_says_why_and_takes_no_key(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app = pilot.app
        assert isinstance(app, MidwatchApp)
        assert app.pane is not None
        open_rollback(app.pane, "churn", incident_key="INC-404")
        await settle(pilot)
        assert "there is no incident 'INC-404'" in text_of(pilot)
        await pilot.press("enter", "escape")
        assert not isinstance(pilot.app.screen, ActingSheet)
