"""Promotions that act on the world: what was to be done, and the journal of its states."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import RefusedError
from storage.records.promotions import Promotion, PromotionState
from storage.records.rollbacks import ActuatorPlan

OPEN: tuple[PromotionState, ...] = ("started", "actuated", "unknown")
"""States that somebody still has to end."""

_INSERT = """
INSERT INTO promotions(model_id, rollout_id, plan_json, reason, override, idempotency_key, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_EVENT = "INSERT INTO promotion_events(promotion_id, state, detail_json, by, at) VALUES (?, ?, ?, ?, ?)"
_SELECT = """
SELECT p.*, e.state, e.at AS state_at, e.detail_json
FROM promotions p JOIN promotion_events e
  ON e.id = (SELECT max(id) FROM promotion_events WHERE promotion_id = p.id)
"""
_BY_ID = _SELECT + "WHERE p.id = ?"
_BY_KEY = _SELECT + "WHERE p.idempotency_key = ?"
_OPEN = _SELECT + "WHERE e.state IN ('started', 'actuated', 'unknown') AND (:model IS NULL OR p.model_id = :model)"
_OF_ROLLOUT = _SELECT + "WHERE p.rollout_id = ? ORDER BY p.id"


def start(db: sqlite3.Connection, planned: Promotion, *, key: str, detail: Mapping[str, Any]) -> int:
    """Append a promotion in state ``started`` before anything is done; its id. Id and state of ``planned`` are ignored.

    Raises:
        RefusedError: another promotion of the model is in flight, or this one was begun already.
    """
    body = {
        name: getattr(planned, name)
        for name in (
            "version", "from_version", "from_stage", "to_stage", "traffic", "model_sha256", "settle_seconds",
            "timeout_seconds", "outcome", "dry_run", "document", "last_look_id", "mark",
        )
    }  # fmt: skip
    body["actuation"] = dataclasses.asdict(planned.actuation)
    body["decided_at"] = None if planned.decided_at is None else to_text(planned.decided_at)
    values = (
        planned.model_id, planned.rollout_id, json.dumps(body, sort_keys=True, ensure_ascii=False), planned.reason,
        planned.override, key, planned.by, to_text(planned.at),
    )  # fmt: skip
    with transaction(db):
        try:
            promotion_id = int(db.execute(_INSERT, values).lastrowid or 0)
        except sqlite3.IntegrityError as error:
            if "in flight" in str(error):
                raise RefusedError(str(error), "wait for it, or see it: midwatch gate MODEL") from error
            if "UNIQUE" in str(error):
                raise RefusedError("this promotion was begun already", "see it: midwatch gate MODEL") from error
            raise
        db.execute(_INSERT_EVENT, (promotion_id, "started", _detail(detail), planned.by, to_text(planned.at)))
    return promotion_id


def append_state(
    db: sqlite3.Connection,
    promotion_id: int,
    state: PromotionState,
    *,
    after: tuple[PromotionState, ...],
    detail: Mapping[str, Any],
    by: str,
    now: datetime,
) -> bool:
    """Append a state if the latest one is among ``after``; False when someone else was faster."""
    with transaction(db):
        if get(db, promotion_id).state not in after:
            return False
        db.execute(_INSERT_EVENT, (promotion_id, state, _detail(detail), by, to_text(now)))
    return True


def get(db: sqlite3.Connection, promotion_id: int) -> Promotion:
    """The promotion of that row id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (promotion_id,)).fetchone()
    if row is None:
        raise KeyError(promotion_id)
    return _promotion(row)


def by_key(db: sqlite3.Connection, key: str) -> Promotion | None:
    """The promotion that carries this idempotency key."""
    row = db.execute(_BY_KEY, (key,)).fetchone()
    return _promotion(row) if row else None


def unfinished(db: sqlite3.Connection, model_id: int | None = None) -> list[Promotion]:
    """Every promotion (of a model) that somebody still has to end."""
    return [_promotion(row) for row in db.execute(_OPEN, {"model": model_id})]


def in_flight(db: sqlite3.Connection, model_id: int) -> Promotion | None:
    """The promotion of a model that is under way (or whose outcome nobody knows), None when none is."""
    return next(iter(unfinished(db, model_id)), None)


def of_rollout(db: sqlite3.Connection, rollout_id: int) -> list[Promotion]:
    """The promotions of a rollout that acted on the world, oldest first."""
    return [_promotion(row) for row in db.execute(_OF_ROLLOUT, (rollout_id,))]


def _detail(detail: Mapping[str, Any]) -> str:
    return json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)


def _promotion(row: sqlite3.Row) -> Promotion:
    body = json.loads(row["plan_json"])
    body["actuation"] = ActuatorPlan(**body["actuation"])
    body["decided_at"] = from_text_or_none(body["decided_at"])
    return Promotion(
        **body,
        id=row["id"],
        model_id=row["model_id"],
        rollout_id=row["rollout_id"],
        reason=row["reason"],
        override=row["override"],
        by=row["by"],
        at=from_text(row["at"]),
        state=row["state"],
        state_at=from_text(row["state_at"]),
        message=json.loads(row["detail_json"]).get("message", ""),
    )
