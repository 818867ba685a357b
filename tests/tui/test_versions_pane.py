"""Pane 7: versions, what is missing, where they were live, what differs; the sheet to the version under the cursor."""

from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core import versions
from storage.records.rollbacks import Candidate
from storage.tables import deployments
from tests.conftest import ADA, NOW
from tests.tui.kit import HOSTILE, answer, screen_text, settle
from tests.tui.rollback_kit import POINTER, app_of, desk_at
from tui.app import MidwatchApp
from tui.present import versions as present
from tui.screens.rollback import RollbackSheet, UndoSheet
from tui.screens.versions import VersionsPane
from tui.widgets.bars import Status


async def shown(pilot: Pilot[None]) -> VersionsPane:
    await settle(pilot)
    await pilot.press("7")
    await settle(pilot)
    return pilot.app.query_one(VersionsPane)


def text_of(pilot: Pilot[None]) -> str:
    assert isinstance(pilot.app, MidwatchApp)
    return screen_text(pilot.app)


def status(pilot: Pilot[None]) -> str:
    return pilot.app.screen_stack[0].query_one(Status).text


async def test_a_line_and_a_page_of_every_version(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    versions.add(
        desk.db,
        desk.model,
        "v14",
        versions.Sources(config=desk.folder / "v13.config"),
        note=HOSTILE,
        actor=ADA,
        now=NOW,
    )
    deployments.record_observed(desk.db, desk.model.id, HOSTILE, "full", at=NOW - timedelta(days=90), now=NOW)
    async with app_of(desk).run_test(size=(110, 40)) as pilot:
        pane = await shown(pilot)
        rows = {pane.known[row.key][1].version: [str(cell) for cell in row.cells] for row in pane._rows()}
        assert list(rows)[:4] == ["v14", "v13", "v12", "v11"]
        assert rows["v14"][2:] == ["normal", "-", "never", "-", "-", "lacks model, data, code, environment, seed"]
        assert rows["v13"][3] == "full"
        assert [rows[name][6] for name in ("v13", "v12", "v11")] == ["0.55", "0.71", "-"]
        assert rows["v12"][7] == "complete"
        hostile = next(cells for name, cells in rows.items() if name.startswith("[/boom]"))
        assert hostile[0].startswith("[/boom] [@click=app.exit]x[/] ␛[31mred␇")
        assert hostile[2] == "unregistered"
        plain = pane.detail.plain
        assert "␛[31mred␇" in plain
        assert "model       MISSING" in plain
        await pilot.press("j", "j")
        await settle(pilot)
        plain = pane.detail.plain
        for words in (
            "not live now",
            "fallback: this model names none",
            "seed        7",
            "from v13, which is live, to v12",
            "different: model, data, config, environment",
            "same: code, seed",
            "v12 enter full 100% by ada",
            "[/boom]",
        ):
            assert words in plain, words
        assert f"{tmp_path}/v12.artifact" in plain
        await pilot.press("G")
        await settle(pilot)
        assert "nobody registered it" in pane.detail.plain


async def test_two_marks_and_d_show_the_difference_and_esc_goes_back(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    for name, rate in (("a", "0.1"), ("b", "0.2")):
        (tmp_path / name).write_text(f'rate = {rate}\n"[/x]" = "[bold]{name}"\n')
        versions.add(
            desk.db, desk.model, name, versions.Sources(config=tmp_path / name, seed=name), actor=ADA,
            now=NOW + timedelta(minutes=ord(name)),
        )  # fmt: skip
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        pane = await shown(pilot)
        await pilot.press("space", "space", "g", "d")
        await settle(pilot)
        plain = pane.detail.plain
        assert plain.startswith("churn b -> a")
        assert "rate: 0.2 -> 0.1" in plain
        assert '"[/x]": "[bold]b" -> "[bold]a"' in plain
        assert "seed b -> a" in plain
        pane.reload()
        await settle(pilot)
        assert pane.detail.plain.startswith("churn b -> a")
        assert pane.back()
        await settle(pilot)
        assert pane.detail.plain.startswith("churn b\n")
        await pilot.press("G", "space", "d")
        await settle(pilot)
        assert status(pilot) == "error: two versions of one model are compared; mark exactly two with space, then d"


async def test_d_without_marks_compares_with_the_live_version(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        pane = await shown(pilot)
        await pilot.press("d")
        await settle(pilot)
        assert "there is nothing to compare it with" in status(pilot)
        await pilot.press("j", "d")
        await settle(pilot)
        assert pane.detail.plain.startswith("churn v13 -> v12")


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_the_sheet_goes_to_the_version_under_the_cursor(tmp_path: Path, size: tuple[int, int]) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=size) as pilot:
        await shown(pilot)
        assert "v11" in text_of(pilot)
        await pilot.press("j", "j", "R")
        await settle(pilot)
        sheet = pilot.app.screen
        assert isinstance(sheet, RollbackSheet)
        assert sheet.required == "v11"
        await answer(pilot)
        await pilot.press(*"v11", "enter")
        await settle(pilot)
        assert desk.pointer.read_text() == "v11\n"
        await pilot.press("escape", "u")
        await settle(pilot)
        assert isinstance(pilot.app.screen, UndoSheet)
        assert "UNDO churn  v11 -> v13" in text_of(pilot)


async def test_the_live_version_itself_cannot_be_confirmed(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    async with app_of(desk).run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("R")
        await settle(pilot)
        await answer(pilot)
        assert "v13 is in force already (no override helps)" in " ".join(text_of(pilot).split())
        await pilot.press(*"v13", "enter")
        assert desk.db.execute("SELECT count(*) FROM rollbacks").fetchone()[0] == 0


async def test_the_fallbacks_readiness_is_said_in_words(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, rollback=POINTER + 'fallback = "rules"\n')
    desk.version("rules", role="fallback", days=60.0)
    (tmp_path / "rules.artifact").unlink()
    async with app_of(desk).run_test(size=(110, 30)) as pilot:
        pane = await shown(pilot)
        rows = {pane.known[row.key][1].version: [str(cell) for cell in row.cells] for row in pane._rows()}
        assert rows["rules"][5] == "NOT READY"
        assert f"fallback rules: NOT READY: the artifact {tmp_path}/rules.artifact is gone" in pane.detail.plain


@pytest.mark.parametrize("light", ["green", "amber", "red"])
def test_every_light_has_a_word(light: str) -> None:
    ready = Candidate("fallback", "rules", light, ("because",))  # type: ignore[arg-type]
    assert present.READY[ready.light]
