"""Rollouts, where they stand, and what their gates said; looks are in :mod:`storage.tables.looks`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import RefusedError
from storage.records.rollouts import Decision, Outcome, Rollout, RolloutRule
from storage.records.rule_documents import read_rule, rule_document, sha256_of
from storage.tables.looks import add_looks as add_looks
from storage.tables.looks import looks as looks

EventKind = Literal["entered", "rebased", "stopped", "done", "rolled back"]

_SELECT = """
SELECT r.*, m.name AS model, s.baseline AS baseline_now, s.stage, s.state, s.entered_at
FROM rollouts r JOIN models m ON m.id = r.model_id JOIN rollout_state s ON s.rollout_id = r.id
"""
_BY_ID = _SELECT + "WHERE r.id = ?"
_LATEST = _SELECT + "WHERE r.model_id = ? AND r.version = ? ORDER BY r.id DESC LIMIT 1"
_LIST = (
    _SELECT + "WHERE (:model IS NULL OR r.model_id = :model) AND (:ended OR s.state = 'open') "
    "ORDER BY s.state <> 'open', r.model_id, r.id DESC LIMIT :limit"
)
_INSERT = """
INSERT INTO rollouts(model_id, version, baseline, rule_json, rule_sha, opened_by, opened_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_EVENT = """
INSERT INTO rollout_events(rollout_id, kind, stage, baseline, reason, decision_id, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_EVENTS = "SELECT * FROM rollout_events WHERE rollout_id = ? ORDER BY id"
_INSERT_DECISION = """
INSERT INTO gate_decisions(rollout_id, kind, from_stage, to_stage, outcome, dry_run, at, document, sha256, by,
                           recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_DECISIONS = """
SELECT * FROM gate_decisions
WHERE rollout_id = :rollout AND (:stage IS NULL OR from_stage = :stage) AND (:kind IS NULL OR kind = :kind)
ORDER BY id
"""
_DECISION = "SELECT * FROM gate_decisions WHERE id = ?"


@dataclass(frozen=True, slots=True)
class RolloutEvent:
    """One step of a rollout: it entered a stage, got another baseline, was stopped, was done or was rolled back."""

    id: int
    rollout_id: int
    kind: EventKind
    stage: str | None
    baseline: str | None
    reason: str | None
    decision_id: int | None
    by: str
    at: datetime


def insert(
    db: sqlite3.Connection, model_id: int, version: str, baseline: str, rule: RolloutRule, *, by: str, now: datetime
) -> int:
    """Open a rollout and return its id.

    Raises:
        RefusedError: one of this version is open already.
    """
    document = rule_document(rule)
    values = (model_id, version, baseline, document, sha256_of(document), by, to_text(now))
    with transaction(db):
        try:
            return int(db.execute(_INSERT, values).lastrowid or 0)
        except sqlite3.IntegrityError as error:
            if "open already" not in str(error):
                raise
            raise RefusedError(f"a rollout of {version} is open already", "see it: midwatch gate MODEL") from error


def get(db: sqlite3.Connection, rollout_id: int) -> Rollout:
    """The rollout of that id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (rollout_id,)).fetchone()
    if row is None:
        raise KeyError(rollout_id)
    return _rollout(row)


def find(db: sqlite3.Connection, model_id: int, version: str) -> Rollout | None:
    """The rollout of a version that is open, else its last one, None when it never had one."""
    row = db.execute(_LATEST, (model_id, version)).fetchone()
    return _rollout(row) if row else None


def open_rollouts(db: sqlite3.Connection, model_id: int | None = None) -> list[Rollout]:
    """Every rollout that has not ended, the newest of a model first."""
    return [_rollout(row) for row in db.execute(_LIST, {"model": model_id, "ended": False, "limit": -1})]


def list_all(db: sqlite3.Connection, model_id: int | None = None, *, limit: int = 200) -> list[Rollout]:
    """Open rollouts, behind them the latest that have ended."""
    return [_rollout(row) for row in db.execute(_LIST, {"model": model_id, "ended": True, "limit": limit})]


def add_event(
    db: sqlite3.Connection,
    rollout_id: int,
    kind: EventKind,
    *,
    stage: str | None = None,
    baseline: str | None = None,
    reason: str | None = None,
    decision_id: int | None = None,
    by: str,
    now: datetime,
) -> int:
    """Append a step and return its id.

    Raises:
        RefusedError: the rollout has ended.
    """
    values = (rollout_id, kind, stage, baseline, reason, decision_id, by, to_text(now))
    with transaction(db):
        try:
            return int(db.execute(_INSERT_EVENT, values).lastrowid or 0)
        except sqlite3.IntegrityError as error:
            if "has ended" not in str(error):
                raise
            raise RefusedError(
                f"rollout {rollout_id} has ended: nothing more happens to it", "open another: midwatch promote MODEL V"
            ) from error


def events(db: sqlite3.Connection, rollout_id: int) -> list[RolloutEvent]:
    """The steps of a rollout, in order."""
    return [
        RolloutEvent(
            row["id"], row["rollout_id"], row["kind"], row["stage"], row["baseline"], row["reason"],
            row["decision_id"], row["by"], from_text(row["at"]),
        )
        for row in db.execute(_EVENTS, (rollout_id,))
    ]  # fmt: skip


def add_decision(
    db: sqlite3.Connection,
    rollout_id: int,
    kind: Literal["looked", "promoted", "stopped"],
    *,
    from_stage: str,
    to_stage: str | None,
    outcome: Outcome,
    dry_run: bool,
    at: datetime | None,
    document: str,
    by: str,
    now: datetime,
) -> Decision:
    """Append what a gate said; the hash is that of ``document``."""
    moment = None if at is None else to_text(at)
    values = (
        rollout_id, kind, from_stage, to_stage, outcome, int(dry_run), moment, document, sha256_of(document), by,
        to_text(now),
    )  # fmt: skip
    with transaction(db):
        decision_id = int(db.execute(_INSERT_DECISION, values).lastrowid or 0)
    return decision(db, decision_id)


def decision(db: sqlite3.Connection, decision_id: int) -> Decision:
    """The decision of that id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_DECISION, (decision_id,)).fetchone()
    if row is None:
        raise KeyError(decision_id)
    return _decision(row)


def decisions(
    db: sqlite3.Connection, rollout_id: int, *, stage: str | None = None, kind: str | None = None
) -> list[Decision]:
    """What the gates of a rollout said, oldest first; of one stage, of one kind."""
    asked = {"rollout": rollout_id, "stage": stage, "kind": kind}
    return [_decision(row) for row in db.execute(_DECISIONS, asked)]


def _rollout(row: sqlite3.Row) -> Rollout:
    return Rollout(
        id=row["id"],
        model_id=row["model_id"],
        model=row["model"],
        version=row["version"],
        baseline=row["baseline_now"],
        rule=read_rule(row["rule_json"]),
        stage=row["stage"],
        state=row["state"],
        opened_by=row["opened_by"],
        opened_at=from_text(row["opened_at"]),
        entered_at=from_text_or_none(row["entered_at"]),
    )


def _decision(row: sqlite3.Row) -> Decision:
    return Decision(
        id=row["id"],
        rollout_id=row["rollout_id"],
        kind=row["kind"],
        from_stage=row["from_stage"],
        to_stage=row["to_stage"],
        outcome=row["outcome"],
        dry_run=bool(row["dry_run"]),
        at=from_text_or_none(row["at"]),
        document=row["document"],
        sha256=row["sha256"],
        by=row["by"],
        recorded_at=from_text(row["recorded_at"]),
    )
