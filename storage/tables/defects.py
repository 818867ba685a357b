"""Facts that tell of defects and of where they were caught: incidents, gates, evaluations."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from storage.clock import from_text

_INCIDENTS = """
SELECT i.key, i.title, i.model_id, i.detected_at,
       (SELECT b.stage FROM alert_events e JOIN alerts a ON a.id = e.alert_id JOIN batches b ON b.id = a.batch_id
        WHERE e.kind = 'link' AND e.incident_id = i.id ORDER BY e.id LIMIT 1) AS stage
FROM incidents i JOIN incident_state s ON s.incident_id = i.id
WHERE s.state NOT IN ('duplicate', 'false alarm') AND (:model IS NULL OR i.model_id = :model) ORDER BY i.id
"""
# A gate in dry run that nobody followed has caught nothing.
_DECISIONS = """
SELECT d.id, d.rollout_id, d.from_stage, coalesce(d.at, d.recorded_at) AS at, r.model_id, r.version
FROM gate_decisions d JOIN rollouts r ON r.id = d.rollout_id
WHERE d.outcome = 'roll back' AND (d.dry_run = 0 OR d.kind = 'stopped') AND (:model IS NULL OR r.model_id = :model)
ORDER BY d.id
"""


@dataclass(frozen=True, slots=True)
class IncidentFact:
    """An incident that is neither a duplicate nor a false alarm; ``stage`` of the first batch that alarmed."""

    key: str
    title: str
    model_id: int | None
    stage: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class GateFact:
    """A gate that said "roll back" of a version in a stage."""

    rollout_id: int
    model_id: int
    version: str
    stage: str
    at: datetime


def incident_facts(db: sqlite3.Connection, model_id: int | None = None) -> list[IncidentFact]:
    """Every incident that was one."""
    return [
        IncidentFact(r["key"], r["title"], r["model_id"], r["stage"], from_text(r["detected_at"]))
        for r in db.execute(_INCIDENTS, {"model": model_id})
    ]


def gate_facts(db: sqlite3.Connection, model_id: int | None = None) -> list[GateFact]:
    """Every decision of a gate that took a candidate off, or would have to."""
    return [
        GateFact(r["rollout_id"], r["model_id"], r["version"], r["from_stage"], from_text(r["at"]))
        for r in db.execute(_DECISIONS, {"model": model_id})
    ]
