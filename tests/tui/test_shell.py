"""The shell: panes, read-only, sheets, jobs, prompt, copy."""

import random
import sqlite3
import time
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from storage.errors import SourceError
from tests.tui.kit import Clock, RollSheet, ThingPane, answer, app_on, screen_text, seed, settle, write
from tui.app import MidwatchApp
from tui.screens.dialogs import Choice, Unlock
from tui.screens.help import Help
from tui.widgets.bars import Line, Status


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seed(tmp_path / "s.db", 50)
    return tmp_path / "s.db"


def shell(pilot: Pilot[None]) -> MidwatchApp:
    assert isinstance(pilot.app, MidwatchApp)
    return pilot.app


def status(pilot: Pilot[None]) -> str:
    return pilot.app.screen_stack[0].query_one(Status).text


def one(path: Path, sql: str) -> object:
    db = sqlite3.connect(path)
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()


async def unlock(pilot: Pilot[None]) -> None:
    await pilot.press("W")
    await answer(pilot)
    await pilot.press("enter")
    await settle(pilot)


async def test_a_pane_is_mounted_at_its_first_visit(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert not pilot.app.query(ThingPane)
        await pilot.press("2")
        await settle(pilot)
        await pilot.press("j", "1", "2")
        await settle(pilot)
        assert len(pilot.app.query(ThingPane)) == 1
        assert pilot.app.query_one(ThingPane).table.key == "2"
        await pilot.press("3")
        assert shell(pilot).pane is pilot.app.query_one(ThingPane)
        await pilot.press("q")
        await settle(pilot)
        assert shell(pilot).pane is not pilot.app.query_one(ThingPane)
        await pilot.press("q")
        assert shell(pilot)._exit


async def test_read_only_refuses_with_a_sentence_and_the_use_case_is_refused_too(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "a")
        await settle(pilot)
        assert status(pilot) == "Ack is refused: this screen is read-only; W unlocks writes for 15 minutes."
        await shell(pilot).action_do("acknowledge")
        pilot.app.query_one(ThingPane).do_acknowledge()
        await settle(pilot)
        assert one(store, "SELECT sum(seen) FROM thing") == 0
        await pilot.press("R")
        assert not isinstance(pilot.app.screen, RollSheet)


async def test_unlocking_lasts_fifteen_minutes(store: Path) -> None:
    clock = Clock()
    async with app_on(store, clock).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await unlock(pilot)
        assert "midwatch RW" in screen_text(shell(pilot))
        await pilot.press("a")
        await settle(pilot)
        assert status(pilot) == "1 acknowledged"
        assert one(store, "SELECT sum(seen) FROM thing") == 1
        clock.turn(minutes=14, seconds=59)
        assert shell(pilot).writes.mode(clock()) == "RW"
        clock.turn(seconds=1)
        await pilot.press("a")
        await settle(pilot)
        assert "is refused" in status(pilot)
        assert one(store, "SELECT sum(seen) FROM thing") == 1


async def test_forced_read_only_cannot_be_unlocked(store: Path) -> None:
    async with app_on(store, read_only="--read-only was given").run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "W")
        assert not isinstance(pilot.app.screen, Unlock)
        assert status(pilot) == "writes can't be unlocked: --read-only was given"
        await pilot.press("a")
        assert status(pilot) == "Ack is refused: --read-only was given."


async def test_a_sheet_takes_no_key_before_the_terminal_answered(store: Path) -> None:
    async with app_on(store, locked=False).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        await pilot.press("R", *"v41", "enter")
        await settle(pilot)
        sheet = pilot.app.screen
        assert isinstance(sheet, RollSheet)
        assert (sheet.typed, sheet.armed) == ("", False)
        pilot.app.post_message(events.Paste("v41"))
        await pilot.press(*"v41", "enter")
        assert sheet.typed == ""
        await answer(pilot, wrong=True)
        assert not sheet.armed
        await answer(pilot)
        assert sheet.armed
        assert "armed: type, then enter" in screen_text(shell(pilot))
        pilot.app.post_message(events.Paste("v41"))
        await pilot.pause()
        assert (sheet.typed, sheet.note) == ("", "pasted text is ignored here: type it")
        await pilot.press("enter")
        assert "that is not v41" in sheet.note
        await pilot.press(*"v4x", "backspace", "1", "enter")
        await settle(pilot)
        assert status(pilot) == "sheet True"
        assert one(store, "SELECT count(*) FROM done") == 1


