"""Silences: always with an end, an author and a reason."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.alerts import Silence
from storage.records.results import TIERS, Tier

BEFORE = timedelta(days=7)
"""How far back the preview of a silence looks."""

_SELECT = "SELECT s.*, e.at AS ended_at FROM silences s LEFT JOIN silence_ends e ON e.silence_id = s.id "
_ACTIVE = _SELECT + "WHERE e.at IS NULL AND s.starts_at <= :now AND s.ends_at > :now ORDER BY s.ends_at"
_INSERT = """
INSERT INTO silences(model_id, check_name, column_name, starts_at, ends_at, by, reason, preview_count, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_END = "INSERT OR IGNORE INTO silence_ends(silence_id, by, at) VALUES (?, ?, ?)"
# An alert that rests on no finding is met only by a silence over all of its model.
_MATCHED = """
FROM alerts a
WHERE a.fired_at >= :since AND a.fired_at <= :until AND (:model IS NULL OR a.model_id = :model)
  AND a.cause <> 'slo burn'
  AND (CASE WHEN :check IS NULL AND :column IS NULL THEN 1 ELSE
       EXISTS (SELECT 1 FROM alert_findings f WHERE f.alert_id = a.id) AND NOT EXISTS (
           SELECT 1 FROM alert_findings f JOIN check_results r ON r.id = f.result_id WHERE f.alert_id = a.id
           AND NOT (coalesce(r.check_name = :check, :check IS NULL) AND (:column IS NULL OR r.column_name IS :column)))
       END)
"""
_PREVIEW = f"SELECT a.id, a.title, a.tier, a.class {_MATCHED} ORDER BY a.id DESC"
_TIERS = f"SELECT DISTINCT a.tier {_MATCHED} AND a.class <> 'hard'"
NOTE = "silence {} by "
"""How the note of an event begins that a silence wrote, with its number."""
_HUSHED = """
SELECT g.head_id FROM alert_groups g JOIN alert_events e ON e.id = (
    SELECT max(id) FROM alert_events x WHERE x.alert_id = g.head_id AND x.kind <> 'link')
WHERE g.open = 1 AND g.quiet = 1 AND (:model IS NULL OR g.model_id = :model)
  AND e.kind = 'snooze' AND e.by = 'midwatch' AND substr(e.note, 1, length(:note)) = :note
"""
_PAGE = (
    _SELECT + "WHERE :ended OR (e.at IS NULL AND s.ends_at > :now) ORDER BY e.at IS NOT NULL, s.id DESC LIMIT :limit"
)
_BY_ID = _SELECT + "WHERE s.id = ?"


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
    return [_silence(row) for row in db.execute(_ACTIVE, {"now": to_text(now)})]


def page(db: sqlite3.Connection, now: datetime, *, ended: bool = False, limit: int = 200) -> list[Silence]:
    """Silences in force, the newest first; with ``ended`` those behind them that are over, too."""
    return [_silence(row) for row in db.execute(_PAGE, {"now": to_text(now), "ended": ended, "limit": limit})]


def get(db: sqlite3.Connection, silence_id: int) -> Silence:
    """The silence of that number.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (silence_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no silence {silence_id} in this store", "list them: midwatch alerts silences")
    return _silence(row)


def hushed(db: sqlite3.Connection, *, silence_id: int | None = None, model_id: int | None = None) -> list[int]:
    """The latest alerts of open groups that a silence keeps quiet: of that silence, or any silence, in that model."""
    note = "silence " if silence_id is None else NOTE.format(silence_id)
    return [row["head_id"] for row in db.execute(_HUSHED, {"note": note, "model": model_id})]


def loudest(db: sqlite3.Connection, silence: Silence) -> Tier | None:
    """The loudest of what it would have kept quiet in the week before it was made; None when there was nothing."""
    bound = {
        "model": silence.model_id,
        "check": silence.check,
        "column": silence.column,
        "since": to_text(silence.starts_at - BEFORE),
        "until": to_text(silence.starts_at),
    }
    return min((row["tier"] for row in db.execute(_TIERS, bound)), key=TIERS.index, default=None)


def preview(
    db: sqlite3.Connection, *, model_id: int | None, check: str | None, column: str | None, now: datetime
) -> list[tuple[int, str, str, str]]:
    """The alerts of the week before ``now`` that such a silence would have met: id, tier, class, title."""
    bound = {
        "model": model_id,
        "check": check,
        "column": column,
        "since": to_text(now - BEFORE),
        "until": to_text(now),
    }
    return [(row["id"], row["tier"], row["class"], row["title"]) for row in db.execute(_PREVIEW, bound)]


def _silence(row: sqlite3.Row) -> Silence:
    return Silence(
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
