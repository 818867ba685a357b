""":experiments on the screen: what was expected, what came, what should be killed, and the steps behind f."""

import sqlite3
from pathlib import Path

import pytest

from core.experiments import running
from storage import db as store
from storage.tables import experiments, models
from tests.conftest import ADA, CHURN, NOW
from tests.core.experiments.kit import STAGES, put, register, running_one, simulated_history
from tests.tui.kit import screen_text
from tests.tui.night_screen import keys, screen, words
from tui.screens.experiments import ExperimentsPane
from tui.widgets.bars import Status

PANES = ("home", "experiments")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiments")
    store.prepare(folder / "midwatch.db")
    db = store.connect(folder / "midwatch.db")
    models.register(db, "churn", path="churn.toml", text=CHURN + STAGES, sha256="0" * 64, actor=ADA, now=NOW)
    churn = models.get(db, "churn")
    with store.transaction(db):
        simulated_history(db, churn, 18, start=-40)
        small = running_one(db, churn, -20, title="small [/red] one", parent_id=2)
        put(db, small, "offline", 0.0001, -19)
        running_one(db, churn, -18, title="fresh")
        register(db, churn, -17, title="third")
        running.set_limit(db, "model", "churn", 2, actor=ADA, now=NOW)
    db.close()
    return folder / "midwatch.db"


def state(path: Path, title: str) -> str:
    db: sqlite3.Connection = store.connect(path, read_only=True)
    found = next(one.state for one in experiments.listing(db) if one.registration.title == title)
    db.close()
    return found


def said(app: object) -> str:
    return app.screen_stack[0].query_one(Status).text  # type: ignore[attr-defined,no-any-return]


async def test_what_should_be_killed_is_seen_and_killed(path: Path) -> None:
    app = screen(path, panes=PANES)
    async with app.run_test(size=(80, 24)) as pilot:
        await keys(pilot, "colon")
        await words(pilot, "exp")
        pane = app.pane
        assert isinstance(pane, ExperimentsPane)
        assert pane.table.count == 21
        # Running ones first, the newest on top; the thread has told what history says.
        await keys(pilot, "j")
        shown = screen_text(app)
        assert "small [/red] one" in shown
        assert "KILL?" in shown
        assert "KILL? the upper end is below" in pane.detail.plain
        assert "recomputed now: as registered" in pane.detail.plain
        assert "builds on 2" in pane.detail.plain
        assert max(map(len, shown.splitlines())) <= 80
        await keys(pilot, "n")
        await words(pilot, "the join was wrong")
        assert said(app) == "written down, marked retrofitted"
        assert "explain RETROFITTED the join was wrong" in pane.detail.plain
        # One over the limit: the one that should be killed anyway is offered first.
        await keys(pilot, "j")
        assert pane.chosen().registration.title == "third"
        await keys(pilot, "f", "s")
        assert "2 of churn run and 2 may. Which makes room?" in screen_text(app)
        assert "1  hold 19 small [/red] one  KILL?" in screen_text(app)
        await keys(pilot, "1")
        assert (state(path, "third"), state(path, "small [/red] one")) == ("running", "held")
        pane.table.go("19")
        await keys(pilot, "f", "k")
        await words(pilot, "")
        assert "takes a reason" in said(app)
        await keys(pilot, "f", "k")
        await words(pilot, "too small")
        assert state(path, "small [/red] one") == "killed"
        await keys(pilot, "x", "r")
        [report] = (path.parent / "reports").glob("*.md")
        assert "## Not known" in report.read_text()
        await keys(pilot, "x", "l")
        [exported] = (path.parent / "dump").glob("experiments-*.csv")
        assert "third" in exported.read_text()


async def test_a_read_only_screen_records_nothing(path: Path) -> None:
    app = screen(path, panes=PANES, read_only="--read-only was given")
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, "colon")
        await words(pilot, "experiments")
        await keys(pilot, "f")
        assert "read-only" in said(app)
        await keys(pilot, "n")
        assert "read-only" in said(app)
        assert isinstance(app.pane, ExperimentsPane)
        assert "AT END" in screen_text(app)
