"""Handovers, and the facts of a watch that a handover tells."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.records.watches import Handover, HandoverHead, NoisyGroup, WatchAlert, WatchRollback, WatchSilence

_SELECT = """
SELECT h.*, a.by AS accepted_by, a.at AS accepted_at, a.note AS accepted_note
FROM handovers h LEFT JOIN handover_acceptances a ON a.handover_id = h.id
"""
_PAGE = _SELECT + "ORDER BY h.id DESC LIMIT ? OFFSET ?"
_COUNT = "SELECT count(*) FROM handovers"
_BY_ID = _SELECT + "WHERE h.id = ?"
# Without the page and what it was made from: a list of years of watches stays light.
_HEADS = """
FROM handovers h LEFT JOIN handover_acceptances a ON a.handover_id = h.id
WHERE :like IS NULL OR instr(lower(h.from_person || ' ' || coalesce(h.to_person, '') || ' '
                                   || coalesce(a.by, '') || ' ' || h.body), lower(:like)) > 0
"""
_HEAD_PAGE = f"""
SELECT h.id, h.watch_start, h.watch_end, h.from_person, h.to_person, h.at, a.by AS accepted_by {_HEADS}
ORDER BY h.id DESC LIMIT :limit OFFSET :offset
"""
_INSERT = """
INSERT INTO handovers(watch_start, watch_end, from_person, to_person, body, snapshot_json, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ACCEPT = "INSERT INTO handover_acceptances(handover_id, by, note, at) VALUES (?, ?, ?, ?)"
# Live alerts of any age, and those that were resolved in the watch. A resolution is written on the latest alert of its
# group and ends the older ones with it.
_ALERTS = """
SELECT a.id, a.model_id, m.name AS model, a.tier, a.title, a.columns_json, a.group_key, a.fired_at, s.state, s.by,
       s.until_at, s.verdict, i.key AS incident,
       coalesce((SELECT e.at FROM alert_events e WHERE e.alert_id = a.id AND e.kind <> 'link'
                 ORDER BY e.id DESC LIMIT 1), a.fired_at) AS since
FROM alerts a JOIN models m ON m.id = a.model_id JOIN alert_state s ON s.alert_id = a.id
LEFT JOIN incidents i ON i.id = s.incident_id
WHERE a.tier IN ('page', 'ticket') AND a.fired_at < :end
  AND ((s.state <> 'resolved' AND a.id > coalesce((
          SELECT max(b.id) FROM alerts b JOIN alert_events r ON r.alert_id = b.id AND r.kind = 'resolve'
          WHERE b.model_id = a.model_id AND b.group_key = a.group_key), 0))
       OR (a.id IN (SELECT alert_id FROM alert_events WHERE kind = 'resolve' AND at >= :start)))
ORDER BY CASE a.tier WHEN 'page' THEN 0 ELSE 1 END, a.fired_at, a.id
"""
_NOISY = """
SELECT a.model_id, m.name AS model, a.group_key, max(a.title) AS title, max(a.columns_json) AS columns_json,
       count(*) AS alerts, sum(coalesce(s.verdict, '') = 'acted') AS acted,
       sum(coalesce(s.verdict, '') = 'noise') AS noise
FROM alerts a JOIN models m ON m.id = a.model_id JOIN alert_state s ON s.alert_id = a.id
WHERE a.fired_at >= :start AND a.fired_at < :end
GROUP BY a.model_id, a.group_key HAVING count(*) >= :minimum ORDER BY alerts DESC, model, a.group_key LIMIT :limit
"""
_ROLLBACKS = """
SELECT r.*, m.name AS model, coalesce(s.state, 'planned') AS state
FROM rollbacks r JOIN models m ON m.id = r.model_id JOIN rollback_state s ON s.rollback_id = r.id
WHERE r.at < :end AND (r.at >= :start OR s.state IN ('started', 'actuated', 'unknown')) ORDER BY r.id
"""
_SILENCES = """
SELECT s.id, m.name AS model, s.check_name, s.column_name, s.ends_at, s.by, s.reason
FROM silences s LEFT JOIN models m ON m.id = s.model_id
WHERE s.starts_at <= :now AND s.ends_at > :now AND NOT EXISTS (SELECT 1 FROM silence_ends e WHERE e.silence_id = s.id)
ORDER BY s.ends_at, s.id
"""


def insert(
    db: sqlite3.Connection,
    *,
    start: datetime,
    end: datetime,
    from_person: str,
    to_person: str | None,
    body: str,
    snapshot: dict[str, Any],
    by: str,
    now: datetime,
) -> int:
    """Store a handover page with what it was made from; returns its id."""
    told = json.dumps(snapshot, ensure_ascii=False, sort_keys=True)
    with transaction(db):
        values = (to_text(start), to_text(end), from_person, to_person, body, told, by, to_text(now))
        return int(db.execute(_INSERT, values).lastrowid or 0)


def accept(db: sqlite3.Connection, handover_id: int, *, by: str, note: str | None, now: datetime) -> None:
    """Append the acceptance.

    Raises:
        UsageError: no such handover.
        RefusedError: it was accepted already.
    """
    with transaction(db):
        found = get(db, handover_id)
        if found.accepted_by:
            raise RefusedError(f"handover {handover_id} was accepted by {found.accepted_by} already", "nothing to do")
        db.execute(_ACCEPT, (handover_id, by, note, to_text(now)))


def get(db: sqlite3.Connection, handover_id: int) -> Handover:
    """The handover of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (handover_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no handover {handover_id}", "see midwatch handover list")
    return _handover(row)


def list_page(db: sqlite3.Connection, *, offset: int = 0, limit: int = 100) -> list[Handover]:
    """Handovers, newest first."""
    return [_handover(row) for row in db.execute(_PAGE, (limit, offset))]


def count(db: sqlite3.Connection) -> int:
    """How many handovers there are."""
    return int(db.execute(_COUNT).fetchone()[0])


def heads(db: sqlite3.Connection, *, like: str | None = None, offset: int = 0, limit: int = 100) -> list[HandoverHead]:
    """Handovers without their pages, newest first; ``like`` is looked for in names and page."""
    rows = db.execute(_HEAD_PAGE, {"like": like, "limit": limit, "offset": offset})
    return [
        HandoverHead(
            id=row["id"],
            watch_start=from_text(row["watch_start"]),
            watch_end=from_text(row["watch_end"]),
            from_person=row["from_person"],
            to_person=row["to_person"],
            at=from_text(row["at"]),
            accepted_by=row["accepted_by"],
        )
        for row in rows
    ]


def count_heads(db: sqlite3.Connection, *, like: str | None = None, above: int = -1) -> int:
    """How many handovers :func:`heads` goes through; with ``above`` only those newer than that id."""
    query = f"SELECT count(*) FROM (SELECT h.id {_HEADS}) WHERE id > :above"
    return int(db.execute(query, {"like": like, "above": above}).fetchone()[0])


def watch_alerts(db: sqlite3.Connection, start: datetime, end: datetime) -> list[WatchAlert]:
    """Pages and tickets that are not resolved, and those resolved in the watch; pages first, oldest first."""
    return [
        WatchAlert(
            id=row["id"],
            model_id=row["model_id"],
            model=row["model"],
            tier=row["tier"],
            title=row["title"],
            columns=tuple(str(c) for c in json.loads(row["columns_json"])),
            state=row["state"],
            by=row["by"],
            fired_at=from_text(row["fired_at"]),
            since=from_text(row["since"]),
            until=from_text_or_none(row["until_at"]),
            verdict=row["verdict"],
            incident=row["incident"],
            group_key=row["group_key"],
        )
        for row in db.execute(_ALERTS, {"start": to_text(start), "end": to_text(end)})
    ]


def noisy_groups(
    db: sqlite3.Connection, start: datetime, end: datetime, *, minimum: int = 3, limit: int = 5
) -> list[NoisyGroup]:
    """Groups of alerts that fired at least ``minimum`` times in the watch, loudest first."""
    bound = {"start": to_text(start), "end": to_text(end), "minimum": minimum, "limit": limit}
    return [
        NoisyGroup(
            model_id=row["model_id"],
            model=row["model"],
            group_key=row["group_key"],
            title=row["title"],
            columns=tuple(str(c) for c in json.loads(row["columns_json"])),
            alerts=row["alerts"],
            acted=row["acted"],
            noise=row["noise"],
        )
        for row in db.execute(_NOISY, bound)
    ]


def watch_rollbacks(db: sqlite3.Connection, start: datetime, end: datetime) -> list[WatchRollback]:
    """Rollbacks asked for in the watch, and older ones still in flight."""
    return [
        WatchRollback(
            id=row["id"],
            model=row["model"],
            kind=row["kind"],
            from_version=row["from_version"],
            to_version=row["to_version"],
            state=row["state"],
            confirmed=row["confirmed"],
            reason=row["reason"],
            by=row["by"],
            at=from_text(row["at"]),
        )
        for row in db.execute(_ROLLBACKS, {"start": to_text(start), "end": to_text(end)})
    ]


def silences_in_force(db: sqlite3.Connection, now: datetime) -> list[WatchSilence]:
    """Silences that hold at ``now``, the next to end first."""
    return [
        WatchSilence(
            id=row["id"],
            model=row["model"],
            check=row["check_name"],
            column=row["column_name"],
            ends_at=from_text(row["ends_at"]),
            by=row["by"],
            reason=row["reason"],
        )
        for row in db.execute(_SILENCES, {"now": to_text(now)})
    ]


def _handover(row: sqlite3.Row) -> Handover:
    return Handover(
        id=row["id"],
        watch_start=from_text(row["watch_start"]),
        watch_end=from_text(row["watch_end"]),
        from_person=row["from_person"],
        to_person=row["to_person"],
        body=row["body"],
        snapshot=json.loads(row["snapshot_json"]),
        by=row["by"],
        at=from_text(row["at"]),
        accepted_by=row["accepted_by"],
        accepted_at=from_text_or_none(row["accepted_at"]),
        accepted_note=row["accepted_note"],
    )
