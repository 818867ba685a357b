"""The demo's candidates say what the sample data promises, by use case and on the screen, and change nothing else."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.rollouts import overview
from sample_data.records import Scenario
from sample_data.scenario import END
from storage import db as store
from storage.tables import alerts, batches, models, rollouts
from tests.conftest import ADA
from tests.tui.kit import answer, screen_text, settle
from tui import demo
from tui.app import MidwatchApp
from tui.launch import services_for
from tui.screens.promotion import PromotionSheet

pytestmark = pytest.mark.integration

NOW = END + timedelta(minutes=1)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scenario]:
    folder = tmp_path_factory.mktemp("demo")
    path = folder / "midwatch.db"
    return path, demo.seed(path, folder / "data", END, lambda _: None, wait=True)


def firing(db: sqlite3.Connection, where: str) -> int:
    sql = f"SELECT count(*) FROM alerts a JOIN batches b ON b.id = a.batch_id WHERE {where}"
    return int(db.execute(sql).fetchone()[0])


def test_every_gate_says_what_the_sample_data_promises(seeded: tuple[Path, Scenario]) -> None:
    path, scenario = seeded
    db = store.connect(path, read_only=True)
    lines = {line.model: line for line in overview.candidates(db, NOW)}
    told = {(line.model, line.version, line.stage, line.outcome, line.dry_run) for line in lines.values()}
    assert told == {
        ("eta", "v10", "canary", "hold", False),
        ("churn", "v43", "test", "hold", False),
        ("assistant", "v6", "shadow", "hold", False),
    }
    assert (lines["eta"].rows, lines["eta"].traffic, lines["churn"].baseline) == (238, 0.1, "v42")
    assert "'pro-plan' breaks its floor" in lines["churn"].waits_for
    reasons = {
        name: " ".join(r.text for r in overview.candidate(db, line.rollout_id or 0, NOW).verdict.reasons)
        for name, line in lines.items()
    }
    assert "72 of 1,400 requests" in reasons["assistant"]
    assert "238 of 2,000" in reasons["eta"]
    assert not any(one.harmed_at for one in overview.candidate(db, lines["eta"].rollout_id or 0, NOW).verdict.evidence)
    shadow = {str(file.path) for file in scenario.model("assistant").shadow}
    kept = [batch for batch in batches.page(db, limit=-1) if batch.path in shadow]
    assert {(batch.version, batch.stage, batch.rows) for batch in kept} == {("v6", "shadow", 350)}
    assert firing(db, "b.stage = 'shadow'") == 0


async def test_the_candidates_on_the_screen_and_one_promoted_past_its_gate_by_keys(
    seeded: tuple[Path, Scenario],
) -> None:
    path, scenario = seeded
    services = replace(services_for(path, read_only=False), now=lambda: NOW, actor=lambda: ADA)
    app = MidwatchApp(services, locked=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("5")
        await settle(pilot)
        await settle(pilot)
        shown = screen_text(app)
        assert all(name in shown for name in ("v6", "v43", "v10", "canary 10%"))
        await pilot.press("G", "enter")
        await settle(pilot)
        await settle(pilot)
        assert "minutes off: difference" in screen_text(app)
        await pilot.press("escape", "p")
        await settle(pilot)
        await answer(pilot)
        sheet = app.screen
        assert isinstance(sheet, PromotionSheet)
        assert "PROMOTE eta v10  canary -> full" in screen_text(app)
        await pilot.press("enter")
        assert not sheet.executed
        await pilot.press("o")
        await answer(pilot)
        await pilot.press(*"try", "enter")
        await answer(pilot)
        await pilot.press(*"v10", "enter")
        await settle(pilot)
        assert sheet.outcome is not None
        assert sheet.outcome.moved, sheet.outcome.message
    db = store.connect(path, read_only=True)
    rollout = rollouts.find(db, models.get(db, "eta").id, "v10")
    assert rollout is not None
    assert rollout.state == "done"
    assert scenario.model("eta").pointer.read_text() == "v10\n"


def test_the_night_of_the_demo_begins_with_one_page(seeded: tuple[Path, Scenario]) -> None:
    """The bad snapshot of the sample data: every batch of it pages, for ``score`` and for no input."""
    path, scenario = seeded
    db = store.connect(path, read_only=True)
    churn = models.get(db, "churn").id
    open_groups = [a for a in alerts.open_groups(db, churn) if a.tier in ("page", "ticket")]
    assert [(a.tier, a.columns[0], a.cause) for a in open_groups] == [("page", "score", "prediction")]
    assert "the predictions moved" in open_groups[0].title
    faulty = scenario.fault("churn-bad-snapshot").files
    assert open_groups[0].seen == len(faulty)
