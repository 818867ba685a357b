"""Executing a plan: journal first, act, verify; every step is committed before the next one is taken."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.rollback import conclude
from core.rollback.actuation import actuator_of
from core.rollback.conclude import Verdict
from storage import process
from storage.actuators.base import Actuator, Clock, HostClock, NothingDoneError, OutcomeUnknownError
from storage.db import transaction
from storage.errors import ActuatorError, RefusedError, UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.records.rollbacks import Rollback, RollbackPlan, State
from storage.tables import audit, models, rollbacks

YES = "--yes"
"""What a script confirms with; no version can be named so."""

ENTER = "enter"
"""What the sheet confirms with when all is green and nothing has to be typed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollback stands.

    Attributes:
        state: its latest state; "rolled back" may be said of ``verified`` alone.
        message: one sentence: what the world says.
        repeated: this call did nothing, an earlier one with the same idempotency key did it.
    """

    rollback_id: int
    model: str
    from_version: str | None
    to_version: str
    kind: str
    state: State
    message: str
    repeated: bool = False

    @property
    def rolled_back(self) -> bool:
        """Whether the verifier read the target back."""
        return self.state == "verified"


def execute(
    db: sqlite3.Connection,
    plan: RollbackPlan,
    *,
    confirmed: str,
    reason: str,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
    override: str | None = None,
    clock: Clock | None = None,
    actuator: Actuator | None = None,
) -> Outcome:
    """Do what the plan says, once, and say what the world says afterwards.

    Args:
        confirmed: the version as typed; or :data:`ENTER` where nothing has to be typed; or :data:`YES`.
        idempotency_key: the plan's own by default; a second call with it returns the first one's outcome.
        override: why a red preflight is overridden (needed with :data:`YES`; typing the version stands for itself).

    Raises:
        UsageError: there is no reason.
        RefusedError: not confirmed as the plan demands, expired, overtaken, or another rollback is in flight.
    """
    if not reason.strip():
        raise UsageError("a rollback needs a reason", "say why: --reason TEXT")
    key = idempotency_key or plan.key
    earlier = rollbacks.by_key(db, key)
    if earlier is not None:
        return outcome(earlier, repeated=True)
    model = models.get_by_id(db, plan.model_id)
    _allowed(plan, model, confirmed, override, now)
    acting = actuator or actuator_of(db, model, clock)
    try:
        rollback_id = _journal(db, plan, confirmed, reason.strip(), key, override, actor, now)
    except sqlite3.IntegrityError:
        earlier = rollbacks.by_key(db, key)  # the other press was faster between the look and the write
        if earlier is None:
            raise
        return outcome(earlier, repeated=True)
    _start(db, rollback_id, actor, now)
    return _act(db, rollback_id, plan, acting, key, actor, clock or HostClock())


def outcome(rollback: Rollback, *, repeated: bool = False) -> Outcome:
    """How a rollback of the store stands."""
    return Outcome(
        rollback_id=rollback.id,
        model=rollback.plan.model,
        from_version=rollback.from_version,
        to_version=rollback.to_version,
        kind=rollback.kind,
        state=rollback.state,
        message=rollback.message,
        repeated=repeated,
    )


def _allowed(plan: RollbackPlan, model: Model, confirmed: str, override: str | None, now: datetime) -> None:
    """Refuse whatever must not be done with this plan; nothing has been written yet."""
    if plan.forbidden or plan.actuation is None:
        raise RefusedError("; ".join(plan.forbidden) or "there is no actuator", "no override helps against that")
    if now > plan.expires_at or now < plan.made_at - timedelta(seconds=5):
        raise RefusedError(f"the plan is of {plan.made_at:%H:%M:%SZ} and has expired", "make a new one and look at it")
    if model.sha256 != plan.model_sha256:
        raise RefusedError("the model file changed since the plan was made", "make a new plan")
    if confirmed == YES:
        red = [item.message for item in plan.preflight if item.light == "red"]
        if red and not (override or "").strip():
            raise RefusedError(f"preflight is red: {'; '.join(red)}", "mend it, or say why not: --override TEXT")
    elif confirmed == ENTER:
        if plan.must_type:
            raise RefusedError(
                f"this one is confirmed by typing {plan.to_version}", "preflight is not all green, or production"
            )
    elif confirmed != plan.to_version:
        raise RefusedError(f"{confirmed!r} was typed, {plan.to_version!r} would be put in force", "nothing was done")


def _journal(
    db: sqlite3.Connection,
    plan: RollbackPlan,
    confirmed: str,
    reason: str,
    key: str,
    override: str | None,
    actor: Actor,
    now: datetime,
) -> int:
    with transaction(db):
        rollback_id = rollbacks.add(db, plan, reason=reason, confirmed=confirmed, key=key, by=actor.name, now=now)
        detail = {"message": "planned", "process": process.mark(), "override": override}
        rollbacks.append_state(db, rollback_id, "planned", after=None, detail=detail, by=actor.name, now=now)
        audit.record(
            db,
            f"rollback.{plan.kind}",
            actor=actor,
            now=now,
            object_kind="rollback",
            object_id=rollback_id,
            before={"version": plan.from_version},
            after={
                "model": plan.model,
                "version": plan.to_version,
                "reason": reason,
                "confirmed": confirmed,
                "override": override,
                "preflight": plan.light,
                "does": plan.actuation.does if plan.actuation else None,
            },
        )
    return rollback_id


def _start(db: sqlite3.Connection, rollback_id: int, actor: Actor, now: datetime) -> None:
    """The point of no return; the store's trigger lets one rollback of a model through."""
    detail = {"message": "started", "process": process.mark()}
    try:
        if rollbacks.append_state(
            db, rollback_id, "started", after=("planned",), detail=detail, by=actor.name, now=now
        ):
            return
    except RefusedError as error:
        refused = Verdict("failed", f"refused: {error.message}; nothing was done")
        conclude.write(db, rollback_id, refused, actor=actor, now=now, after=("planned",))
        raise
    raise RefusedError("this rollback was ended by another process before it started", "make a new plan")


