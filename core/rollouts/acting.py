"""Promotion into the last stage, made true in the world: journal first, act, read back, then write it down.

The same primitives as a rollback's (:mod:`core.rollback`): desired state only, compare before swap, a timeout is not a
failure, the world decides. The candidate counts as promoted only once the world was read back. After a ``kill -9`` the
next start finds the promotion in its journal and asks the verifier.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from core.rollback import conclude
from core.rollback.actuation import actuator_of, model_with
from core.rollback.conclude import Verdict
from core.rollouts import deciding, entering
from core.rollouts.deciding import Standing
from core.rollouts.entering import Step
from storage import process
from storage.actuators.base import Actuator, Clock, HostClock, NothingDoneError, OutcomeUnknownError
from storage.db import transaction
from storage.errors import ActuatorError
from storage.host import Actor
from storage.records.models import Model
from storage.records.promotions import Promoted, Promotion, PromotionPlan, PromotionState
from storage.tables import audit, models, promotions, rollouts

STRANGER = timedelta(seconds=60)
"""On top of its own time limits: how long a process that can't be looked at is left alone."""


def begin(db: sqlite3.Connection, model: Model, found: Standing, shown: PromotionPlan, step: Step) -> Promotion:
    """Write the journal's first line, before anything is done; inside the caller's transaction.

    Raises:
        RefusedError: another promotion of the model is in flight, or this plan was acted on already.
    """
    assert shown.actuation is not None  # noqa: S101 - promote() says so
    planned = Promotion(
        id=0,
        model_id=model.id,
        rollout_id=found.rollout.id,
        version=shown.version,
        from_version=shown.actuation.current,
        from_stage=found.rollout.stage or "",
        to_stage=shown.to_stage,
        traffic=shown.traffic,
        model_sha256=shown.model_sha256,
        actuation=shown.actuation,
        settle_seconds=shown.settle_seconds,
        timeout_seconds=shown.timeout_seconds,
        outcome=shown.outcome,
        dry_run=shown.dry_run,
        decided_at=found.verdict.at,
        document=entering.decision_of(found, step),
        last_look_id=found.last_look_id,
        reason=step.reason or "",
        override=step.reason if step.override else None,
        by=step.by.name,
        at=step.now,
        mark=process.mark(),
        state="started",
        state_at=step.now,
        message="started",
    )
    promotion_id = promotions.start(db, planned, key=shown.key, detail={"message": "started"})
    audit.record(
        db, "promotion.start", actor=step.by, now=step.now, object_kind="promotion", object_id=promotion_id,
        before={"version": planned.from_version},
        after={"model": model.name, "version": shown.version, "stage": shown.to_stage, "reason": step.reason,
               "override": step.override, "does": shown.actuation.does},
    )  # fmt: skip
    return promotions.get(db, promotion_id)


def act(
    db: sqlite3.Connection,
    model: Model,
    started: Promotion,
    key: str,
    *,
    actor: Actor,
    clock: Clock | None = None,
    actuator: Actuator | None = None,
) -> Promoted:
    """Act, read the world back, and end the promotion whatever happens; only a killed process leaves it open."""
    moment = clock or HostClock()
    acting = actuator or actuator_of(db, model, moment)
    patience = timedelta(seconds=started.timeout_seconds)
    try:
        try:
            said = acting.execute(started.actuation, key)
        except NothingDoneError as error:
            verdict = Verdict("failed", f"nothing was done: {error.message}")
        except OutcomeUnknownError as error:
            _state(db, started, "unknown", error.message, actor, moment)
            verdict = conclude.settle(acting, started, moment, patience=patience)
        except ActuatorError as error:
            verdict = _after_failure(error, conclude.settle(acting, started, moment, patience=timedelta(0)), started)
        else:
            _state(db, started, "actuated", said, actor, moment)
            verdict = conclude.settle(acting, started, moment, patience=patience)
    except BaseException as error:
        # Interrupted in the middle: nobody knows what the world says. Recovery asks it.
        _state(db, started, "unknown", f"interrupted: {type(error).__name__}", actor, moment)
        raise
    return end(db, model, started.id, verdict, actor=actor, now=moment.now())