async def test_a_sheet_that_shows_something_else_asks_again(store: Path) -> None:
    async with app_on(store, locked=False).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "R")
        await answer(pilot)
        sheet = pilot.app.screen
        assert isinstance(sheet, RollSheet)
        first = sheet.asked
        await pilot.press(*"v41")
        sheet.show("v42 -> v40", required="v40")
        await pilot.pause()
        assert not sheet.armed
        assert sheet.asked != first
        assert first is not None
        pilot.app.post_message(events.CursorPosition(first[1] - 1, first[0] - 1))
        await pilot.press("enter")
        assert not sheet.armed
        assert not sheet.executed
        await pilot.press("escape")
        assert status(pilot) == ""


async def test_a_silent_terminal_is_told_the_command(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.sheet.ANSWER_SECONDS", 0.01)
    async with app_on(store, locked=False).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "R")
        sheet = pilot.app.screen
        assert isinstance(sheet, RollSheet)
        for _ in range(100):
            await pilot.pause(0.01)
            if sheet.silent:
                break
        text = " ".join(screen_text(shell(pilot)).split())
        assert "the terminal does not answer" in text
        assert "midwatch rollback thing --to v41" in text


async def test_another_processs_write_appears_without_a_key_but_not_under_a_sheet(store: Path) -> None:
    async with app_on(store, locked=False).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "j")
        await settle(pilot)
        write(store, "INSERT INTO thing (id, name, size) VALUES (0, 'from elsewhere', 1)")
        shell(pilot)._poll()
        await settle(pilot)
        assert "from elsewhere" in screen_text(shell(pilot))
        assert pilot.app.query_one(ThingPane).table.key == "2"
        await pilot.press("f")
        write(store, "INSERT INTO thing (id, name, size) VALUES (-1, 'and again', 1)")
        shell(pilot)._poll()
        await settle(pilot)
        assert pilot.app.query_one(ThingPane).table.count == 51
        assert isinstance(pilot.app.screen, Choice)
        await pilot.press("n")
        await settle(pilot)
        assert pilot.app.query_one(ThingPane).table.count == 52
        assert status(pilot) == "feedback noise"


async def test_an_error_in_a_job_is_one_sentence_and_stays(store: Path) -> None:
    async with app_on(store, locked=False).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        told: list[object] = []

        def broken(db: sqlite3.Connection) -> None:
            raise SourceError("rows.csv [/x] is empty", "point at a file\nwith rows")

        pilot.app.query_one(ThingPane).record("reading", broken, told.append, instead=told.append)
        await settle(pilot)
        assert status(pilot) == "error: rows.csv [/x] is empty; point at a file with rows"
        assert [type(entry) for entry in told] == [SourceError]
        await pilot.press("j", "k")
        assert "rows.csv [/x] is empty" in screen_text(shell(pilot))
        await pilot.press("escape")
        assert status(pilot) == ""


