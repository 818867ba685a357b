"""Pane 6: the search shown, refined and stopped; slice and dice by hand; the rows; queries."""

import shutil
import threading
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from core.ingest import ingest
from core.slices.page import SlicePage
from core.slices.request import SliceRequest
from storage import db as store
from storage import model_file
from storage.errors import UsageError
from storage.records.failure_cases import CaseFilter
from storage.tables import evaluation_sets, failure_cases, models
from tests.conftest import ADA
from tests.rows import MODEL, write_log
from tests.tui.kit import screen_text, settle
from tests.tui.night_screen import keys, words
from tests.tui.slice_screen import EU, LATE, PRO, Frozen, frozen, line, page
from tests.tui.test_home_data import LATE as NOW
from tests.tui.test_home_data import screen
from tui.app import MidwatchApp
from tui.screens.slice_reads import ALL
from tui.screens.slices import SlicesPane
from tui.widgets.rows import View

__all__ = ["frozen"]
SIZES = [(80, 24), (60, 20)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three reference batches and one that is served, of 120 rows each; the ids are redacted."""
    folder = tmp_path_factory.mktemp("template")
    path, file = folder / "midwatch.db", folder / "model.toml"
    store.prepare(path)
    file.write_text(
        MODEL.replace('version = "version"', 'version = "version"\nredact = ["request_id"]')
        + "[labels]\nminimum = 50\n"
    )
    with closing(store.connect(path)) as db:
        parsed, body, sha256 = model_file.read(file)
        models.register(db, parsed.name, path=str(file), text=body, sha256=sha256, actor=ADA, now=NOW)
        model = models.get(db, parsed.name)
        logs = [str(write_log(folder, number, 120)) for number in range(4)]
        list(ingest(db, model, logs[:3], role="reference", actor=ADA, now=NOW))
        list(ingest(db, model, logs[3:], actor=ADA, now=NOW))
    return path


@pytest.fixture
def watched(template: Path, tmp_path: Path) -> Path:
    """A copy of the template; the logs stay where they are."""
    return Path(shutil.copy(template, tmp_path / "watched.db"))


def app_on(path: Path) -> MidwatchApp:
    return screen(path, NOW, ("home", "alerts", "data", "slices"))


def pane_of(app: MidwatchApp) -> SlicesPane:
    pane = app.pane
    assert isinstance(pane, SlicesPane)
    return pane


@pytest.mark.parametrize("size", SIZES)
async def test_six_from_a_batch_shows_slices_and_enter_their_rows(
    watched: Path, frozen: Frozen, size: tuple[int, int]
) -> None:
    app = app_on(watched)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await keys(pilot, "4", "6")
        shown = screen_text(app)
        assert "region=EU" in shown
        assert "15.4%, was 12.1%" in shown
        assert "2 slices stand out" in shown
        assert "+20.0" in shown
        if size[0] >= 80:
            assert "labels are there" in shown
            assert "[15.0 25.0]" in shown
            assert "<.001" in shown
        assert frozen.asked[0].batch == 4
        pane = pane_of(app)
        pane._look_into(str(pane.table.key))
        await settle(pilot)
        told = pane.detail.plain
        assert "worst rows" in told
        assert 'log[(log["region"] == "EU") & (log["plan"] == "pro")]' in told
        assert "region over all rows" in told
        await keys(pilot, "enter")
        shown = screen_text(app)
        assert "worst first of batch_0003.csv" in shown
        assert "wrong" in shown
        assert not {"narrow", "compare"} & {action.id for action in app.here()}
        await keys(pilot, "enter")
        told = pane.detail.plain
        assert "came from" in told
        assert "request_id  [redacted]" in told
        assert "batch    4 of churn" in told
        await keys(pilot, "escape", "escape")
        assert "2 slices stand out" in screen_text(app)


async def test_a_first_answer_is_refined_under_a_cursor_that_stays_and_esc_stops(watched: Path, frozen: Frozen) -> None:
    app = app_on(watched)
    frozen.first = (line(LATE), line(EU, PRO))
    frozen.gate.clear()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("6")
        await until(pilot, "first answer")
        pane = pane_of(app)
        assert [row.key for row in pane.table.source.window(pane.table.view, 0, 9)][:2] == [
            line(LATE).words,
            line(EU, PRO).words,
        ]
        await pilot.press("j")
        assert pane.table.key == line(EU, PRO).words
        frozen.gate.set()
        await settle(pilot)
        assert pane.table.key == line(EU, PRO).words
        assert pane.table.cursor == 0
        assert "refining" not in screen_text(app)

        frozen.gate.clear()
        await pilot.press("r")
        await until(pilot, "first answer")
        await pilot.press("escape")
        await pilot.pause()
        assert "stopped: the first answer stays" in screen_text(app)
        frozen.gate.set()
        await settle(pilot)
        assert "stopped: the first answer stays" in screen_text(app)


async def test_a_search_stopped_before_its_first_answer_or_failed_can_be_had_again(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, asked = threading.Event(), list[SliceRequest]()

    def slow(_db: object, question: SliceRequest, _now: object, _tell: object) -> SlicePage:
        asked.append(question)
        assert gate.wait(10)
        if len(asked) == 2:
            raise UsageError("the file of batch 4 is gone")
        return page(question, line(EU))

    monkeypatch.setattr("tui.screens.slice_reads.search_in_steps", slow)
    monkeypatch.setattr("tui.screens.slices.SETTLED", 1000.0)
    app = app_on(watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("6")
        await until(pilot, "esc stops")
        await pilot.press("escape", "1", "6")
        await pilot.pause()
        shown = screen_text(app)
        assert shown.count("stopped; r searches again") == 2
        assert "searching ..." not in shown
        gate.set()
        await keys(pilot, "r")
        pane = pane_of(app)
        pane.named = {"named region = EU": ((EU,), None)}
        pane.renew()
        await settle(pilot)
        assert "not searched: the file of batch 4 is gone; r searches again" in pane.detail.plain
        assert "searching ..." not in screen_text(app)
        await keys(pilot, "r")
        assert "region=EU" in screen_text(app)
        assert asked[0] == asked[1] == asked[2]


async def until(pilot: Pilot[None], text: str) -> None:
    """Wait for a job that is still at work."""
    for _ in range(400):
        await pilot.pause(0.01)
        if text in screen_text(cast("MidwatchApp", pilot.app)):
            return
    raise AssertionError(screen_text(cast("MidwatchApp", pilot.app)))


async def test_into_a_slice_wider_and_back(watched: Path, frozen: Frozen) -> None:
    app = app_on(watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await keys(pilot, "6", "greater_than_sign")
        assert [request.where for request in frozen.asked] == [(), (EU, PRO)]
        assert "in region = EU and plan = pro" in screen_text(app)
        await keys(pilot, "G", "less_than_sign", "1")
        assert frozen.asked[2].where == (PRO,)
        asked = len(frozen.asked)
        await keys(pilot, "escape", "escape")
        assert len(frozen.asked) == asked
        assert pane_of(app).question == frozen.asked[0]
        await keys(pilot, "j", "less_than_sign")
        assert "one condition" in screen_text(app)
        await keys(pilot, "G", "greater_than_sign")
        assert "all rows of the question already" in screen_text(app)
        await keys(pilot, "r")
        assert frozen.asked[-1].ranking == "absolute"
        await keys(pilot, "S", "t")
        assert frozen.asked[-1].signal == "latency"


async def test_split_and_compare_show_both_sides_and_lead_on(watched: Path, frozen: Frozen) -> None:
    app = app_on(watched)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await keys(pilot, "6", "b")
        assert "SPLIT BY" in screen_text(app)
        assert "region" not in [row.key for row in pane_of(app).table.source.window(View(), 0, 9)]
        assert "kind of error" in screen_text(app)
        await keys(pilot, "j", "enter")
        shown = screen_text(app)
        assert "region = EU and plan = pro by spend" in shown
        assert "share of wrong answers" in shown
        assert "vs 3 batches" in shown
        await keys(pilot, "greater_than_sign")
        assert frozen.asked[-1].where[:2] == (EU, PRO)
        assert frozen.asked[-1].where[2].column == "spend"
        await keys(pilot, "escape", "c", "w")
        shown = screen_text(app)
        assert "now: batch 4" in shown
        assert "reference: 3 batches" in shown
        await keys(pilot, "escape", "c", "h")
        assert "no column tells the host" in " ".join(screen_text(app).split())
        await keys(pilot, "c", "v", "enter")
        assert frozen.asked[-1].version == "v41"


async def test_errors_by_kind_lead_to_rows_drills_cases_and_a_set(watched: Path, frozen: Frozen) -> None:
    app, db = app_on(watched), store.connect(watched, read_only=True)
    churn = models.get(db, "churn")
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await keys(pilot, "6", "G", "b", "enter")
        shown = screen_text(app)
        assert "all rows by kind of error" in shown
        assert "an error is a wrong class" in shown
        pane = pane_of(app)
        kind = str(pane.table.key)
        assert kind == "said negative though positive"
        assert "share of the errors by kind" in pane.detail.plain
        await keys(pilot, "enter")
        assert "worst first of batch_0003.csv" in screen_text(app)
        await keys(pilot, "escape", "b")
        assert "kind of error" not in [row.cells[0] for row in pane.table.source.window(View(), 0, 9)]
        await keys(pilot, "enter")
        assert f"{kind} by region" in screen_text(app)
        await keys(pilot, "greater_than_sign")
        assert "nothing to search" in screen_text(app)
        value = str(pane.table.key)
        await keys(pilot, "e")
        assert f"rows of {kind} in {value}" in " ".join(screen_text(app).split())
        await keys(pilot, "a")
        cases = failure_cases.page(db, CaseFilter(model_id=churn.id), limit=1_000)
        assert {(case.category, case.expected) for case in cases} == {(kind, "1")}
        assert {f"region = {case.payload['region']}" for case in cases} == {value}
        await keys(pilot, "escape", "escape", "E")
        await words(pilot, "")
        await keys(pilot, "s", "y")
    [made] = evaluation_sets.listing(db, churn.id)
    assert (made.name, made.purpose) == (kind, "scenario")
    assert made.items > len(cases)


async def test_two_marked_slices_beside_each_other_copies_and_exports(
    watched: Path, frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    def to_tmux(text: str) -> bool:
        copied.append(text)
        return True

    monkeypatch.setattr("storage.clipboard.to_tmux", to_tmux)
    app = app_on(watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await keys(pilot, "6", "d")
        assert "two found slices" in screen_text(app)
        await keys(pilot, "space", "space", "d")
        assert "only the one     region = EU and plan = pro" in pane_of(app).detail.plain
        await keys(pilot, "g", "y", "s", "y", "p")
        assert copied[0].startswith("SELECT * FROM log WHERE \"region\"::varchar = 'EU'")
        assert copied[1].startswith('log[(log["region"] == "EU")')
        await keys(pilot, "x", "r")
        assert "rows written" in screen_text(app)
        await keys(pilot, "x", "l")
    exported = {path.name.split("-")[0]: path for path in (watched.parent / "dump").iterdir()}
    rows = exported["rows"].read_text().splitlines()
    assert rows[0].startswith("file,line,error,score,label,region,plan,request_id")
    assert "[redacted]" in rows[1]
    assert "r3-" not in exported["rows"].read_text()
    assert exported["slices"].read_text().startswith("SLICE,ROWS,PART")


async def test_what_cannot_be_answered_is_said(watched: Path, frozen: Frozen) -> None:
    app = app_on(watched)
    frozen.answer = lambda request: page(request, not_answered="there are no rows")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await keys(pilot, "6")
        assert "not answered: there are no rows" in screen_text(app)
        await keys(pilot, "b")
        assert "no slice under the cursor" in screen_text(app)
        frozen.answer = lambda request: page(request)
        await keys(pilot, "4", "6")
        shown = screen_text(app)
        assert "no slice stands out; everywhere alike" in shown
        assert pane_of(app).table.key == ALL
        frozen.answer = refuse
        await keys(pilot, "r")
        assert "the file of batch 4 is gone" in screen_text(app)


def refuse(_: SliceRequest) -> SlicePage:
    raise UsageError("the file of batch 4 is gone")


async def test_an_empty_store_says_what_to_do(store_file: Path, frozen: Frozen) -> None:
    app = app_on(store_file)
    async with app.run_test(size=(60, 20)) as pilot:
        await settle(pilot)
        await keys(pilot, "6", "enter", "b", "greater_than_sign", "x", "d", "y")
        assert "no model to search" in screen_text(app)


async def test_a_select_asks_the_batch_in_view(watched: Path, frozen: Frozen) -> None:
    app = app_on(watched)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await keys(pilot, "4", "colon")
        await words(pilot, "select region, count(*) as n, any_value(request_id) as who from log group by 1 order by 1")
        shown = screen_text(app)
        assert "LATAM" in shown
        assert "[redacted]" in shown
        assert "4 rows of churn batch 4" in shown
        await keys(pilot, "x")
        assert "4 rows written" in screen_text(app)
        await keys(pilot, "escape", "colon")
        await words(pilot, "sql delete from log")
        assert "error:" in screen_text(app)
        await keys(pilot, "colon")
        await words(pilot, "select nothing from log")
        assert "error:" in screen_text(app)
        assert "BASE" in screen_text(app)
