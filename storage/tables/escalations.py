"""Pages that were passed on because nobody answered them."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.records.escalations import Escalation

LOOKED_AT = 500
"""Open pages that are looked at: the latest."""

_SUBJECT = "'group:' || g.model_id || ':' || g.group_key"
# Open pages: those that fire, and those that are quiet, since a snooze may have run out.
_OPEN_PAGES = f"""
SELECT g.head_id, CASE WHEN g.storm_id IS NULL THEN {_SUBJECT} ELSE 'storm:' || g.storm_id END AS subject
FROM alert_groups g WHERE g.open = 1 AND g.tier_rank = 0 AND (g.quiet = 0 OR EXISTS (
    SELECT 1 FROM alert_state s WHERE s.alert_id = g.head_id AND s.state = 'snoozed'))
  AND (NOT :called OR EXISTS (
    SELECT 1 FROM escalations e WHERE e.subject = {_SUBJECT} OR e.subject = 'storm:' || g.storm_id))
"""
_PAGES = f"{_OPEN_PAGES} ORDER BY g.head_id DESC LIMIT :limit"
_COUNT = f"SELECT count(*) FROM ({_OPEN_PAGES})"
_OF_SUBJECT = "SELECT * FROM escalations WHERE subject = ? AND since = ? ORDER BY round"
_OF_ALERT = """
SELECT e.* FROM escalations e JOIN alerts a ON a.id = e.alert_id
WHERE a.model_id = ? AND a.group_key = ? ORDER BY e.id DESC LIMIT ?
"""
_JUDGED = """
SELECT max(f.at) FROM alert_feedback f JOIN alerts a ON a.id = f.alert_id WHERE a.model_id = ? AND a.group_key = ?
"""
_INSERT = """
INSERT INTO escalations(subject, since, round, alert_id, called, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT(subject, since, round) DO NOTHING
"""


def pages(db: sqlite3.Connection, *, called: bool = False) -> list[tuple[str, int]]:
    """Open pages that are not acknowledged: what is passed on as one, and the latest alert of each group.

    With ``called`` only those that were passed on at any time.
    """
    bound = {"called": called, "limit": LOOKED_AT}
    return [(row["subject"], row["head_id"]) for row in db.execute(_PAGES, bound)]


def count(db: sqlite3.Connection, *, called: bool = False) -> int:
    """How many open groups :func:`pages` would tell if it told all of them."""
    return int(db.execute(_COUNT, {"called": called}).fetchone()[0])


def judged_at(db: sqlite3.Connection, model_id: int, group_key: str) -> datetime | None:
    """When a person last said what an alert of a group was worth; None when nobody ever did."""
    return from_text_or_none(db.execute(_JUDGED, (model_id, group_key)).fetchone()[0])


def of_subject(db: sqlite3.Connection, subject: str, since: datetime) -> list[Escalation]:
    """How it was passed on since it began to fire, oldest first."""
    return [_escalation(row) for row in db.execute(_OF_SUBJECT, (subject, to_text(since)))]


def of_group(db: sqlite3.Connection, model_id: int, group_key: str, limit: int = 10) -> list[Escalation]:
    """How pages of a group were passed on, the latest first."""
    return [_escalation(row) for row in db.execute(_OF_ALERT, (model_id, group_key, limit))]


def insert(
    db: sqlite3.Connection,
    *,
    subject: str,
    since: datetime,
    number: int,
    alert_id: int,
    called: str | None,
    now: datetime,
) -> Escalation | None:
    """Append that a page was passed on; None when another program was faster."""
    with transaction(db):
        cursor = db.execute(_INSERT, (subject, to_text(since), number, alert_id, called, to_text(now)))
    if not cursor.rowcount:
        return None
    return Escalation(int(cursor.lastrowid or 0), subject, since, number, alert_id, called, now)


def _escalation(row: sqlite3.Row) -> Escalation:
    return Escalation(
        id=row["id"],
        subject=row["subject"],
        since=from_text(row["since"]),
        number=row["round"],
        alert_id=row["alert_id"],
        called=row["called"],
        at=from_text(row["at"]),
    )
