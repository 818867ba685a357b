"""Deployments: which version was live in which stage at any minute."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.records.versions import Action, Deployment

_INSERT = """
INSERT INTO deployments(model_id, version, stage, action, traffic, at, recorded_at, by, source, reason, rollback_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Of two rows of one moment the one recorded later counts: a correction follows what it corrects.
_LIVE_AT = """
SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY stage ORDER BY at DESC, id DESC) AS age
    FROM deployments WHERE model_id = ? AND at <= ?
) WHERE age = 1 AND action <> 'leave' ORDER BY stage
"""
_HISTORY = "SELECT * FROM deployments WHERE model_id = :model AND (:stage IS NULL OR stage = :stage) ORDER BY at, id"
_SEEN = """
SELECT 1 FROM deployments WHERE model_id = ? AND stage = ? AND version = ? AND at = ? AND action = 'observed'
"""
_OBSERVED = """
SELECT * FROM deployments WHERE model_id = ? AND stage = ? AND action = 'observed' ORDER BY at DESC, id DESC LIMIT 1
"""


def append(
    db: sqlite3.Connection,
    model_id: int,
    version: str,
    stage: str,
    action: Action,
    *,
    at: datetime,
    now: datetime,
    by: str,
    source: str,
    traffic: float | None = None,
    reason: str | None = None,
    rollback_id: int | None = None,
) -> int:
    """Append one row and return its id."""
    values = (model_id, version, stage, action, traffic, to_text(at), to_text(now), by, source, reason, rollback_id)
    with transaction(db):
        return int(db.execute(_INSERT, values).lastrowid or 0)


def live_at(db: sqlite3.Connection, model_id: int, at: datetime) -> dict[str, Deployment]:
    """What was live at that moment, by stage; a row of that very moment counts."""
    return {row["stage"]: _deployment(row) for row in db.execute(_LIVE_AT, (model_id, to_text(at)))}


def history(db: sqlite3.Connection, model_id: int, stage: str | None = None) -> list[Deployment]:
    """Every row of a model (of one stage), in order of time."""
    return [_deployment(row) for row in db.execute(_HISTORY, {"model": model_id, "stage": stage})]


def record_observed(
    db: sqlite3.Connection,
    model_id: int,
    version: str,
    stage: str,
    *,
    at: datetime,
    now: datetime,
    by: str = "midwatch",
    source: str = "log",
) -> bool:
    """Record that a log shows ``version`` in ``stage`` at ``at``; False when that was known already.

    A row is appended only where it changes what was live at ``at``, so a log read twice adds nothing. Call it in order
    of time within one log: an observation that merely confirms leaves no row for a later, older one to be weighed by.
    """
    with transaction(db):
        before = live_at(db, model_id, at).get(stage)
        if before is not None and before.version == version:
            return False
        if db.execute(_SEEN, (model_id, stage, version, to_text(at))).fetchone():
            return False
        append(db, model_id, version, stage, "observed", at=at, now=now, by=by, source=source)
    return True


def last_observed(db: sqlite3.Connection, model_id: int, stage: str) -> Deployment | None:
    """The newest row of a stage that came from a log, None when none did."""
    row = db.execute(_OBSERVED, (model_id, stage)).fetchone()
    return _deployment(row) if row else None


def _deployment(row: sqlite3.Row) -> Deployment:
    return Deployment(
        id=row["id"],
        model_id=row["model_id"],
        version=row["version"],
        stage=row["stage"],
        action=row["action"],
        traffic=row["traffic"],
        at=from_text(row["at"]),
        recorded_at=from_text(row["recorded_at"]),
        by=row["by"],
        source=row["source"],
        reason=row["reason"],
        rollback_id=row["rollback_id"],
    )
