"""Misses: marked by a person, or an incident of which no alert told."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.records.missed import IncidentTold, Missed

_INSERT = """
INSERT INTO missed(model_id, happened_at, column_name, incident_id, note, withdraws_id, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_MARKED = """
SELECT s.*, m.name AS model, i.key FROM missed_in_force s JOIN models m ON m.id = s.model_id
LEFT JOIN incidents i ON i.id = s.incident_id
WHERE (:model IS NULL OR s.model_id = :model) AND s.happened_at >= :since AND s.happened_at < :until
ORDER BY s.happened_at, s.id
"""
_BY_ID = """
SELECT s.*, m.name AS model, i.key FROM missed_in_force s JOIN models m ON m.id = s.model_id
LEFT JOIN incidents i ON i.id = s.incident_id WHERE s.id = ?
"""
# An incident's alerts are those whose latest link it is. What nobody linked counts as near from a day before the onset
# until people knew and a day more, or until it was over: later alerts told nobody of it. What happened before the first
# batch came is not counted, unless somebody marked it: nothing was watched then.
_TOLD = """
WITH spans AS (
    SELECT i.id, i.key, i.model_id, i.title, i.detected_at,
           (SELECT e.value FROM incident_events e WHERE e.incident_id = i.id AND e.kind = 'correction'
            AND e.ref_kind = 'time' AND e.ref_id = 'onset' AND e.value IS NOT NULL
            ORDER BY e.id DESC LIMIT 1) AS onset,
           (SELECT min(e.at) FROM incident_events e WHERE e.incident_id = i.id AND e.kind = 'state'
            AND e.value IN ('mitigated', 'resolved', 'reviewed') AND e.at >= i.detected_at) AS ended
    FROM incidents i JOIN incident_state s ON s.incident_id = i.id
    WHERE i.model_id IS NOT NULL AND (:model IS NULL OR i.model_id = :model)
      AND s.state NOT IN ('duplicate', 'false alarm') AND i.detected_at >= :since AND i.detected_at < :until
      AND (EXISTS (SELECT 1 FROM batches b WHERE b.model_id = i.model_id AND b.role = 'serving'
                   AND coalesce(b.window_start, b.arrived_at) <= i.detected_at)
           OR EXISTS (SELECT 1 FROM missed_in_force m WHERE m.incident_id = i.id))
), links AS (
    SELECT s.id AS incident, count(*) AS linked, min(a.fired_at) AS first_alert,
           min(coalesce(a.window_start, a.fired_at)) AS first_window
    FROM spans s
    JOIN alert_events e INDEXED BY alert_links_by_incident ON e.incident_id = s.id AND e.kind = 'link'
    JOIN alerts a ON a.id = e.alert_id
    WHERE e.id = (SELECT max(l.id) FROM alert_events l WHERE l.alert_id = e.alert_id AND l.kind = 'link')
    GROUP BY s.id
)
SELECT s.*, coalesce(l.linked, 0) AS linked, l.first_alert, l.first_window,
       EXISTS (SELECT 1 FROM missed_in_force m WHERE m.incident_id = s.id) AS marked,
       l.linked IS NULL AND EXISTS (
           SELECT 1 FROM alerts a WHERE a.model_id = s.model_id
           AND coalesce(a.window_end, a.fired_at)
               >= strftime('%Y-%m-%dT%H:%M:%S', coalesce(s.onset, s.detected_at), '-1 day')
           AND coalesce(a.window_end, a.fired_at)
               <= min(coalesce(s.ended, '9999'), strftime('%Y-%m-%dT%H:%M:%SZ', s.detected_at, '+1 day'))
       ) AS near
FROM spans s LEFT JOIN links l ON l.incident = s.id ORDER BY s.detected_at, s.id
"""
_CHECKS = """
SELECT r.check_name AS name, count(DISTINCT e.incident_id) AS incidents
FROM alert_events e INDEXED BY alert_links_by_incident
JOIN alert_findings f ON f.alert_id = e.alert_id JOIN check_results r ON r.id = f.result_id
WHERE e.kind = 'link' AND e.incident_id IN (SELECT value FROM json_each(:incidents))
  AND e.id = (SELECT max(l.id) FROM alert_events l WHERE l.alert_id = e.alert_id AND l.kind = 'link')
GROUP BY r.check_name
"""
_CAUSES = """
SELECT a.cause AS name, count(DISTINCT e.incident_id) AS incidents
FROM alert_events e INDEXED BY alert_links_by_incident JOIN alerts a ON a.id = e.alert_id
WHERE e.kind = 'link' AND e.incident_id IN (SELECT value FROM json_each(:incidents))
  AND e.id = (SELECT max(l.id) FROM alert_events l WHERE l.alert_id = e.alert_id AND l.kind = 'link')
GROUP BY a.cause
"""
_ALWAYS = ("0000", "9999")


def insert(
    db: sqlite3.Connection,
    model_id: int,
    *,
    at: datetime,
    column: str | None,
    incident_id: int | None,
    note: str | None,
    by: str,
    now: datetime,
) -> int:
    """Append a miss that a person marks; returns its id."""
    with transaction(db):
        values = (model_id, to_text(at), column, incident_id, note, None, by, to_text(now))
        return int(db.execute(_INSERT, values).lastrowid or 0)


def withdraw(db: sqlite3.Connection, marked: Missed, *, note: str | None, by: str, now: datetime) -> int:
    """Append that an earlier mark was a mistake; returns the new row's id."""
    with transaction(db):
        values = (marked.model_id, to_text(marked.at), None, None, note, marked.id, by, to_text(now))
        return int(db.execute(_INSERT, values).lastrowid or 0)


def find(db: sqlite3.Connection, missed_id: int) -> Missed | None:
    """A mark that is in force; None when there is none of that id."""
    row = db.execute(_BY_ID, (missed_id,)).fetchone()
    return None if row is None else _marked(row)


def marked(
    db: sqlite3.Connection, model_id: int | None, since: datetime | None = None, until: datetime | None = None
) -> list[Missed]:
    """What people marked as missed and did not take back, in order of time."""
    return [_marked(row) for row in db.execute(_MARKED, _bound(model_id, since, until))]


def incidents_told(
    db: sqlite3.Connection, model_id: int | None, since: datetime | None = None, until: datetime | None = None
) -> list[IncidentTold]:
    """Every incident that was detected in [since, until), with what alerts told of it."""
    return [
        IncidentTold(
            id=row["id"],
            key=row["key"],
            model_id=row["model_id"],
            title=row["title"],
            detected_at=from_text(row["detected_at"]),
            onset=from_text_or_none(row["onset"] or row["first_window"]),
            linked=row["linked"],
            near=bool(row["near"]),
            marked=bool(row["marked"]),
            first_alert=from_text_or_none(row["first_alert"]),
        )
        for row in db.execute(_TOLD, _bound(model_id, since, until))
    ]


def known(
    db: sqlite3.Connection, model_id: int | None, since: datetime | None = None, until: datetime | None = None
) -> list[Missed]:
    """Every miss that is known: what people marked, and incidents of which no alert told. In order of time.

    An incident that a person marked stands here once, with that person's words.
    """
    found = marked(db, model_id, since, until)
    said = {one.incident for one in found}
    names = {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM models")}
    for one in incidents_told(db, model_id, since, until):
        if one.missed and one.key not in said:
            found.append(
                Missed(
                    id=None,
                    model_id=one.model_id,
                    model=names[one.model_id],
                    at=one.onset or one.detected_at,
                    until=max(one.detected_at, one.onset or one.detected_at),
                    column=None,
                    incident=one.key,
                    note=one.title,
                    by="midwatch",
                    source="incident",
                )
            )
    return sorted(found, key=lambda m: (m.at, m.id or 0))


def incidents_by_check(db: sqlite3.Connection, incidents: str) -> dict[str, int]:
    """Of how many of these incidents (ids as a JSON list) each check told, by alerts that are linked to them."""
    return {row["name"]: row["incidents"] for row in db.execute(_CHECKS, {"incidents": incidents})}


def incidents_by_cause(db: sqlite3.Connection, incidents: str) -> dict[str, int]:
    """Of how many of these incidents each cause's alerts told."""
    return {row["name"]: row["incidents"] for row in db.execute(_CAUSES, {"incidents": incidents})}


def _bound(model_id: int | None, since: datetime | None, until: datetime | None) -> dict[str, object]:
    return {
        "model": model_id,
        "since": _ALWAYS[0] if since is None else to_text(since),
        "until": _ALWAYS[1] if until is None else to_text(until),
    }


def _marked(row: sqlite3.Row) -> Missed:
    at = from_text(row["happened_at"])
    return Missed(
        id=row["id"],
        model_id=row["model_id"],
        model=row["model"],
        at=at,
        until=at,
        column=row["column_name"],
        incident=row["key"],
        note=row["note"],
        by=row["by"],
        source="person",
    )
