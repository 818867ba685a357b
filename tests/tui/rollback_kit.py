"""A model with a pointer file, three versions and a night behind them, and the screen on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from textual.pilot import Pilot

from storage import db as store
from storage import model_file
from storage.records.rollbacks import State
from storage.tables import models, rollbacks
from tests.conftest import ADA, CHURN, NOW
from tests.core.rollback.conftest import Desk
from tests.tui.kit import Clock, answer, screen_text, settle
from tui.app import MidwatchApp
from tui.launch import services_for
from tui.panes import PANES
from tui.screens.rollback import ActingSheet
from tui.widgets.bars import Status

POINTER = '[rollback]\nactuator = "pointer_file"\npath = "CURRENT"\nsettle = "0s"\ntimeout = "1s"\n'


def desk_at(
    folder: Path,
    *,
    production: bool = False,
    rollback: str = POINTER,
    labelled: bool = True,
    now: datetime = NOW,
) -> Desk:
    """v13 is live and bad, v12 was live and good, v11 was live before that and nobody knows its metric.

    Args:
        labelled: whether the metric of v12 is known; all of its preflight is green then.
    """
    path = folder / "midwatch.db"
    store.prepare(path)
    db = store.connect(path)
    text = ("production = true\n" if production else "") + CHURN + rollback
    (folder / "churn.toml").write_text(text)
    parsed, body, sha256 = model_file.read(folder / "churn.toml")
    models.register(db, parsed.name, path=str(folder / "churn.toml"), text=body, sha256=sha256, actor=ADA, now=now)
    desk = Desk(db, models.get(db, "churn"), folder)
    desk.pointer.write_text("v13\n")
    moved = (now - NOW) / timedelta(days=1)
    for name, days in (("v11", 40.0), ("v12", 20.0), ("v13", 3.0)):
        desk.version(name, days=days - moved)
        desk.live(name, days - moved)
    desk.batch("v12", 4.0 - moved, auc=0.71 if labelled else None)
    desk.batch("v13", 0.1 - moved, auc=0.55)
    return desk


def app_of(desk: Desk, clock: Clock | None = None, *, locked: bool = False, read_only: str = "") -> MidwatchApp:
    """The screen with its real panes on the desk's store."""
    path = Path(desk.folder / "midwatch.db")
    wanted = [spec for spec in PANES if spec.id in ("home", "alerts", "versions")]
    services = replace(
        services_for(path, read_only=bool(read_only)),
        now=clock or Clock(),
        actor=lambda: ADA,
        models=lambda db: ["churn"],
    )
    return MidwatchApp(services, locked=locked, read_only=read_only, specs=wanted)


def sheet_of(pilot: Pilot[None]) -> ActingSheet:
    assert isinstance(pilot.app.screen, ActingSheet)
    return pilot.app.screen


def text_of(pilot: Pilot[None]) -> str:
    assert isinstance(pilot.app, MidwatchApp)
    return " ".join(screen_text(pilot.app).split())


def status(pilot: Pilot[None]) -> str:
    return pilot.app.screen_stack[0].query_one(Status).text


def states(desk: Desk) -> list[State]:
    found = rollbacks.of_model(desk.db, desk.model.id)
    return [event.state for event in rollbacks.events(desk.db, found[0].id)] if found else []


async def opened(pilot: Pilot[None], key: str = "R") -> ActingSheet:
    """The sheet with its plan, armed."""
    await settle(pilot)
    await pilot.press(key)
    await settle(pilot)
    await answer(pilot)
    return sheet_of(pilot)
