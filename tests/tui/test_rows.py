"""From a number to its rows: findings of alerts and batches."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.ingest import ingest
from storage.records.models import Model
from tests.conftest import ADA
from tests.rows import MODEL, START, write_log
from tests.tui.kit import screen_text, settle
from tests.tui.test_home_data import screen

LATE = START + timedelta(hours=40)
LABELS = """
[labels]
minimum = 50
"""


@pytest.fixture
def broken(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Path:
    """A batch in which ``spend`` is a thousand times too large in some rows, after eight good ones."""
    text = MODEL.replace('version = "version"', 'version = "version"\nredact = ["request_id"]')
    model = register(text + LABELS)
    logs = [str(write_log(tmp_path, number)) for number in range(8)]
    list(ingest(db, model, logs, role="reference", actor=ADA, now=LATE))
    path = write_log(tmp_path, 8)
    lines = path.read_text().splitlines()
    for place in range(20, 60):
        cells = lines[place].split(",")
        cells[2], cells[4] = "MOON", ""
        lines[place] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")
    list(ingest(db, model, [str(path)], actor=ADA, now=LATE))
    return path


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_enter_leads_from_an_alert_to_a_whole_row_and_esc_back(
    store_file: Path, broken: Path, size: tuple[int, int]
) -> None:
    app = screen(store_file, LATE)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for key in ("2", "enter", "enter"):
            await pilot.press(key)
            await settle(pilot)
        shown = screen_text(app)
        if "findings," in shown:
            await pilot.press("enter")
            await settle(pilot)
            shown = screen_text(app)
        assert "40 rows" in shown
        assert "batch_0008.csv" in shown
        assert "LINE" in shown
        assert "acknowledge" not in {action.id for action in app.here()}
        await pilot.press("enter")
        await settle(pilot)
        pane = app.pane
        assert pane is not None
        told = pane.detail.plain  # type: ignore[attr-defined]
        assert "came from" in told
        assert "request_id  [redacted]" in told
        assert "v41" in told
        assert "not registered" in told
        for _ in range(6):
            await pilot.press("escape")
            await settle(pilot)
        assert "acknowledge" in {action.id for action in app.here()}
        assert "TIER" in screen_text(app)


async def test_rows_are_exported_whole_and_masked(store_file: Path, broken: Path) -> None:
    app = screen(store_file, LATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("4", "e"):  # the same rows as enter enter: cases are taken from them
            await pilot.press(key)
            await settle(pilot)
        assert "space marks rows, e takes them" in " ".join(screen_text(app).split())
        if "findings," in screen_text(app):
            await pilot.press("enter")
            await settle(pilot)
        await pilot.press("slash", *"r8-nothing", "enter")
        await settle(pilot)
        assert "0 with 'r8-nothing' of 40 rows" in screen_text(app)
        await pilot.press("slash", "ctrl+u", "enter", "s")
        await settle(pilot)
        assert "40 rows, by LINE" in screen_text(app)
        await pilot.press("x")
        await settle(pilot)
        assert "40 rows written" in screen_text(app)
    (written,) = (store_file.parent / "dump").glob("rows-*.csv")
    lines = written.read_text().splitlines()
    assert len(lines) == 41
    assert lines[0].startswith("file,line,")
    assert "r8-" not in written.read_text()


def gone(path: Path) -> Path:
    return path.rename(path.with_suffix(".old"))


def other(path: Path, old: Path) -> None:
    path.write_text(old.read_text().replace("MOON", "MARS"))


async def test_a_file_that_is_gone_or_another_is_said_in_a_sentence(store_file: Path, broken: Path) -> None:
    app = screen(store_file, LATE)
    old = gone(broken)
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        for key in ("4", "enter", "enter", "enter"):
            await pilot.press(key)
            await settle(pilot)
        assert "is gone" in screen_text(app)
        other(broken, old)
        await pilot.press("enter")
        await settle(pilot)
        assert "has changed since it was ingested" in " ".join(screen_text(app).split())