async def test_a_store_that_goes_away_is_a_sentence(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        write(store, "DROP TABLE thing")
        shell(pilot)._poll()
        await settle(pilot)
        assert status(pilot) == "error: the store refused: no such table: thing; run midwatch doctor"


async def test_the_command_line(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"al", "enter")
        await settle(pilot)
        assert shell(pilot).pane is pilot.app.query_one(ThingPane)
        assert pilot.app.query_one(ThingPane).table.has_focus
        await pilot.press("colon", *"churn", "enter")
        await settle(pilot)
        assert shell(pilot).model == "churn"
        assert ":churn" in screen_text(shell(pilot)).split("\n")[0]
        await pilot.press("colon", *"nope", "enter")
        await settle(pilot)
        assert status(pilot) == "error: nothing is called 'nope' here; try home, alerts, churn, eta, all, q"
        await pilot.press("colon", "x", "escape")
        assert not pilot.app.query_one(Input).display or not pilot.app.query_one("#prompt").display
        await pilot.press("ctrl+c")
        assert ":q quits" in status(pilot)
        await pilot.press("colon", "q", "enter")
        await pilot.pause()
        assert shell(pilot)._exit


async def test_footer_and_help_show_what_works_here(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert pilot.app.query_one("#footer", Line).text.split("  ")[0] == "x export"
        await pilot.press("2")
        await settle(pilot)
        footer = pilot.app.query_one("#footer", Line).text
        assert footer.startswith("a ack  R roll back  f feedback  x export  ? help")
        assert "snooze" not in footer
        await pilot.press("question_mark")
        await settle(pilot)
        assert isinstance(pilot.app.screen, Help)
        told = "Acknowledge: you have seen it and act on it; a storm as a whole; again takes it back. (W first)"
        assert told in " ".join(pilot.app.screen.page.plain.split())
        await pilot.press("question_mark")
        assert not isinstance(pilot.app.screen, Help)


async def test_times_turn_to_utc(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        async with app_on(store).run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            assert "03:01Z 08:31+05:30" in screen_text(shell(pilot))
            assert "2026-11-23 08:31+05:30" in screen_text(shell(pilot))
            await pilot.press("t")
            await settle(pilot)
            assert "2026-11-23 03:01Z" in screen_text(shell(pilot))
            assert "08:31" not in screen_text(shell(pilot))
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_drilling_in_and_back(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "enter")
        await settle(pilot)
        pane = pilot.app.query_one(ThingPane)
        assert pane.detail.has_focus
        assert not pane.table.display or pane.table.region.height == 0
        await pilot.press("q")
        await settle(pilot)
        assert pane.table.has_focus
        assert shell(pilot).pane is pane


async def test_copy_without_a_clipboard_writes_a_file(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "linux")
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        await pilot.press("y")
        await settle(pilot)
        (path,) = (store.parent / "dump").iterdir()
        assert path.read_text() == "thing 1\nthing 000001\nsize 919\nseen 0"
        assert path.stat().st_mode & 0o777 == 0o600
        assert str(path)[:40] in status(pilot)


async def test_colour_never_carries_meaning_alone(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "space")
        await settle(pilot)
        lines = screen_text(shell(pilot)).split("\n")
        assert lines[2].startswith(" *")
        assert lines[3].startswith("> ")


async def test_a_long_job_tells_how_far_it_is(store: Path) -> None:
    async with app_on(store).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        pane = pilot.app.query_one(ThingPane)
        tell = pane.progress()
        seen: list[str] = []

        def work(db: sqlite3.Connection) -> int:
            for number in range(50):
                tell(f"{number} of 50")
            return 50

        pane.read("long", work, lambda n: seen.append(f"{status(pilot)}, then {n}"))
        await settle(pilot)
        assert seen == ["0 of 50, then 50"]


async def test_random_keys_neither_crash_nor_record_while_read_only(store: Path) -> None:
    keys = [
        *"jkgGsa?/:RWfuxytzin v41[]",
        "enter",
        "escape",
        "tab",
        "space",
        "pagedown",
        "1",
        "2",
        "backspace",
        "ctrl+c",
    ]
    chance = random.Random(7)
    async with app_on(store).run_test(size=(60, 20)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        for _ in range(6):
            await pilot.press(*chance.choices(keys, k=10))
        await settle(pilot)
        assert pilot.app.is_running
        assert "midwatch RO" in screen_text(shell(pilot)) or len(pilot.app.screen_stack) > 1
    assert one(store, "SELECT count(*) FROM done") == 0
    assert one(store, "SELECT sum(seen) FROM thing") == 0


async def test_two_fast_keys_leave_a_dialog_or_sheet_once(store: Path) -> None:
    async with app_on(store, locked=False).run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        for opener, key, said in (("f", "a", "feedback acted"), ("R", "escape", ""), ("question_mark", "q", "")):
            await pilot.press(opener)
            await pilot.pause()
            over = pilot.app.screen
            assert over is not pilot.app.screen_stack[0]
            for _ in range(3):
                over.post_message(events.Key(key, key if len(key) == 1 else None))
            await settle(pilot)
            assert len(pilot.app.screen_stack) == 1
            assert not said or status(pilot) == said
