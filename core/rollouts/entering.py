"""Entering the next stage and leaving for good: what is written down with it, all in the caller's one transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core import versions
from core.rollouts import documents
from core.rollouts.deciding import Standing
from storage.clock import to_text
from storage.errors import UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.records.promotions import Promoted
from storage.records.rollouts import Decision, Outcome, Rollout
from storage.tables import audit, deployments, gates, rollouts

SOURCE = "promotion"
"""What deployments name as their source."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a candidate; ``at`` is when it happened, ``now`` when it is written down."""

    version: str
    to_stage: str
    traffic: float
    outcome: Outcome
    dry_run: bool
    override: bool
    reason: str | None
    by: Actor
    at: datetime
    now: datetime


def decision_of(found: Standing, step: Step) -> str:
    """The document of a promotion: what looks said, every condition as it stood, and what was done."""
    act = {"kind": "promoted", "to": step.to_stage, "outcome": step.outcome, "override": step.override}
    verdict = found.by_looks if found.rule is not None else None
    return documents.decision_document(
        found.rollout, found.rollout.stage, verdict, found.looks, conditions=found.verdict.conditions, act=act
    )


def enter(
    db: sqlite3.Connection, model: Model, found: Standing, step: Step, written: tuple[str, int] | None = None
) -> tuple[Decision, int | None]:
    """Write down the decision, the step and where the version is live now; the decision, and the override it leaves.

    Args:
        written: the decision's document and its last look, where it was made earlier than now.

    Raises:
        UsageError: ``at`` is still to come, or lies before the candidate entered the stage that it leaves.
    """
    rollout = found.rollout
    if rollout.entered_at is not None and step.at < rollout.entered_at:
        entered = to_text(rollout.entered_at)
        raise UsageError(f"{step.version} entered {rollout.stage} at {entered}, after {to_text(step.at)}", "mind --at")
    document, last_look_id = written or (decision_of(found, step), found.last_look_id)
    decision = rollouts.add_decision(
        db, rollout.id, "promoted", from_stage=rollout.stage or "", to_stage=step.to_stage, outcome=step.outcome,
        dry_run=step.dry_run, at=found.verdict.at, document=document, by=step.by.name,
        now=step.now,
    )  # fmt: skip
    gates.add_base(db, decision.id, baseline=rollout.baseline, last_look_id=last_look_id)
    override_id = None
    if step.override:
        override_id = gates.add_override(db, decision.id, reason=step.reason or "", by=step.by.name, now=step.now)
    _leaves(db, model, rollout, at=step.at, by=step.by, reason=step.reason, now=step.now)
    versions.deploy(
        db, model, step.version, step.to_stage, traffic=step.traffic, at=step.at, reason=step.reason, actor=step.by,
        now=step.now, source=SOURCE,
    )  # fmt: skip
    rollouts.add_event(
        db, rollout.id, "entered", stage=step.to_stage, reason=step.reason, decision_id=decision.id, by=step.by.name,
        now=step.at,
    )  # fmt: skip
    if rollout.rule.after(step.to_stage) is None:
        rollouts.add_event(db, rollout.id, "done", stage=step.to_stage, by=step.by.name, now=step.at)
    audit.record(
        db, "rollout.promote", actor=step.by, now=step.now, object_kind="rollout", object_id=rollout.id,
        before={"stage": rollout.stage},
        after={"model": model.name, "version": step.version, "stage": step.to_stage, "outcome": step.outcome,
               "dry_run": step.dry_run, "override": override_id, "reason": step.reason, "decision": decision.sha256},
    )  # fmt: skip
    return decision, override_id


def leave(
    db: sqlite3.Connection, model: Model, found: Standing, *, reason: str, actor: Actor, now: datetime
) -> Promoted:
    """End a rollout before its last stage: a decision, a step, and the version is live there no more."""
    rollout, outcome = found.rollout, found.verdict.outcome
    act = {"kind": "stopped", "outcome": outcome}
    document = documents.decision_document(
        rollout, rollout.stage, found.by_looks if found.rule is not None else None, found.looks,
        conditions=found.verdict.conditions, act=act,
    )  # fmt: skip
    decision = rollouts.add_decision(
        db, rollout.id, "stopped", from_stage=rollout.stage or "", to_stage=None, outcome=outcome,
        dry_run=found.dry_run, at=found.verdict.at, document=document, by=actor.name, now=now,
    )  # fmt: skip
    gates.add_base(db, decision.id, baseline=rollout.baseline, last_look_id=found.last_look_id)
    left = _leaves(db, model, rollout, at=now, by=actor, reason=reason, now=now)
    kind: rollouts.EventKind = "rolled back" if outcome == "roll back" else "stopped"
    rollouts.add_event(db, rollout.id, kind, reason=reason, decision_id=decision.id, by=actor.name, now=now)
    audit.record(
        db, "rollout.stop", actor=actor, now=now, object_kind="rollout", object_id=rollout.id,
        before={"stage": rollout.stage},
        after={"model": model.name, "version": rollout.version, "outcome": outcome, "reason": reason,
               "decision": decision.sha256},
    )  # fmt: skip
    where = f"{rollout.version} left {rollout.stage}" if left else f"{rollout.version} was live nowhere"
    told = f"{where}; its rollout is {kind}. midwatch only records it: your router takes the traffic off"
    return Promoted(model.name, rollout.version, rollout.stage, None, "stopped", told, decision.id)


def _leaves(
    db: sqlite3.Connection,
    model: Model,
    rollout: Rollout,
    *,
    at: datetime,
    by: Actor,
    reason: str | None,
    now: datetime,
) -> bool:
    """Record that the version left the stage where it was, if it is the one that is live there."""
    live = deployments.live_at(db, model.id, at).get(rollout.stage or "")
    if live is None or live.version != rollout.version:
        return False
    deployments.append(
        db, model.id, rollout.version, live.stage, "leave", at=at, now=now, by=by.name, source=SOURCE, reason=reason
    )
    return True
