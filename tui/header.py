"""What the header line knows: pages and tickets that fire, and who is on watch."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.escalation import escalated, told_of_all
from core.watch import who_is_on_watch
from storage.errors import UsageError
from storage.tables import alerts
from tui.present.lines import HeaderState
from tui.rotation import RotationFile


def header_of(
    db: sqlite3.Connection, *, host: str, store: str, now: datetime, rotation: RotationFile | None = None
) -> HeaderState:
    """Read it: three short queries, and the rotation where it has changed."""
    firing = alerts.firing(db, now)
    passed_on = escalated(db, now)
    on_watch, broken = _on_watch(rotation, now)
    return HeaderState(
        host=host,
        store=store,
        on_watch=on_watch,
        rotation_broken=broken,
        pages=firing.get("page", 0),
        tickets=firing.get("ticket", 0),
        escalated=len(passed_on),
        escalated_more=bool(passed_on) and not told_of_all(db),
    )


def _on_watch(rotation: RotationFile | None, now: datetime) -> tuple[str, bool]:
    """Who is on watch, empty for nobody, and whether the rotation can't be understood."""
    if rotation is None:
        return "", False
    try:
        turns = rotation.read()
    except UsageError:
        return "", True
    return ("" if turns is None else who_is_on_watch(turns, now).who or ""), False
