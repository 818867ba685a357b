"""What the program saw and did around an incident, as facts of one shape: alerts, deployments, rollbacks, changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from storage.clock import from_text, to_text
from storage.records.incidents import Fact

# Every part yields: table, row id, moment, kind, who, words, alert id (where that alert's columns may be redacted).
_ALERTS = """
SELECT 'alerts', id, fired_at, 'alert', NULL, tier || ': ' || title, id FROM alerts
WHERE id IN (SELECT value FROM json_each(:alerts))
"""
_ALERT_EVENTS = """
SELECT 'alert_events', e.id, e.at,
       CASE e.kind WHEN 'link' THEN 'link' ELSE 'alert' END, e.by,
       CASE e.kind WHEN 'acknowledge' THEN 'acknowledged' WHEN 'snooze' THEN 'snoozed until ' || e.until_at
                   WHEN 'wake' THEN 'woke' WHEN 'resolve' THEN 'resolved' WHEN 'reopen' THEN 'reopened'
                   ELSE 'linked' END
       || ' alert ' || e.alert_id || coalesce(': ' || e.note, ''), NULL
FROM alert_events e WHERE e.alert_id IN (SELECT value FROM json_each(:alerts))
"""
_FEEDBACK = """
SELECT 'alert_feedback', id, at, 'feedback', by,
       'alert ' || alert_id || ' was called ' || verdict || coalesce(': ' || note, ''), NULL
FROM alert_feedback WHERE alert_id IN (SELECT value FROM json_each(:alerts))
"""
_DEPLOYMENTS = """
SELECT 'deployments', id, at, 'deployment', by,
       version || CASE action WHEN 'enter' THEN ' entered ' WHEN 'leave' THEN ' left ' WHEN 'traffic' THEN ' changed '
                  ELSE ' was observed in ' END || stage
       || coalesce(' with traffic ' || traffic, '') || coalesce(': ' || reason, ''), NULL
FROM deployments WHERE model_id = :model AND at >= :start AND at <= :end
"""
_ROLLBACKS = """
SELECT 'rollbacks', id, at, 'rollback', by,
       kind || ' ' || coalesce(from_version, '?') || ' -> ' || to_version || ' asked for in ' || stage || ': '
       || reason, NULL
FROM rollbacks WHERE incident_id = :incident OR (model_id = :model AND at >= :start AND at <= :end)
"""
_ROLLBACK_EVENTS = """
SELECT 'rollback_events', e.id, e.at, 'rollback', e.by, r.kind || ' ' || r.id || ' is ' || e.state, NULL
FROM rollback_events e JOIN rollbacks r ON r.id = e.rollback_id
WHERE r.incident_id = :incident OR (r.model_id = :model AND r.at >= :start AND r.at <= :end)
"""
_CHANGES = """
SELECT 'changes', id, at, 'change', by,
       layer || ' ' || kind || ' ' || subject
       || CASE WHEN before IS NULL AND after IS NULL THEN ''
               ELSE ': ' || coalesce(before, '-') || ' -> ' || coalesce(after, '-') END
       || CASE WHEN reviewed_by IS NULL AND source <> 'midwatch' THEN ' (not reviewed)' ELSE '' END, NULL
FROM changes WHERE (model_id = :model OR model_id IS NULL) AND at >= :start AND at <= :end
  AND NOT (source = 'midwatch' AND source_ref GLOB 'rollback:*')
"""
_SILENCES = """
SELECT 'silences', id, at, 'silence', by,
       'silenced ' || coalesce(check_name, 'every check') || coalesce(' on ' || column_name, '') || ' until ' || ends_at
       || ': ' || reason, NULL
FROM silences WHERE (model_id = :model OR model_id IS NULL) AND at >= :start AND at <= :end
"""
_PARTS = (_ALERTS, _ALERT_EVENTS, _FEEDBACK, _DEPLOYMENTS, _ROLLBACKS, _ROLLBACK_EVENTS, _CHANGES, _SILENCES)


def around(
    db: sqlite3.Connection,
    *,
    incident_id: int,
    model_id: int | None,
    start: datetime,
    end: datetime,
    alerts: Iterable[int],
) -> list[Fact]:
    """Facts of the linked alerts, whenever they happened, and of the model in ``[start, end]``; in no order."""
    bound = {
        "incident": incident_id,
        "model": model_id,
        "start": to_text(start),
        "end": to_text(end),
        "alerts": json.dumps(list(alerts)),
    }
    return [
        Fact(table=row[0], id=row[1], at=from_text(row[2]), kind=row[3], who=row[4], text=row[5], alert_id=row[6])
        for part in _PARTS
        for row in db.execute(part, bound)
    ]
