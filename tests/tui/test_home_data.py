import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.home import health, lines
from core.ingest import ingest
from core.suites import held_to as module
from core.suites.divergence import Divergence
from core.suites.rotation import rotate
from storage import db as store
from storage.records.models import Model
from storage.tables import batches, models
from tests.conftest import ADA, filled, registered
from tests.rows import MODEL, START, write_log
from tests.tui.kit import Clock, screen_text, settle
from tui.app import MidwatchApp
from tui.header import header_of
from tui.panes import PANES
from tui.present import home
from tui.screens.home import HomePane
from tui.services import Services

LATE = START + timedelta(hours=40)
METRICS = """
[labels]
minimum = 50
[[metrics]]
name = "auc"
primary = true
slo = ">= 0.4"
[[metrics]]
name = "log_loss"
"""

PARTED = Divergence("auc", "revenue", 0.9, -0.7, 20, 16, True, "auc and revenue part ways")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A store with a reference, two good batches and a broken one, made once; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("watched")
    path = Path(shutil.copy(empty_store, folder / "midwatch.db"))
    with closing(store.connect(path)) as db:
        model = registered(db, folder, MODEL + METRICS)
        logs = [str(write_log(folder, number)) for number in range(8)]
        list(ingest(db, model, logs[:6], role="reference", actor=ADA, now=LATE))
        list(ingest(db, model, logs[6:], actor=ADA, now=LATE))
        broken = write_log(folder, 8, spend=40_000.0)
        text = broken.read_text().splitlines()
        text[9] = "torn"
        broken.write_text("\n".join(text) + "\n")
        list(ingest(db, model, [str(broken)], actor=ADA, now=LATE))
    return path


@pytest.fixture
def watched(db: sqlite3.Connection, template: Path) -> Model:
    return models.get(filled(db, template), "churn")


def screen(path: Path, at: datetime, panes: tuple[str, ...] = ("home", "alerts", "data")) -> MidwatchApp:
    clock = Clock()
    clock.at = at
    services = Services(
        connect=lambda: store.connect(path),
        reader=lambda: store.connect(path, read_only=True),
        now=clock,
        actor=lambda: ADA,
        header=lambda db: header_of(db, host="prod-3", store=str(path), now=clock()),
        models=lambda db: list(models.names(db).values()),
        dump=path.parent / "dump",
    )
    return MidwatchApp(services, specs=[p for p in PANES if p.id in panes], locked=False)


def test_a_line_tells_what_is_live_and_what_is_not_watched(db: sqlite3.Connection, watched: Model) -> None:
    (line,) = lines(db, START + timedelta(hours=9, minutes=5))
    assert line.live == ("v41", "full")
    assert line.every == timedelta(hours=1)
    assert not line.silent
    assert line.firing.get("ticket", 0) + line.firing.get("page", 0) == 1
    assert line.gaps == ("no way to roll back", "no business metric", "no owner")
    assert line.coverage is not None
    assert line.coverage.share == 1.0


def test_silence_is_its_own_state(db: sqlite3.Connection, watched: Model) -> None:
    (line,) = lines(db, START + timedelta(hours=30))
    assert line.silent


def test_health_rests_on_stored_metrics(db: sqlite3.Connection, watched: Model) -> None:
    found = health(db, watched, LATE)
    assert found.objective.metric == "auc"
    assert found.objective.state == "ok"
    assert len(found.trend) == 3


def test_candidates_never_cut_alerts_and_are_never_dropped(db: sqlite3.Connection, watched: Model) -> None:
    [line] = lines(db, START)

    def opened(candidates: int, **firing: int) -> str:
        return str(home.cells(replace(line, firing=firing), None, START, candidates)[-1])

    assert opened(1, page=1) == "1 page 1 cand"
    assert opened(2, page=1, ticket=2) == "1 page 2 tkt >"
    assert opened(2, page=12, ticket=2) == "12 page 2 tkt >"
    assert (opened(2), opened(0)) == ("2 cand", "-")
    assert opened(2, page=12, ticket=10, digest=3) == "12 page 10 tkt 3 dig"


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 40)])
async def test_home_and_data_show_what_the_store_holds(
    db: sqlite3.Connection, store_file: Path, watched: Model, size: tuple[int, int]
) -> None:
    app = screen(store_file, START + timedelta(hours=9, minutes=5))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        shown = screen_text(app)
        assert "churn" in shown
        assert "auc ok" in shown
        await pilot.press("4")
        await settle(pilot)
        newest = batches.newest(db, watched.id)
        assert newest is not None
        await pilot.press("enter")
        await settle(pilot)
        shown = screen_text(app)
        assert f"batch {newest.id}  churn  serving" in shown
        assert "199 rows, 1 quarantined" in shown
        await pilot.press("escape", "2")
        await settle(pilot)
        assert "spend" in screen_text(app)


async def test_the_page_says_what_the_model_is_held_to(
    db: sqlite3.Connection, store_file: Path, watched: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = START + timedelta(hours=9, minutes=5)
    rotate(db, watched, "log_loss", owner="growth", reason="ranks are not enough", actor=ADA, now=at)
    monkeypatch.setattr(module, "divergences", lambda *_, **__: (PARTED, replace(PARTED, flipped=False, sentence="no")))
    app = screen(store_file, at)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await settle(pilot)
        plain = pilot.app.query_one(HomePane).detail.plain
    assert "! auc and revenue part ways" in plain
    assert "primary metric log_loss since " in plain
    assert ", owner growth: ranks are not enough; gates keep auc" in plain
    assert "\n! no\n" not in plain


async def test_a_list_is_exported_as_it_is_filtered(store_file: Path, watched: Model) -> None:
    app = screen(store_file, START + timedelta(hours=9, minutes=5))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("4", "x")
        await settle(pilot)
    (written,) = (store_file.parent / "dump").glob("data-*.csv")
    lines = written.read_text().splitlines()
    assert lines[0].startswith("WINDOW,MODEL,ROLE,VERSION,ROWS")
    assert len(lines) == 10
