"""The rollback and undo sheets: nothing but a painted plan can be confirmed, once, and only the world ends it."""

from pathlib import Path

import pytest

from storage import process
from storage.tables import audit, rollbacks
from tests.conftest import NOW
from tests.tui.kit import HOSTILE, Clock, answer, screen_text, settle
from tests.tui.rollback_kit import app_of, desk_at, opened, sheet_of, states, status, text_of
from tui.app import MidwatchApp
from tui.screens.rollback import ActingSheet, RollbackSheet, open_rollback


async def test_all_green_is_one_enter_and_said_only_after_the_world_was_read(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        shown = text_of(pilot)
        for words in (
            "ROLLBACK churn v13 -> v12 (full)",
            "is live since 2026-11-20",
            "in range (>= 0.68): auc 0.71",
            "ok version, artifact, schema, history, not suspect",
            "does writes 'v12\\n' into",
            "rows per hour",
            "?? historical v11",
            "puts v13 back exactly",
            "armed: enter executes, esc leaves; tab another",
        ):
            assert words in shown, words
        assert "Rolled back" not in shown
        await pilot.press("enter", "enter", "enter")
        await settle(pilot)
        assert sheet.outcome is not None
        assert sheet.outcome.state == "verified"
        assert states(desk) == ["planned", "started", "actuated", "verified"]
        assert len(rollbacks.of_model(desk.db, desk.model.id)) == 1
        assert desk.pointer.read_text() == "v12\n"
        shown = text_of(pilot)
        assert "VERIFIED the world says v12" in shown
        assert "Rolled back: churn is v12; the world says v12. esc closes" in shown
        await pilot.press("enter", "tab", "x")
        assert sheet_of(pilot) is sheet
        await pilot.press("escape")
        await settle(pilot)
        assert status(pilot) == "Rolled back: churn is v12; the world says v12"
        assert rollbacks.of_model(desk.db, desk.model.id)[0].confirmed == "enter"
    assert audit.verify(desk.db).broken_at is None


async def test_keys_before_the_answer_do_nothing_and_esc_leaves(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("R", "enter", "v", "1", "2", "enter")
        sheet = sheet_of(pilot)
        assert sheet.asked is None or not sheet.armed
        await settle(pilot)
        await pilot.press("enter", "tab", "enter")
        assert (sheet.armed, sheet.executed, sheet.seen is not None) == (False, False, True)
        await pilot.press("escape")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, ActingSheet)
        assert states(desk) == []
        assert desk.pointer.read_text() == "v13\n"


async def test_nothing_is_asked_of_the_terminal_while_the_plan_is_made(tmp_path: Path) -> None:
    async with app_of(desk_at(tmp_path)).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        sheet.again("")
        assert (sheet.armed, sheet.asked, sheet.seen) == (False, None, None)
        sheet.ask_terminal()
        sheet._ask()
        assert sheet.asked is None
        assert "keys are dropped until it stands here" in sheet.state()


@pytest.mark.parametrize(("production", "labelled"), [(True, True), (False, False)])
async def test_production_or_anything_not_green_is_typed_exactly(
    tmp_path: Path, production: bool, labelled: bool
) -> None:
    desk = desk_at(tmp_path, production=production, labelled=labelled)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        shown = text_of(pilot)
        assert ("PRODUCTION" in shown) == production
        assert ("?? history: it was live before; its auc is unknown" in shown) != labelled
        assert "type v12 to confirm > _" in shown
        await pilot.press("enter", *"v13", "enter")
        assert "that is not v12" in sheet.note
        assert (sheet.executed, desk.pointer.read_text()) == (False, "v13\n")
        await pilot.press(*"v12", "enter")
        await settle(pilot)
        assert desk.pointer.read_text() == "v12\n"
        assert rollbacks.of_model(desk.db, desk.model.id)[0].confirmed == "v12"


async def test_another_candidate_is_another_plan_and_arms_anew(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        first, key = sheet.asked, sheet.seen and sheet.seen.plan.key
        await pilot.press("tab", "enter")
        await settle(pilot)
        assert sheet.seen is not None
        assert (sheet.seen.plan.to_version, sheet.required, sheet.armed) == ("v11", "v11", False)
        assert sheet.seen.plan.key != key
        assert sheet.asked != first
        await pilot.press(*"v11", "enter")
        assert not sheet.executed
        await answer(pilot)
        await pilot.press("tab")
        await settle(pilot)
        await answer(pilot)
        assert (sheet.seen.plan.to_version, sheet.required) == ("v12", "")
        await pilot.press("shift+tab")
        await settle(pilot)
        await answer(pilot)
        await pilot.press(*"v11", "enter")
        await settle(pilot)
        assert desk.pointer.read_text() == "v11\n"


async def test_an_expired_plan_is_made_again_before_anything_is_done(tmp_path: Path) -> None:
    desk, clock = desk_at(tmp_path), Clock()
    async with app_of(desk, clock).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        key = sheet.seen and sheet.seen.plan.key
        clock.turn(seconds=121)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert (sheet.executed, sheet.armed, desk.pointer.read_text()) == (False, False, "v13\n")
        assert sheet.seen is not None
        assert sheet.seen.plan.key != key
        await answer(pilot)
        assert "the plan had expired and was made again" in text_of(pilot)
        clock.turn(seconds=121)
        sheet._expired()  # what its timer does
        await settle(pilot)
        await answer(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert desk.pointer.read_text() == "v12\n"


async def test_a_world_that_says_something_else_is_not_verified(tmp_path: Path) -> None:
    program = tmp_path / "deploy"
    program.write_text("#!/bin/sh\necho v13\n")
    program.chmod(0o755)
    spec = (
        f'[rollback]\nactuator = "command"\nexecute = ["{program}", "{{version}}"]\nverify = ["{program}"]\n'
        'settle = "0s"\ntimeout = "0.2s"\n'
    )
    desk = desk_at(tmp_path, rollback=spec)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await settle(pilot)
        shown = text_of(pilot)
        assert "NOT VERIFIED that churn is v12: the world still says v13, not v12. esc closes" in shown
        assert "Rolled back" not in shown + status(pilot)
        assert states(desk)[-1] == "not verified"
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, ActingSheet)


async def test_a_pointer_that_moved_since_the_plan_stops_it(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        desk.pointer.write_text("v11\n")
        await pilot.press("enter")
        await settle(pilot)
        assert "FAILED, churn is not v12: nothing was done" in text_of(pilot)
        assert desk.pointer.read_text() == "v11\n"


async def test_another_operators_rollback_refuses_this_one_and_the_sheet_says_so(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        sheet = await opened(pilot)
        plan = desk.plan()
        other = rollbacks.add(desk.db, plan, reason="other", confirmed="v12", key="k", by="bob", now=NOW)
        for state in ("planned", "started"):
            rollbacks.append_state(
                desk.db, other, state, after=None, detail={"process": process.mark()}, by="bob", now=NOW
            )  # type: ignore[arg-type]
        await pilot.press("enter")
        await settle(pilot)
        assert "in flight" in sheet.note
        assert desk.pointer.read_text() == "v13\n"
        await pilot.press("escape")
        await pilot.press("R")
        await settle(pilot)
        await answer(pilot)
        assert "!! in flight" in text_of(pilot)
        assert "can't be executed" in text_of(pilot)
        await pilot.press("enter")
        assert "no override helps against that" in sheet_of(pilot).note
        assert desk.pointer.read_text() == "v13\n"


async def test_read_only_refuses_both_keys_and_a_lock_under_the_sheet_refuses_enter(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk, locked=True).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("R", "u"):
            await pilot.press(key)
            assert not isinstance(pilot.app.screen, ActingSheet)
            assert "this screen is read-only" in status(pilot)
        app = pilot.app
        assert isinstance(app, MidwatchApp)
        app.writes.unlock(app.now())
        sheet = await opened(pilot)
        app.writes.lock()
        await pilot.press("enter")
        assert "is refused" in sheet.note
        assert states(desk) == []


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_hostile_words_are_data_and_the_answer_line_stays_in_view(tmp_path: Path, size: tuple[int, int]) -> None:
    desk = desk_at(tmp_path, labelled=False)
    desk.db.execute(
        "INSERT INTO deployments(model_id, version, stage, action, at, recorded_at, by, source) "
        "VALUES (?, ?, 'full', 'observed', '2026-09-01T00:00:00.000000Z', '2026-09-01T00:00:00.000000Z', 'x', 'log')",
        (desk.model.id, HOSTILE),
    )
    async with app_of(desk).run_test(size=size) as pilot:
        await settle(pilot)
        app = pilot.app
        assert isinstance(app, MidwatchApp)
        assert app.pane is not None
        open_rollback(app.pane, "churn", reason=HOSTILE * 4)
        await settle(pilot)
        await answer(pilot)
        lines = screen_text(app).splitlines()
        assert "[/boom] [@click=app.exit]x[/] ␛[31mred␇" in " ".join(" ".join(lines).split())
        assert "type v12 to confirm > _" in lines[-2]
        assert "armed" in lines[-1] or "armed" in lines[-2] + lines[-3]
        await pilot.press("pagedown", "pagedown")
        assert "puts v13 back exactly" in text_of(pilot) or "moved by then" in text_of(pilot)
        assert isinstance(sheet_of(pilot), RollbackSheet)
