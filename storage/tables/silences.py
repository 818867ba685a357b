"""Silences: always with an end, an author and a reason."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.records.alerts import Silence

_SELECT = "SELECT s.*, e.at AS ended_at FROM silences s LEFT JOIN silence_ends e ON e.silence_id = s.id "
_ACTIVE = _SELECT + "WHERE e.at IS NULL AND s.starts_at <= :now AND s.ends_at > :now ORDER BY s.ends_at"
_INSERT = """
INSERT INTO silences(model_id, check_name, column_name, starts_at, ends_at, by, reason, preview_count, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_END = "INSERT OR IGNORE INTO silence_ends(silence_id, by, at) VALUES (?, ?, ?)"
_PREVIEW = """
SELECT DISTINCT a.id, a.title, a.tier, a.fired_at FROM alerts a
JOIN alert_findings f ON f.alert_id = a.id JOIN check_results r ON r.id = f.result_id
WHERE a.fired_at >= :since AND (:model IS NULL OR a.model_id = :model)
  AND (:check IS NULL OR r.check_name = :check) AND (:column IS NULL OR r.column_name = :column)
ORDER BY a.id DESC
"""


def insert(
    db: sqlite3.Connection,
    *,
    model_id: int | None,
    check: str | None,
    column: str | None,
    ends_at: datetime,
    reason: str,
    preview_count: int,
    by: str,
    now: datetime,
) -> int:
    """Append a silence that starts now."""
    values = (model_id, check, column, to_text(now), to_text(ends_at), by, reason, preview_count, to_text(now))
    with transaction(db):
        return int(db.execute(_INSERT, values).lastrowid or 0)


def end(db: sqlite3.Connection, silence_id: int, *, by: str, now: datetime) -> None:
    """End a silence early; ending it twice changes nothing."""
    with transaction(db):
        db.execute(_END, (silence_id, by, to_text(now)))


def active(db: sqlite3.Connection, now: datetime) -> list[Silence]:
    """Silences in force, the one that ends first on top."""
    return [
        Silence(
            id=row["id"],
            model_id=row["model_id"],
            check=row["check_name"],
            column=row["column_name"],
            starts_at=from_text(row["starts_at"]),
            ends_at=from_text(row["ends_at"]),
            by=row["by"],
            reason=row["reason"],
            preview_count=row["preview_count"],
            ended_at=from_text_or_none(row["ended_at"]),
        )
        for row in db.execute(_ACTIVE, {"now": to_text(now)})
    ]


def preview(
    db: sqlite3.Connection, *, model_id: int | None, check: str | None, column: str | None, since: datetime
) -> list[tuple[int, str, str]]:
    """The alerts since then that such a silence would have kept quiet: id, tier, title."""
    values = {"model": model_id, "check": check, "column": column, "since": to_text(since)}
    return [(row["id"], row["tier"], row["title"]) for row in db.execute(_PREVIEW, values)]
