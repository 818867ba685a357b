"""The real panes on a store with a night in it: two groups of alerts of churn, a change, a deployment."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from storage import db as store
from storage.host import Actor
from storage.tables import models
from tests.conftest import ADA
from tests.core import night
from tests.tui.kit import HOSTILE, Clock, settle
from tui.app import MidwatchApp
from tui.header import header_of
from tui.panes import PANES
from tui.rotation import RotationFile
from tui.services import Services

SIZES = [(80, 24), (60, 20), (120, 40)]
ROTATION = 'people = ["ada", "lin"]\nhandover = "09:00"\nfirst = 2020-01-06\n'


def night_of(db: sqlite3.Connection, model_id: int) -> None:
    """Three alerts in two groups, the second one with a hostile title, and what had changed before."""
    for number, start in enumerate((-50, -40)):
        batch = night.batch(db, model_id, start)
        night.alert(db, model_id, batch, start + 11, start=start, group="moved")
        if number:
            night.alert(db, model_id, batch, start + 11, start=start, group="other", title=HOSTILE, cause="nulls")
    night.put(
        db,
        "changes",
        layer="pipeline",
        kind="query",
        subject=HOSTILE,
        model_id=model_id,
        before="SELECT 1\n[/red]",
        after="SELECT 2",
        size=3,
        at=night.at(-70),
        by="m.ito",
        source="ci",
        source_ref="1",
        recorded_at=night.at(-70),
    )
    night.deployment(db, model_id, -60)


def screen(
    path: Path,
    *,
    actor: Actor = ADA,
    read_only: str = "",
    rotation: Path | None = None,
    panes: Sequence[str] = ("home", "alerts", "incidents", "changes", "watch"),
) -> MidwatchApp:
    clock = Clock()
    turns = RotationFile(rotation)
    services = Services(
        connect=lambda: store.connect(path),
        reader=lambda: store.connect(path, read_only=True),
        now=clock,
        actor=lambda: actor,
        header=lambda db: header_of(db, host="prod-3", store=str(path), now=clock(), rotation=turns),
        models=lambda db: list(models.names(db).values()),
        dump=path.parent / "dump",
    )
    return MidwatchApp(services, read_only=read_only, specs=[p for p in PANES if p.id in panes], locked=False)


async def keys(pilot: Pilot[None], *pressed: str) -> None:
    """Press keys one by one; what each starts is waited for."""
    for key in pressed:
        await pilot.press(key)
        await settle(pilot)


async def words(pilot: Pilot[None], text: str) -> None:
    """Answer the prompt with a text; an empty one agrees with what it proposes."""
    field = pilot.app.screen_stack[0].query_one("#prompt-input", Input)
    assert field.has_focus
    if text:
        field.value = text
    await pilot.press("enter")
    await settle(pilot)
