"""What other tables know of an incident: its alerts, batches in its window, metrics, findings, and past incidents."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from storage.clock import from_text, from_text_or_none, to_text
from storage.records.incidents import FindingRow, LinkedAlert, MetricReading, WindowBatch

_ALERT = """
SELECT a.*, s.state, s.verdict, s.incident_id FROM alerts a JOIN alert_state s ON s.alert_id = a.id
"""
# The few alerts that were ever linked to it, by their own events; then those whose latest link it still is.
_LINKED = (
    _ALERT
    + """
WHERE a.id IN (SELECT alert_id FROM alert_events WHERE kind = 'link' AND incident_id = :incident)
  AND s.incident_id = :incident ORDER BY a.fired_at, a.id
"""
)
_BY_IDS = _ALERT + "WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY a.fired_at, a.id"
_BATCHES = """
SELECT b.id, b.rows, b.version, b.stage, b.window_start, b.window_end,
       (SELECT count(*) FROM check_results r WHERE r.batch_id = b.id AND r.status = 'fail'
        AND r.tier IN ('page', 'ticket')) AS findings,
       EXISTS (SELECT 1 FROM alerts a WHERE a.batch_id = b.id
               AND a.id IN (SELECT value FROM json_each(:alerts))) AS alerted
FROM batches b
WHERE b.model_id = :model AND b.role = 'serving'
  AND coalesce(b.window_end, b.arrived_at) > :start AND coalesce(b.window_start, b.arrived_at) < :end
ORDER BY coalesce(b.window_start, b.arrived_at), b.id
"""
_METRICS = """
SELECT v.*, b.window_start FROM metric_current v JOIN batches b ON b.id = v.batch_id
WHERE v.batch_id IN (SELECT value FROM json_each(?)) ORDER BY v.metric, b.window_start, v.id
"""
_BEFORE = """
SELECT b.id FROM batches b
WHERE b.model_id = ? AND b.role = 'serving' AND coalesce(b.window_end, b.arrived_at) <= ?
ORDER BY coalesce(b.window_end, b.arrived_at) DESC, b.id DESC LIMIT 1
"""
_FINDINGS = """
SELECT f.alert_id, r.* FROM alert_findings f JOIN check_results r ON r.id = f.result_id
WHERE f.alert_id IN (SELECT value FROM json_each(?)) ORDER BY r.id
"""
_FINDING = "SELECT NULL AS alert_id, r.* FROM check_results r WHERE r.id = ?"
_ON_COLUMNS = """
SELECT NULL AS alert_id, r.* FROM (
    SELECT r.* FROM check_results r JOIN batches b ON b.id = r.batch_id
    WHERE b.model_id = :model AND r.status = 'fail' AND r.evidence_json IS NOT NULL ORDER BY r.id DESC LIMIT :limit
) r WHERE EXISTS (SELECT 1 FROM json_each(:columns) c
                  WHERE c.value = r.column_name OR instr(r.evidence_json, '"' || c.value || '"') > 0)
"""
_QUARANTINE = """
SELECT q.text, b.columns_json FROM quarantine q JOIN batches b ON b.id = q.batch_id
WHERE b.model_id = :model AND q.text IS NOT NULL ORDER BY q.id DESC LIMIT :limit
"""
_QUARANTINE_OF = """
SELECT q.text, b.columns_json FROM quarantine q JOIN batches b ON b.id = q.batch_id
WHERE q.text IS NOT NULL AND q.batch_id IN (
    SELECT batch_id FROM alerts WHERE id IN (SELECT value FROM json_each(:alerts))) LIMIT :limit