def _act(
    db: sqlite3.Connection,
    rollback_id: int,
    plan: RollbackPlan,
    actuator: Actuator,
    key: str,
    actor: Actor,
    clock: Clock,
) -> Outcome:
    """Act, and end the rollback whatever happens; only a killed process leaves it to recovery."""
    if plan.actuation is None:
        raise RefusedError("there is no actuator", "make a new plan")
    patience = timedelta(seconds=plan.timeout_seconds)
    said: dict[str, object] = {}
    try:
        try:
            said["actuator"] = actuator.execute(plan.actuation, key)
        except NothingDoneError as error:
            verdict = Verdict("failed", f"nothing was done: {error.message}")
        except OutcomeUnknownError as error:
            said["actuator"] = error.message
            _state(db, rollback_id, "unknown", error.message, actor, clock)
            verdict = conclude.settle(actuator, plan, clock, patience=patience)
        except ActuatorError as error:
            said["actuator"] = error.message
            verdict = _after_failure(error, conclude.settle(actuator, plan, clock, patience=timedelta(0)), plan)
        else:
            _state(db, rollback_id, "actuated", str(said["actuator"]), actor, clock)
            verdict = conclude.settle(actuator, plan, clock, patience=patience)
    except BaseException as error:
        # Interrupted in the middle: nobody knows what the world says. Recovery asks it.
        _state(db, rollback_id, "unknown", f"interrupted: {type(error).__name__}", actor, clock)
        raise
    conclude.write(db, rollback_id, verdict, actor=actor, now=clock.now(), detail=said)
    return outcome(rollbacks.get(db, rollback_id))


def _after_failure(error: ActuatorError, verdict: Verdict, plan: RollbackPlan) -> Verdict:
    """A failed actuator may have acted all the same: the world decides, and the failure is told."""
    if verdict.state == "not verified" and verdict.world in (None, plan.from_version):
        return Verdict("failed", error.message, verdict.world)
    return Verdict(
        verdict.state, f"{verdict.message}; yet the actuator said: {error.message}", verdict.world, verdict.since
    )


def _state(db: sqlite3.Connection, rollback_id: int, state: State, message: str, actor: Actor, clock: Clock) -> None:
    after: tuple[State, ...] = ("started", "actuated")
    rollbacks.append_state(
        db, rollback_id, state, after=after, detail={"message": message}, by=actor.name, now=clock.now()
    )
