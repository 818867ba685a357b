import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.incidents import lifecycle
from storage.records.models import Model
from storage.tables import handovers
from tests.conftest import ADA, NOW
from tests.tui.kit import screen_text, settle
from tests.tui.night_screen import ROTATION, SIZES, keys, night_of, screen, words
from tui.header import header_of
from tui.rotation import RotationFile
from tui.screens.watch import WatchPane

LIN = replace(ADA, name="lin")


@pytest.fixture
def churn(db: sqlite3.Connection, register: Callable[..., Model]) -> Model:
    model = register()
    night_of(db, model.id)
    lifecycle.open_incident(db, model=model, title="scores moved", alerts=[1], actor=ADA, now=NOW)
    return model


@pytest.fixture
def rotation(own_home: Path) -> Path:
    path = own_home / ".config" / "midwatch" / "rotation.toml"
    path.parent.mkdir(parents=True)
    path.write_text(ROTATION)
    return path


def put(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("size", SIZES)
async def test_the_page_the_turns_and_the_times(
    db: sqlite3.Connection, store_file: Path, churn: Model, rotation: Path, size: tuple[int, int]
) -> None:
    put(rotation, ROTATION + "[[absences]]\nwho = 'ada'\nstart = 2026-11-20T09:00:00\nend = 2026-12-24T09:00:00\n")
    app = screen(store_file)
    async with app.run_test(size=size) as pilot:
        await keys(pilot, "9")
        pane = app.pane
        assert isinstance(pane, WatchPane)
        shown = pane.detail.plain
        assert "4 open items" not in shown
        assert "firing, nobody has acknowledged (2)" in shown
        assert "page churn: scores moved, inputs did not x2 (firing for 39 min" in " ".join(shown.split())
        assert "INC-0001 no severity open nobody" in shown
        assert "rollbacks unfinished (0)" in shown
        assert "[@click=app.exit]x[/]" in shown
        assert "\x1b" not in shown
        await keys(pilot, "j")
        assert "GAPS: nobody is on watch (2)" in pane.detail.plain
        assert "now: NOBODY until" in pane.detail.plain
        await keys(pilot, "j")
        for name in ("MTTD", "MTTA", "MTTM", "MTTR"):
            assert name in pane.detail.plain
        assert "1 still wait" in pane.detail.plain
        assert max(map(len, screen_text(app).splitlines())) <= size[0]


async def test_a_watch_is_passed_on_and_taken_over(
    db: sqlite3.Connection, store_file: Path, churn: Model, rotation: Path
) -> None:
    put(rotation, ROTATION.replace("2020-01-06", "2020-01-13"))
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "9", "a")
        assert "no handover waits" in screen_text(app)
        await keys(pilot, "n")
        await words(pilot, "quiet [/red] night")
        assert "handover 1 written for lin" in screen_text(app)
        await keys(pilot, "a")
        assert "is your own" in screen_text(app)
        await keys(pilot, "G")
        assert "quiet" in app.pane.detail.plain  # type: ignore[union-attr]
        await keys(pilot, "x")
        assert "handover-1.md" in "".join(screen_text(app).split())
        await keys(pilot, "g", "x", "slash")
        await words(pilot, "quiet")
        assert app.pane.table.key == "1"  # type: ignore[union-attr]
    app = screen(store_file, actor=LIN)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "9", "a")
        assert "handover 1 accepted" in screen_text(app)
    written = handovers.get(db, 1)
    assert (written.from_person, written.to_person, written.accepted_by) == ("ada", "lin", "lin")
    dump = store_file.parent / "dump"
    assert (dump / "handover-1.md").read_text() == written.body
    assert len(list(dump.glob("watch-*.md"))) == 1


async def test_a_broken_rotation_breaks_no_header(
    db: sqlite3.Connection, store_file: Path, churn: Model, rotation: Path
) -> None:
    put(rotation, "people = 3")
    app = screen(store_file)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "9", "j")
        assert "rotation file broken" in screen_text(app)
        assert "key people: must be a list of names" in " ".join(app.pane.detail.plain.split())  # type: ignore[union-attr]
        await keys(pilot, "n")
        await words(pilot, "x")
        assert "keypeople:mustbealistofnames" in "".join(screen_text(app).split())
        await settle(pilot)
    assert handovers.count(db) == 0


def test_the_header_follows_the_rotation_file(db: sqlite3.Connection, rotation: Path) -> None:
    turns = RotationFile()
    rotation.write_text(ROTATION)

    def header() -> tuple[str, bool]:
        state = header_of(db, host="h", store="s", now=NOW, rotation=turns)
        return state.on_watch, state.rotation_broken

    first = header()
    assert first in (("ada", False), ("lin", False))
    read = turns.read()
    assert turns.read() is read
    rotation.write_text("people = [")
    os.utime(rotation, ns=(1, 1))
    assert header() == ("", True)
    rotation.unlink()
    assert header() == ("", False)
    rotation.write_text(ROTATION.replace('["ada", "lin"]', '["kay"]'))
    assert header() == ("kay", False)
