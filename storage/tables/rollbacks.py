"""Rollbacks and the journal of their states: every step is committed before the next one is taken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import RefusedError
from storage.records.rollbacks import Rollback, RollbackEvent, RollbackPlan, State, from_json, to_json

_INSERT = """
INSERT INTO rollbacks(model_id, kind, from_version, to_version, stage, actuator, plan_json, preflight_json, reason,
                      confirmed, incident_id, undo_of, idempotency_key, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_EVENT = "INSERT INTO rollback_events(rollback_id, state, detail_json, by, at) VALUES (?, ?, ?, ?, ?)"
_SELECT = """
SELECT r.*, e.state, e.at AS state_at, e.detail_json
FROM rollbacks r JOIN rollback_events e
  ON e.id = (SELECT max(id) FROM rollback_events WHERE rollback_id = r.id)
"""
_BY_ID = _SELECT + "WHERE r.id = ?"
_BY_KEY = _SELECT + "WHERE r.idempotency_key = ?"
_OF_MODEL = _SELECT + "WHERE r.model_id = ? ORDER BY r.id DESC LIMIT ?"
_OPEN = _SELECT + "WHERE e.state IN ('planned', 'started', 'actuated', 'unknown') ORDER BY r.id"
_IN_FLIGHT = _SELECT + "WHERE r.model_id = ? AND e.state IN ('started', 'actuated', 'unknown') ORDER BY r.id"
_UNREAD = _SELECT + "WHERE e.state = 'not verified' AND r.actuator = 'record_only' ORDER BY r.id"
_LEFT = f"SELECT EXISTS ({_OPEN}) OR EXISTS ({_UNREAD})"
_EVENTS = "SELECT * FROM rollback_events WHERE rollback_id = ? ORDER BY id"


def add(
    db: sqlite3.Connection, plan: RollbackPlan, *, reason: str, confirmed: str, key: str, by: str, now: datetime
) -> int:
    """Append the rollback with its plan as shown, in state ``planned``; its id."""
    preflight = json.loads(to_json(plan))["preflight"]
    values = (
        plan.model_id, plan.kind, plan.from_version, plan.to_version, plan.stage,
        plan.actuation.actuator if plan.actuation else "none", to_json(plan), json.dumps(preflight, ensure_ascii=False),
        reason, confirmed, plan.incident_id, plan.undo_of, key, by, to_text(now),
    )  # fmt: skip
    with transaction(db):
        rollback_id = int(db.execute(_INSERT, values).lastrowid or 0)
    return rollback_id


def append_state(
    db: sqlite3.Connection,
    rollback_id: int,
    state: State,
    *,
    after: tuple[State, ...] | None,
    detail: Mapping[str, Any],
    by: str,
    now: datetime,
) -> bool:
    """Append a state if the latest one is among ``after`` (None: whatever it is); False when someone else was faster.

    Raises:
        RefusedError: ``started``, while another rollback of the model is in flight.
    """
    with transaction(db):
        if after is not None and get(db, rollback_id).state not in after:
            return False
        text = json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)
        try:
            db.execute(_INSERT_EVENT, (rollback_id, state, text, by, to_text(now)))
        except sqlite3.IntegrityError as error:
            if "in flight" in str(error) or "started already" in str(error):
                raise RefusedError(
                    str(error), "wait for it, or read its state: midwatch rollback MODEL --dry-run"
                ) from (error)
            raise
    return True


def get(db: sqlite3.Connection, rollback_id: int) -> Rollback:
    """The rollback of that row id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (rollback_id,)).fetchone()
    if row is None:
        raise KeyError(rollback_id)
    return _rollback(row)


def by_key(db: sqlite3.Connection, key: str) -> Rollback | None:
    """The rollback that carries this idempotency key."""
    row = db.execute(_BY_KEY, (key,)).fetchone()
    return _rollback(row) if row else None


def of_model(db: sqlite3.Connection, model_id: int, limit: int = 100) -> list[Rollback]:
    """The latest rollbacks of a model, newest first."""
    return [_rollback(row) for row in db.execute(_OF_MODEL, (model_id, limit))]


def unfinished(db: sqlite3.Connection) -> list[Rollback]:
    """Every rollback that somebody still has to end, oldest first."""
    return [_rollback(row) for row in db.execute(_OPEN)]


def in_flight(db: sqlite3.Connection, model_id: int) -> Rollback | None:
    """The rollback of a model that is under way (or whose outcome nobody knows), None when none is."""
    row = db.execute(_IN_FLIGHT, (model_id,)).fetchone()
    return _rollback(row) if row else None


def unread(db: sqlite3.Connection) -> list[Rollback]:
    """Rollbacks that were only recorded and that no log has confirmed yet."""
    return [_rollback(row) for row in db.execute(_UNREAD)]


def any_left(db: sqlite3.Connection) -> bool:
    """Whether anything is left for recovery to look at, in one query."""
    return bool(db.execute(_LEFT).fetchone()[0])


def events(db: sqlite3.Connection, rollback_id: int) -> list[RollbackEvent]:
    """The states a rollback went through, in order."""
    return [
        RollbackEvent(
            id=row["id"],
            rollback_id=row["rollback_id"],
            state=row["state"],
            detail=json.loads(row["detail_json"]) if row["detail_json"] else {},
            by=row["by"],
            at=from_text(row["at"]),
        )
        for row in db.execute(_EVENTS, (rollback_id,))
    ]


def _rollback(row: sqlite3.Row) -> Rollback:
    detail = json.loads(row["detail_json"]) if row["detail_json"] else {}
    return Rollback(
        id=row["id"],
        model_id=row["model_id"],
        kind=row["kind"],
        from_version=row["from_version"],
        to_version=row["to_version"],
        stage=row["stage"],
        actuator=row["actuator"],
        plan=from_json(row["plan_json"]),
        reason=row["reason"],
        confirmed=row["confirmed"],
        incident_id=row["incident_id"],
        undo_of=row["undo_of"],
        idempotency_key=row["idempotency_key"],
        by=row["by"],
        at=from_text(row["at"]),
        state=row["state"],
        state_at=from_text(row["state_at"]),
        message=detail.get("message", ""),
    )
