"""What the header line knows: pages and tickets that fire, and who is on watch."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.tables import alerts
from tui.present.lines import HeaderState


def header_of(db: sqlite3.Connection, *, host: str, store: str, now: datetime) -> HeaderState:
    """Read it: two short queries."""
    firing = alerts.firing(db, now)
    return HeaderState(
        host=host, store=store, on_watch="", pages=firing.get("page", 0), tickets=firing.get("ticket", 0)
    )