def recover(
    db: sqlite3.Connection,
    *,
    now: datetime,
    actor: Actor,
    clock: Clock | None = None,
    actuator: Actuator | None = None,
) -> list[Promoted]:
    """End every promotion whose process died, as the world says; those of living processes are left alone."""
    moment, ended = clock or HostClock(), []
    for found in promotions.unfinished(db):
        if not _abandoned(found, now):
            continue
        late = found.state_at + timedelta(seconds=found.timeout_seconds) - now
        patience = timedelta(0) if found.actuation.actuator == "pointer_file" else max(timedelta(0), late)
        try:
            then = model_with(db, found.model_id, found.model_sha256)
            verdict = conclude.settle(actuator or actuator_of(db, then, moment), found, moment, patience=patience)
        except ActuatorError as error:
            verdict = Verdict("unknown", f"the world can't be read: {error.message}")
        if verdict.state == "not verified" and verdict.world == found.from_version:
            verdict = Verdict("failed", f"its process ended before it acted: {verdict.message}", verdict.world)
        if verdict.state == "unknown" and found.state == "unknown":
            continue
        model = models.get_by_id(db, found.model_id)
        ended.append(end(db, model, found.id, verdict, actor=actor, now=now, after=(found.state,)))
    return ended


def end(
    db: sqlite3.Connection,
    model: Model,
    promotion_id: int,
    verdict: Verdict,
    *,
    actor: Actor,
    now: datetime,
    after: tuple[PromotionState, ...] = promotions.OPEN,
) -> Promoted:
    """Append the end, and with ``verified`` the step into the stage, in one transaction."""
    begun = promotions.get(db, promotion_id)
    state: PromotionState = verdict.state if verdict.state in _ENDS else "unknown"  # type: ignore[assignment]
    decision_id: int | None = None
    override_id: int | None = None
    with transaction(db):
        detail = {"message": verdict.message, "world": verdict.world}
        if not promotions.append_state(db, promotion_id, state, after=after, detail=detail, by=actor.name, now=now):
            return _told(db, model, promotion_id)
        if state == "verified":
            decision_id, override_id = _enter(db, model, begun, actor, verdict.since or now, now)
        audit.record(
            db, f"promotion.{state.replace(' ', '_')}", actor=actor, now=now, object_kind="promotion",
            object_id=promotion_id, before={"state": begun.state}, after={"state": state, **detail},
        )  # fmt: skip
    return _told(db, model, promotion_id, decision_id, override_id)


_ENDS = ("verified", "failed", "unknown", "not verified")


def _enter(
    db: sqlite3.Connection, model: Model, begun: Promotion, actor: Actor, since: datetime, now: datetime
) -> tuple[int | None, int | None]:
    """The step, with the decision as it was when the person acted; nothing where the rollout was ended meanwhile."""
    rollout = rollouts.get(db, begun.rollout_id)
    if rollout.state != "open" or (rollout.stage or "") != begun.from_stage:
        return None, None
    at = max(min(since, now), rollout.entered_at or since)
    step = Step(
        version=begun.version, to_stage=begun.to_stage, traffic=begun.traffic, outcome=begun.outcome,
        dry_run=begun.dry_run, override=begun.override is not None, reason=begun.reason or None,
        by=Actor(begun.by, actor.host, actor.tty, actor.ssh_client), at=at, now=max(now, at),
    )  # fmt: skip
    found = deciding.standing(db, model, rollout, now=now)
    decision, override_id = entering.enter(db, model, found, step, (begun.document, begun.last_look_id))
    return decision.id, override_id


def _told(
    db: sqlite3.Connection,
    model: Model,
    promotion_id: int,
    decision_id: int | None = None,
    override_id: int | None = None,
) -> Promoted:
    found = promotions.get(db, promotion_id)
    return Promoted(
        model.name, found.version, found.from_stage or None, found.to_stage, found.state, found.message, decision_id,
        override_id,
    )  # fmt: skip


def _abandoned(found: Promotion, now: datetime) -> bool:
    """Whether nobody works on it any more: its process ended, or has had more time than all its limits together."""
    limits = timedelta(seconds=4 * found.timeout_seconds + found.settle_seconds)
    if now - found.state_at > limits + STRANGER:
        return True
    living = process.alive(found.mark)
    if found.state == "unknown" and living:
        return now - found.state_at > limits
    return living is False


def _after_failure(error: ActuatorError, verdict: Verdict, begun: Promotion) -> Verdict:
    """A failed actuator may have acted all the same: the world decides, and the failure is told."""
    if verdict.state == "not verified" and verdict.world in (None, begun.from_version):
        return Verdict("failed", error.message, verdict.world)
    told = f"{verdict.message}; yet the actuator said: {error.message}"
    return Verdict(verdict.state, told, verdict.world, verdict.since)


def _state(
    db: sqlite3.Connection, begun: Promotion, state: PromotionState, message: str, actor: Actor, clock: Clock
) -> None:
    promotions.append_state(
        db, begun.id, state, after=("started", "actuated"), detail={"message": message}, by=actor.name,
        now=clock.now(),
    )  # fmt: skip
