"""``z`` on alerts: until when they are to be quiet, or a silence for what is like them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import snoozing
from core.snoozing import UNTIL, UNTIL_RESOLVED, Until
from storage.records.alert_rules import AlertRules
from storage.records.alerts import Alert
from storage.records.watches import Rotation
from storage.tables import models
from tui.present.alerts import quiet_until
from tui.present.text import counted
from tui.rotation import RotationFile
from tui.screens.dialogs import Choice
from tui.screens.storms import Chosen

if TYPE_CHECKING:
    from tui.screens.alerts import AlertsPane

_HOURS = [("1", "1", "one hour"), ("4", "4", "four hours"), ("d", "24", "one day"), ("w", "168", "one week")]


def ask(pane: AlertsPane, chosen: Chosen) -> None:
    """Ask until when, saying what it hides; then snooze all that is chosen, wake it, or go on to a silence."""
    heads, now, shell = chosen.heads, pane.shell.now(), pane.shell
    loud = sum(alert.tier in ("page", "ticket") for alert in heads)
    title = f"Snooze {counted(len(heads), 'group')}, {loud} of them page or ticket; louder repeats fire all the same"
    rotation = RotationFile().read()

    def told(until: Until) -> str:
        return shell.stamp(end_of(pane.db, heads, until, now, rotation))

    options = [
        *_HOURS[:2],
        ("m", "morning", f"until morning, {told('morning')}"),
        ("e", "shift-end", f"until the end of the shift, {told('shift-end')}"),
        ("r", "resolved", f"until it is resolved, {told('resolved')} at the latest"),
        *_HOURS[2:],
    ]
    if not chosen.firing(now):
        options.append(("u", "wake", "undo: take back what was answered, it fires again"))
    if len(heads) == 1:
        options.append(("s", "silence", "silence: what is like it, too; shows first what that would hide"))
    shell.open_sheet(Choice(title, options), lambda picked: _picked(pane, chosen, picked, rotation))


def end_of(
    db: sqlite3.Connection, heads: Sequence[Alert], picked: str, now: datetime, rotation: Rotation | None
) -> datetime:
    """The moment that a choice stands for, for these alerts."""
    if picked not in UNTIL:
        return now + timedelta(hours=int(picked))
    rules: list[AlertRules] = [models.get_by_id(db, i).file.alerts for i in {head.model_id for head in heads}]
    return snoozing.end_of(picked, rules, now, rotation=rotation)


def wake(pane: AlertsPane, chosen: Chosen) -> None:
    """Take back what was answered."""
    actor, now = pane.shell.services.actor(), pane.shell.now()
    pane.record(
        "wake",
        lambda db: chosen.wake(db, actor, now),
        lambda n: pane.shell.say(f"{n} {'fires' if n == 1 else 'fire'} again"),
    )


def _picked(pane: AlertsPane, chosen: Chosen, picked: str, rotation: Rotation | None) -> None:
    if picked == "wake":
        wake(pane, chosen)
        return
    if picked == "silence":
        from tui.screens.silencing import ask_scope

        pane.shell.call_later(ask_scope, pane, chosen.heads[0])
        return
    actor, now = pane.shell.services.actor(), pane.shell.now()
    note = UNTIL_RESOLVED if picked == "resolved" else None

    def work(db: sqlite3.Connection) -> int:
        return chosen.snooze(db, lambda heads: end_of(db, heads, picked, now, rotation), note, actor, now)

    until = end_of(pane.db, chosen.heads, picked, now, rotation)
    pane.record("snooze", work, lambda n: pane.shell.say(f"{n} snoozed {quiet_until(until, note, pane.shell.stamp)}"))
