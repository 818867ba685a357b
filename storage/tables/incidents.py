"""Incidents and the facts written into them: keys, events, and the lists that panes page through."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.incidents import LIVE_STATES, Incident, IncidentEvent, IncidentFilter, Sort

PRIORITY = """
coalesce(edited_priority,
         CASE severity WHEN 'SEV1' THEN 8.0 WHEN 'SEV2' THEN 4.0 WHEN 'SEV4' THEN 1.0 ELSE 2.0 END
         * coalesce(reach, 1.0) * (1.0 + max(0.0, julianday(:now) - julianday(detected_at))))
"""
"""The formula of ``core.incidents.priority`` in SQL, so that a list is sorted without reading all of it."""

_ROW = """
SELECT i.id, i.key, i.model_id, m.name AS model, i.title, i.detected_at, i.opened_at, i.opened_by,
       s.state, s.severity, s.owner, s.cause,
       (SELECT CAST(value AS REAL) FROM incident_events e WHERE e.incident_id = i.id AND kind = 'blast_radius'
        AND value IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS reach,
       (SELECT CAST(value AS REAL) FROM incident_events e WHERE e.incident_id = i.id AND kind = 'correction'
        AND ref_kind = 'priority' ORDER BY e.id DESC LIMIT 1) AS edited_priority
FROM incidents i JOIN incident_state s ON s.incident_id = i.id LEFT JOIN models m ON m.id = i.model_id
"""
# Only the latest link of an alert counts: it may have been moved to another incident.
_LINKS = """
SELECT incident_id, count(*) AS alerts FROM alert_events e
WHERE kind = 'link' AND id = (SELECT max(id) FROM alert_events l WHERE l.alert_id = e.alert_id AND l.kind = 'link')
GROUP BY incident_id
"""
_WHERE = """
WHERE (:model IS NULL OR i.model_id = :model)
  AND (:states = '' OR instr(:states, '|' || s.state || '|') > 0)
  AND (:severity IS NULL OR s.severity = :severity)
  AND (:owner IS NULL OR s.owner = :owner)
  AND (:text IS NULL OR instr(lower(i.key || ' ' || i.title || ' ' || coalesce(s.owner, '')), lower(:text)) > 0)
"""
_BY_KEY = _ROW + "WHERE i.key = ?"
_BY_ID = _ROW + "WHERE i.id = ?"
_ALERTS = f"SELECT alerts FROM ({_LINKS}) WHERE incident_id = ?"
_COUNT = "SELECT count(*) FROM incidents i JOIN incident_state s ON s.incident_id = i.id " + _WHERE
_LIVE = f"state IN ({', '.join(repr(state) for state in LIVE_STATES)})"
_ORDER: dict[Sort, str] = {
    # Live ones first, the most urgent on top; of closed ones the age says nothing, so the newest.
    "urgency": f"{_LIVE} DESC, CASE WHEN {_LIVE} THEN {PRIORITY} ELSE 0 END",
    "key": "id",
    "priority": PRIORITY,
    "severity": "coalesce(severity, 'SEV9')",
    "state": (
        "CASE state WHEN 'triage' THEN 0 WHEN 'open' THEN 1 WHEN 'mitigated' THEN 2 WHEN 'resolved' THEN 3"
        " WHEN 'reviewed' THEN 4 ELSE 5 END"
    ),
    "detected": "detected_at",
    "model": "model",
    "owner": "owner",
}
_NEXT = "SELECT coalesce(max(CAST(substr(key, 5) AS INTEGER)), 0) + 1 FROM incidents"
_INSERT = """
INSERT INTO incidents(key, model_id, title, detected_at, opened_at, opened_by) VALUES (?, ?, ?, ?, ?, ?)
"""
_INSERT_EVENT = """
INSERT INTO incident_events(incident_id, kind, value, body, ref_kind, ref_id, hypothesis_id, corrects_id, by, at,
                            recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_EVENTS = "SELECT * FROM incident_events WHERE incident_id = ? ORDER BY id"
_EVENT = "SELECT * FROM incident_events WHERE id = ?"
_ABOUT = "SELECT * FROM incident_events WHERE kind = 'note' AND ref_kind = ? AND ref_id = ? ORDER BY id"
_INSERT_LINK = """
INSERT INTO alert_events(alert_id, kind, until_at, incident_id, by, note, at) VALUES (?, 'link', NULL, ?, ?, ?, ?)
"""
_NEAR = "SELECT key FROM incidents ORDER BY id DESC LIMIT 5"


def insert(
    db: sqlite3.Connection,
    *,
    model_id: int | None,
    title: str,
    detected_at: datetime,
    by: str,
    now: datetime,
    key: str | None = None,
) -> tuple[int, str]:
    """Write an incident and return its id and key; the key is the next free one, also between processes.

    ``key`` is for one that has a key from elsewhere; it must be free.
    """
    with transaction(db):
        key = key or f"INC-{db.execute(_NEXT).fetchone()[0]:04d}"
        cursor = db.execute(_INSERT, (key, model_id, title, to_text(detected_at), to_text(now), by))
        return int(cursor.lastrowid or 0), key


def append(
    db: sqlite3.Connection,
    incident_id: int,
    kind: str,
    *,
    by: str,
    now: datetime,
    at: datetime | None = None,
    value: str | None = None,
    body: str | None = None,
    ref: tuple[str, str] | None = None,
    hypothesis_id: int | None = None,
    corrects_id: int | None = None,
) -> int:
    """Append one event and return its id; ``at`` is when it happened, now by default."""
    ref_kind, ref_id = ref or (None, None)
    with transaction(db):
        cursor = db.execute(
            _INSERT_EVENT,
            (
                incident_id,
                kind,
                value,
                body,
                ref_kind,
                ref_id,
                hypothesis_id,
                corrects_id,
                by,
                to_text(at or now),
                to_text(now),
            ),
        )
        return int(cursor.lastrowid or 0)


def append_link(
    db: sqlite3.Connection, alert_id: int, incident_id: int, *, by: str, note: str | None, now: datetime
) -> int:
    """Make an alert part of an incident; the latest link of an alert is the one in force."""
    with transaction(db):
        return int(db.execute(_INSERT_LINK, (alert_id, incident_id, by, note, to_text(now))).lastrowid or 0)


def get(db: sqlite3.Connection, key: str) -> Incident:
    """The incident of that key (``INC-0042``, ``inc-42`` or ``42``).

    Raises:
        UsageError: there is none; the hint lists the latest ones.
    """
    row = db.execute(_BY_KEY, (normal_key(key),)).fetchone()
    if row is None:
        known = ", ".join(r["key"] for r in db.execute(_NEAR)) or "none yet"
        raise UsageError(f"there is no incident {key!r} in this store", f"latest: {known}")
    return _incident(db, row)


def get_by_id(db: sqlite3.Connection, incident_id: int) -> Incident:
    """The incident of that row id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (incident_id,)).fetchone()
    if row is None:
        raise KeyError(incident_id)
    return _incident(db, row)


def normal_key(text: str) -> str:
    """The key as it is stored.

    >>> normal_key("42"), normal_key("inc-7"), normal_key("INC-12345")
    ('INC-0042', 'INC-0007', 'INC-12345')
    """
    digits = text.strip().upper().removeprefix("INC-")
    return f"INC-{int(digits):04d}" if digits.isascii() and digits.isdigit() else text


def list_page(
    db: sqlite3.Connection,
    *,
    now: datetime,
    offset: int = 0,
    limit: int = 100,
    sort: Sort = "priority",
    descending: bool = True,
    where: IncidentFilter | None = None,
) -> list[Incident]:
    """``limit`` incidents from ``offset`` on, in that order; ties by key, newest first."""
    order = f"ORDER BY {_ordered(sort, descending)}"
    # The page is found by what it is sorted by alone; only its own rows are read whole.
    page = f"SELECT id FROM ({_ROW} {_WHERE}) {order} LIMIT :limit OFFSET :offset"
    query = f"SELECT * FROM ({_ROW} WHERE i.id IN ({page})) {order}"
    bound = {**_bound(where), "now": to_text(now), "limit": limit, "offset": offset}
    rows = db.execute(query, bound).fetchall()
    linked = dict(db.execute(_LINKS).fetchall()) if rows else {}
    return [_record(row, linked.get(row["id"], 0)) for row in rows]


def count(db: sqlite3.Connection, where: IncidentFilter | None = None) -> int:
    """How many incidents :func:`list_page` would go through."""
    return int(db.execute(_COUNT, _bound(where)).fetchone()[0])


def place(
    db: sqlite3.Connection,
    key: str,
    *,
    now: datetime,
    sort: Sort = "priority",
    descending: bool = True,
    where: IncidentFilter | None = None,
) -> int | None:
    """Where an incident stands in the list that :func:`list_page` goes through, from 0; None if it is not in it."""
    numbered = f"SELECT key, row_number() OVER (ORDER BY {_ordered(sort, descending)}) - 1 AS place"
    query = f"SELECT place FROM ({numbered} FROM ({_ROW} {_WHERE})) WHERE key = :key"
    row = db.execute(query, {**_bound(where), "now": to_text(now), "key": key}).fetchone()
    return None if row is None else int(row["place"])


def events(db: sqlite3.Connection, incident_id: int) -> list[IncidentEvent]:
    """Everything that was written into an incident, in the order of writing."""
    return [_event(row) for row in db.execute(_EVENTS, (incident_id,))]


def event(db: sqlite3.Connection, event_id: int) -> IncidentEvent | None:
    """One event, None when there is none of that id."""
    row = db.execute(_EVENT, (event_id,)).fetchone()
    return None if row is None else _event(row)


def notes_about(db: sqlite3.Connection, table: str, row_id: int | str) -> list[IncidentEvent]:
    """Notes that were attached to a row of another table, to be shown where that row shows."""
    return [_event(row) for row in db.execute(_ABOUT, (table, str(row_id)))]


def _ordered(sort: Sort, descending: bool) -> str:
    if sort not in get_args(Sort):
        raise UsageError(f"incidents can't be sorted by {sort!r}", f"one of {', '.join(get_args(Sort))}")
    return f"{_ORDER[sort]} {'DESC' if descending else 'ASC'}, id DESC"


def _bound(where: IncidentFilter | None) -> dict[str, Any]:
    chosen = where or IncidentFilter()
    return {
        "model": chosen.model_id,
        "states": _fenced(chosen.states),
        "severity": chosen.severity,
        "owner": chosen.owner,
        "text": chosen.text or None,
    }


def _fenced(words: Sequence[str]) -> str:
    return f"|{'|'.join(words)}|" if words else ""


def _incident(db: sqlite3.Connection, row: sqlite3.Row) -> Incident:
    linked = db.execute(_ALERTS, (row["id"],)).fetchone()
    return _record(row, linked["alerts"] if linked else 0)


def _record(row: sqlite3.Row, alerts: int) -> Incident:
    return Incident(
        id=row["id"],
        key=row["key"],
        model_id=row["model_id"],
        model=row["model"],
        title=row["title"],
        detected_at=from_text(row["detected_at"]),
        opened_at=from_text(row["opened_at"]),
        opened_by=row["opened_by"],
        state=row["state"],
        severity=row["severity"],
        owner=row["owner"],
        cause=row["cause"],
        reach=row["reach"],
        edited_priority=row["edited_priority"],
        alerts=alerts,
    )


def _event(row: sqlite3.Row) -> IncidentEvent:
    return IncidentEvent(
        **{name: row[name] for name in row.keys() if name not in ("at", "recorded_at")},  # noqa: SIM118
        at=from_text(row["at"]),
        recorded_at=from_text(row["recorded_at"]),
    )
