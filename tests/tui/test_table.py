"""The virtual table: constant cost, a cursor that stays on its row."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.kit import ThingPane, ThingRows, app_on, screen_text, seed, settle, write
from tui.widgets.rows import View


async def alerts(pilot: Pilot[None]) -> ThingPane:
    await settle(pilot)
    await pilot.press("2")
    await settle(pilot)
    pane = pilot.app.query_one(ThingPane)
    assert pane.table.has_focus
    return pane


@pytest.mark.parametrize("rows", [200, 100_000])
async def test_cost_does_not_depend_on_the_number_of_rows(tmp_path: Path, rows: int) -> None:
    seed(tmp_path / "s.db", rows)
    async with app_on(tmp_path / "s.db").run_test(size=(80, 24)) as pilot:
        pane = await alerts(pilot)
        assert isinstance(pane.table.source, ThingRows)
        asked = pane.table.source.asked
        assert asked == ["count", "window"]
        await pilot.press("j", "j", "k")
        assert asked == ["count", "window"]
        await pilot.press("G")
        await settle(pilot)
        assert asked == ["count", "window", "window"]
        assert pane.table.key == str(rows)
        assert len(pane.table._window) <= 3 * 24
        assert f"thing {rows:06d}" in screen_text(pilot.app)  # type: ignore[arg-type]


async def test_the_cursor_stays_on_its_row_when_rows_arrive_above(tmp_path: Path) -> None:
    seed(tmp_path / "s.db", 300)
    async with app_on(tmp_path / "s.db").run_test(size=(80, 24)) as pilot:
        pane = await alerts(pilot)
        await pilot.press("pagedown", "pagedown", "k")
        await settle(pilot)
        key, place = pane.table.key, pane.table.cursor
        assert pane.table.scroll_offset.y > 0
        line = pane.table.cursor - pane.table.scroll_offset.y
        for number in range(20):
            write(tmp_path / "s.db", "INSERT INTO thing (id, name, size) VALUES (?, 'new', 1)", -number)
        pane.table.reload()
        await settle(pilot)
        assert (pane.table.key, pane.table.cursor) == (key, place + 20)
        assert pane.table.cursor - pane.table.scroll_offset.y == line
        write(tmp_path / "s.db", "DELETE FROM thing WHERE id = ?", int(str(key)))
        pane.table.reload()
        assert (pane.table.key, pane.table.cursor) == (str(int(str(key)) + 1), place + 20)


async def test_sort_filter_and_marks(tmp_path: Path) -> None:
    seed(tmp_path / "s.db", 300)
    async with app_on(tmp_path / "s.db").run_test(size=(80, 24)) as pilot:
        pane = await alerts(pilot)
        await pilot.press("j", "space", "space")
        assert pane.table.chosen() == ("2", "3")
        await pilot.press("s")
        assert pane.table.view == View(sort="name")
        assert pane.table.key == "4"
        await pilot.press("s", "s")
        assert pane.table.view == View(sort="size", descending=True)
        await pilot.press("s", "s")
        assert pane.table.view == View()
        await pilot.press("slash", *"000007", "enter")
        await settle(pilot)
        assert (pane.table.count, pane.table.key) == (1, "7")
        assert "/000007" in screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("escape")
        assert (pane.table.count, pane.table.key) == (300, "7")
        await pilot.press("slash", *"nothing", "enter")
        await settle(pilot)
        assert pane.table.key is None
        assert "no row contains 'nothing'" in screen_text(pilot.app)  # type: ignore[arg-type]


async def test_hostile_cells_are_shown_and_do_nothing(tmp_path: Path) -> None:
    seed(tmp_path / "s.db", 10)
    async with app_on(tmp_path / "s.db").run_test(size=(80, 24)) as pilot:
        await alerts(pilot)
        await pilot.press("j", "j")
        await settle(pilot)
        text = screen_text(pilot.app)  # type: ignore[arg-type]
        assert text.count("[/boom] [@click=app.exit]x[/] ␛[31mred␇ 日本語 e\u0301") == 2
        await pilot.click(ThingPane, offset=(15, 3))
        assert pilot.app.is_running


@pytest.mark.parametrize(("width", "height"), [(60, 20), (80, 24), (110, 30), (200, 60)])
async def test_it_fits_every_size(tmp_path: Path, width: int, height: int) -> None:
    seed(tmp_path / "s.db", 300)
    async with app_on(tmp_path / "s.db").run_test(size=(width, height)) as pilot:
        pane = await alerts(pilot)
        await pilot.press("G")
        await settle(pilot)
        lines = screen_text(pilot.app).split("\n")  # type: ignore[arg-type]
        assert len(lines) == height
        assert lines[0].startswith("midwatch RO")
        assert "? help" in lines[-1]
        assert any(line.startswith("> thing 000300") for line in lines)
        assert (pane.detail.region.x > 0) == (width >= 110)
        assert pane.detail.region.height >= 5


async def test_page_home_and_end_keys(tmp_path: Path) -> None:
    seed(tmp_path / "s.db", 300)
    async with app_on(tmp_path / "s.db").run_test(size=(80, 24)) as pilot:
        pane = await alerts(pilot)
        await pilot.press("pagedown", "pagedown")
        assert pane.table.cursor == 2 * (pane.table.size.height - 2)
        await pilot.press("pageup", "up")
        assert pane.table.cursor == pane.table.size.height - 3
        await pilot.press("g")
        assert (pane.table.cursor, pane.table.scroll_offset.y) == (0, 0)
        await pilot.press("k")
        assert pane.table.cursor == 0


async def test_a_resize_keeps_the_row_and_turns_the_layout(tmp_path: Path) -> None:
    seed(tmp_path / "s.db", 300)
    async with app_on(tmp_path / "s.db").run_test(size=(80, 24)) as pilot:
        pane = await alerts(pilot)
        await pilot.press("pagedown", "pagedown", "j")
        key = pane.table.key
        for width, height in ((120, 40), (60, 20), (200, 60), (80, 24)):
            await pilot.resize_terminal(width, height)
            await settle(pilot)
            lines = screen_text(pilot.app).split("\n")  # type: ignore[arg-type]
            assert pane.table.key == key
            assert any(line.startswith(f"> thing {int(str(key)):06d}") for line in lines), (width, height)
            assert (pane.detail.region.x > 0) == (width >= 110)
            assert "? help" in lines[-1]