"""
_PAST = """
SELECT i.id, i.key, i.title, i.detected_at, s.state, s.cause FROM incidents i
JOIN incident_state s ON s.incident_id = i.id
WHERE i.id <> :id AND s.state NOT IN ('duplicate', 'false alarm') AND (i.model_id = :model OR s.cause = :cause)
ORDER BY i.id DESC
"""
_EVERY = """
SELECT i.id, i.key, i.title, i.model_id, i.detected_at, s.state, s.cause FROM incidents i
JOIN incident_state s ON s.incident_id = i.id
WHERE s.state NOT IN ('duplicate', 'false alarm', 'triage', 'open') ORDER BY i.id DESC LIMIT ?
"""
_WORDS = """
SELECT body FROM incident_events WHERE incident_id = ? AND body IS NOT NULL
AND kind IN ('note', 'hypothesis', 'cause', 'action') ORDER BY id LIMIT 50
"""
_SAME_CAUSE = """
SELECT i.key FROM incidents i JOIN incident_state s ON s.incident_id = i.id
WHERE s.cause = :cause AND s.state NOT IN ('duplicate', 'false alarm') AND i.id <= :id ORDER BY i.id
"""
_CAUSES = """
SELECT cause, count(*) AS incidents FROM incident_state
WHERE cause IS NOT NULL AND state NOT IN ('duplicate', 'false alarm') GROUP BY cause ORDER BY incidents DESC, cause
"""
_ACKNOWLEDGED = """
SELECT e.id, e.at FROM alert_events e
WHERE e.kind = 'acknowledge' AND e.alert_id IN (SELECT value FROM json_each(?)) ORDER BY e.at, e.id LIMIT 1
"""
_VERIFIED = """
SELECT r.id, r.kind, r.from_version, r.to_version FROM rollbacks r JOIN rollback_state s ON s.rollback_id = r.id
WHERE r.incident_id = ? AND s.state = 'verified' AND r.kind <> 'undo' ORDER BY r.id
"""
_ROLLBACK = "SELECT id, incident_id, kind, undo_of FROM rollbacks WHERE id = ?"
REFERENCES = {
    "alerts": "SELECT 1 FROM alerts WHERE id = ?",
    "batches": "SELECT 1 FROM batches WHERE id = ?",
    "changes": "SELECT 1 FROM changes WHERE id = ?",
    "check_results": "SELECT 1 FROM check_results WHERE id = ?",
    "deployments": "SELECT 1 FROM deployments WHERE id = ?",
    "incident_events": "SELECT 1 FROM incident_events WHERE id = ?",
    "metric_values": "SELECT 1 FROM metric_values WHERE id = ?",
    "quarantine": "SELECT 1 FROM quarantine WHERE id = ?",
    "rollbacks": "SELECT 1 FROM rollbacks WHERE id = ?",
    "versions": "SELECT 1 FROM versions WHERE id = ?",
}
"""Tables that evidence may point at."""


def linked_alerts(db: sqlite3.Connection, incident_id: int) -> list[LinkedAlert]:
    """The alerts of an incident, oldest first."""
    return [_alert(row) for row in db.execute(_LINKED, {"incident": incident_id})]


def alerts_by_id(db: sqlite3.Connection, ids: Iterable[int]) -> list[tuple[LinkedAlert, int | None]]:
    """Those alerts that exist, oldest first, each with the id of the incident it is part of."""
    rows = db.execute(_BY_IDS, (json.dumps(list(ids)),))
    return [(_alert(row), row["incident_id"]) for row in rows]


def batches_between(
    db: sqlite3.Connection, model_id: int, start: datetime, end: datetime, alerts: Iterable[int]
) -> list[WindowBatch]:
    """Serving batches whose window meets ``[start, end)``; a batch without a window counts by its arrival."""
    bound = {"model": model_id, "start": to_text(start), "end": to_text(end), "alerts": json.dumps(list(alerts))}
    return [
        WindowBatch(
            id=row["id"],
            rows=row["rows"],
            version=row["version"],
            stage=row["stage"],
            window_start=from_text_or_none(row["window_start"]),
            window_end=from_text_or_none(row["window_end"]),
            findings=row["findings"],
            concerned=bool(row["alerted"] or row["findings"]),
        )
        for row in db.execute(_BATCHES, bound)
    ]


def batch_before(db: sqlite3.Connection, model_id: int, moment: datetime) -> int | None:
    """The last serving batch that ended before ``moment``."""
    row = db.execute(_BEFORE, (model_id, to_text(moment))).fetchone()
    return None if row is None else int(row["id"])


def metrics_of(db: sqlite3.Connection, batches: Iterable[int]) -> list[MetricReading]:
    """Metrics of those batches as computed last, by metric and time."""
    return [
        MetricReading(
            id=row["id"],
            batch_id=row["batch_id"],
            metric=row["metric"],
            version=row["version"],
            value=row["value"],
            low=row["low"],
            high=row["high"],
            n=row["n"],
            note=row["note"],
            window_start=from_text_or_none(row["window_start"]),
        )
        for row in db.execute(_METRICS, (json.dumps(list(batches)),))
    ]


def findings_of(db: sqlite3.Connection, alerts: Iterable[int]) -> list[FindingRow]:
    """The findings that those alerts rest on."""
    return [_finding(row) for row in db.execute(_FINDINGS, (json.dumps(list(alerts)),))]


def finding(db: sqlite3.Connection, result_id: int) -> FindingRow | None:
    """One finding, None when there is none of that id."""
    row = db.execute(_FINDING, (result_id,)).fetchone()
    return None if row is None else _finding(row)


def findings_on(db: sqlite3.Connection, model_id: int, columns: Iterable[str], limit: int) -> list[FindingRow]:
    """Those of the latest ``limit`` findings whose evidence is on, or names, one of those columns."""
    bound = {"model": model_id, "columns": json.dumps(list(columns)), "limit": limit}
    return [_finding(row) for row in db.execute(_ON_COLUMNS, bound)]


def quarantined_lines(
    db: sqlite3.Connection, model_id: int, alerts: Iterable[int], limit: int
) -> list[tuple[str, tuple[str, ...]]]:
    """The latest quarantined lines of the model and those in the batches of ``alerts``, with their log's columns.

    They are never shown: their values are read to be masked elsewhere.
    """
    bound = {"model": model_id, "alerts": json.dumps(list(alerts)), "limit": limit}
    rows = [*db.execute(_QUARANTINE, bound), *db.execute(_QUARANTINE_OF, bound)]
    return [(row["text"], _names(row["columns_json"])) for row in rows]


def past_incidents(db: sqlite3.Connection, incident_id: int, model_id: int | None, cause: str | None) -> list[Any]:
    """Other incidents of the model or of the same cause, newest first: id, key, title, detected_at, state, cause."""
    return db.execute(_PAST, {"id": incident_id, "model": model_id, "cause": cause}).fetchall()


def ended_incidents(db: sqlite3.Connection, limit: int) -> list[Any]:
    """Incidents of every model that were ended, newest first: id, key, title, model_id, detected_at, state, cause."""
    return db.execute(_EVERY, (limit,)).fetchall()


def words_of(db: sqlite3.Connection, incident_id: int) -> list[str]:
    """What people wrote into an incident: notes, hypotheses, causes and actions."""
    return [row["body"] for row in db.execute(_WORDS, (incident_id,))]


def keys_with_cause(db: sqlite3.Connection, cause: str, up_to_id: int) -> list[str]:
    """Incidents of that cause up to and with the one of that id, oldest first."""
    return [row["key"] for row in db.execute(_SAME_CAUSE, {"cause": cause, "id": up_to_id})]


def cause_counts(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """Causes and how many incidents had each, most frequent first."""
    return [(row["cause"], row["incidents"]) for row in db.execute(_CAUSES)]


def first_acknowledged(db: sqlite3.Connection, alerts: Iterable[int]) -> list[tuple[datetime, str]]:
    """When the first of those alerts was acknowledged, and the row that says so; empty while none was."""
    rows = db.execute(_ACKNOWLEDGED, (json.dumps(list(alerts)),))
    return [(from_text(row["at"]), f"alert_events:{row['id']}") for row in rows]


def verified_rollbacks(db: sqlite3.Connection, incident_id: int) -> list[tuple[int, str]]:
    """Rollbacks of an incident that were verified and not undone: id and what they did."""
    return [
        (row["id"], f"{row['kind']} {row['from_version'] or '?'} -> {row['to_version']}")
        for row in db.execute(_VERIFIED, (incident_id,))
    ]


def rollback(db: sqlite3.Connection, rollback_id: int) -> sqlite3.Row | None:
    """Id, incident_id, kind and undo_of of a rollback, None when there is none of that id."""
    row: sqlite3.Row | None = db.execute(_ROLLBACK, (rollback_id,)).fetchone()
    return row


def exists(db: sqlite3.Connection, table: str, row_id: int) -> bool:
    """Whether evidence may point there; ``table`` is one of :data:`REFERENCES`."""
    return db.execute(REFERENCES[table], (row_id,)).fetchone() is not None


def _names(columns_json: str) -> tuple[str, ...]:
    """Column names of a batch, however the pairs of name and kind were written."""
    parsed = json.loads(columns_json)
    if isinstance(parsed, dict):
        return tuple(str(name) for name in parsed)
    if not isinstance(parsed, list):
        return ()
    return tuple(str(c.get("name")) if isinstance(c, dict) else str(c[0] if isinstance(c, list) else c) for c in parsed)


def _alert(row: sqlite3.Row) -> LinkedAlert:
    return LinkedAlert(
        id=row["id"],
        model_id=row["model_id"],
        batch_id=row["batch_id"],
        tier=row["tier"],
        error_class=row["class"],
        cause=row["cause"],
        title=row["title"],
        columns=tuple(str(c) for c in json.loads(row["columns_json"])),
        score=row["score"],
        window_start=from_text_or_none(row["window_start"]),
        window_end=from_text_or_none(row["window_end"]),
        fired_at=from_text(row["fired_at"]),
        state=row["state"],
        verdict=row["verdict"],
    )


def _finding(row: sqlite3.Row) -> FindingRow:
    return FindingRow(
        id=row["id"],
        alert_id=row["alert_id"],
        batch_id=row["batch_id"],
        check=row["check_name"],
        column=row["column_name"],
        slice=row["slice"],
        tier=row["tier"],
        value=row["value"],
        threshold=row["threshold"],
        message=row["message"],
        evidence=json.loads(row["evidence_json"]) if row["evidence_json"] else None,
        at=from_text(row["at"]),
    )
