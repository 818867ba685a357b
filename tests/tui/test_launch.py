"""What the screen does about a rollback that a crash left open."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from storage import process
from storage.clock import utc_now
from storage.errors import StoreBusyError
from storage.tables import rollbacks
from tests.core.rollback.conftest import Desk
from tests.tui.kit import settle
from tests.tui.rollback_kit import app_of, desk_at
from tui import launch
from tui.screens.rollback import RollbackSheet
from tui.widgets.bars import Status


def left_open(desk: Desk, *, living: bool = False) -> int:
    now = utc_now()
    found = rollbacks.add(desk.db, desk.plan(), reason="bad", confirmed="v12", key="k", by="ada", now=now)
    mark = process.mark() if living else {**process.mark(), "started": "1"}
    for state in ("planned", "started"):
        rollbacks.append_state(desk.db, found, state, after=None, detail={"process": mark}, by="ada", now=now)  # type: ignore[arg-type]
    return found


def test_recovery_asks_the_world_and_says_how_it_ended(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    assert not rollbacks.any_left(desk.db)
    left_open(desk)
    assert rollbacks.any_left(desk.db)
    desk.pointer.write_text("v12\n")
    assert launch.recover(desk.db) == "rollback 1 of churn to v12 was left open and is now verified: the world says v12"
    assert not rollbacks.any_left(desk.db)
    assert launch.recover(desk.db) == ""


async def test_the_screen_recovers_after_its_first_paint_and_tells(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    found = left_open(desk)
    app = app_of(desk, locked=True)
    app.services = replace(app.services, recover=launch.recover)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        told = app.screen_stack[0].query_one(Status).text
        assert told == (
            "rollback 1 of churn to v12 was left open and is now not verified: the world still says v13, not v12"
        )
    assert rollbacks.get(desk.db, found).state == "not verified"


async def test_the_sheet_ends_what_stands_in_its_way_first(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        found = left_open(desk)
        await pilot.press("R")
        await settle(pilot)
        sheet = pilot.app.screen
        assert isinstance(sheet, RollbackSheet)
        assert sheet.seen is not None
        assert sheet.seen.plan.forbidden == ()
    assert rollbacks.get(desk.db, found).state == "not verified"


async def test_one_that_is_under_way_elsewhere_is_left_alone(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    found = left_open(desk, living=True)
    app = app_of(desk)
    app.services = replace(app.services, recover=launch.recover)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "it is under way elsewhere" in app.screen_stack[0].query_one(Status).text
    assert rollbacks.get(desk.db, found).state == "started"


async def test_a_recovery_that_fails_is_a_sentence(tmp_path: Path) -> None:
    def busy(_: object) -> str:
        raise StoreBusyError("the store is busy")

    app = app_of(desk_at(tmp_path))
    app.services = replace(app.services, recover=busy)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "the store is busy" in app.screen_stack[0].query_one(Status).text


def test_looking_for_open_ones_imports_nothing_of_the_rollback() -> None:
    code = (
        "import sys, tui.launch, tui.screens.home, tui.screens.alerts\n"
        "print([m for m in sys.modules if m.startswith(('core.rollback', 'core.incidents', 'httpx', 'numpy'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"
