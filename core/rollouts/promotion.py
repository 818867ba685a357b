"""Promotion: from a plan that binds what was shown to the next stage, never past one.

The front ends call :func:`plan`, show it, and hand the very same record to :func:`promote`. What the gate says is
worked out once more before anything is written: when it says something else by then, or somebody else was faster,
nothing is done. Rolling back never comes this way and never waits for a gate.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollback.execution import ENTER, YES
from core.rollouts import acting, deciding, entering, opening, queue
from core.rollouts.deciding import Standing
from core.rollouts.planning import looked
from core.rollouts.planning import plan as plan
from storage.actuators.base import Actuator, Clock
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.records.promotions import Promoted, PromotionPlan
from storage.records.rollouts import Rollout
from storage.tables import models, rollouts


def promote(
    db: sqlite3.Connection,
    model: Model,
    shown: PromotionPlan,
    *,
    reason: str = "",
    confirmed: str = YES,
    override: bool = False,
    at: datetime | None = None,
    actor: Actor,
    now: datetime,
    clock: Clock | None = None,
    actuator: Actuator | None = None,
) -> Promoted:
    """Take the candidate into the next stage, as planned.

    Args:
        reason: why; needed where the gate does not say promote.
        confirmed: the version as typed; or ``YES``, or ``ENTER`` where nothing has to be typed.
        override: go past an armed gate that does not say promote; it stays in sight until somebody else reviewed it.
        at: when it happened, for what midwatch only records; ``now`` by default.

    Raises:
        UsageError: a reason is missing, or ``at`` does not fit.
        RefusedError: the gate holds, the plan has expired or is overtaken, or it is not confirmed as it must be.
    """
    permitted(shown, reason=reason, override=override)
    _confirmed(shown, confirmed, now)
    if at is not None and shown.actuation is not None:
        raise UsageError("midwatch acts on the world here: that happens now", "leave --at out")
    seen = _data_version(db)
    found = _still(db, model, shown, now, actuator)
    if found is None:
        opened = opening.open_rollout(db, model, shown.version, actor=actor, now=now, baseline=shown.baseline)
        found, seen = deciding.standing(db, model, opened, now=now), _data_version(db)
    with transaction(db):
        if _data_version(db) != seen and shown.rollout_id is not None:  # somebody wrote between the look and the lock
            found = _still(db, model, shown, now, actuator) or found
        else:
            _unmoved(db, found.rollout)
        step = entering.Step(
            version=shown.version, to_stage=shown.to_stage, traffic=shown.traffic, outcome=shown.outcome,
            dry_run=shown.dry_run, override=override and shown.needs_override, reason=reason.strip() or None,
            by=actor, at=at or now, now=now,
        )  # fmt: skip
        if shown.actuation is None:
            decision, override_id = entering.enter(db, model, found, step)
            told = f"{shown.version} is in {shown.to_stage}; {shown.does}"
            done = Promoted(
                model.name, shown.version, shown.from_stage, shown.to_stage, "recorded", told, decision.id, override_id
            )
        else:
            started = acting.begin(db, model, found, shown, step)
    if shown.actuation is not None:
        done = acting.act(db, model, started, shown.key, actor=actor, clock=clock, actuator=actuator)
    if done.moved and shown.to_stage == model.file.full_stage:
        rebase(db, model, now=now)
    return done


def stop(db: sqlite3.Connection, model: Model, version: str, *, reason: str, actor: Actor, now: datetime) -> Promoted:
    """Take a candidate off: its rollout ends here, whatever the gate says. Records only; your router takes the traffic.

    Raises:
        UsageError: there is no reason.
        RefusedError: no rollout of the version is open, or a promotion of it is under way.
    """
    if not reason.strip():
        raise UsageError("taking a candidate off needs a reason", "say why: --reason TEXT")
    rollout = opening.find(db, model, version)
    if rollout is None or rollout.state != "open":
        told = "was never opened" if rollout is None else f"is {rollout.state}"
        raise RefusedError(
            f"the rollout of {version} {told}: there is nothing to take off", f"midwatch live {model.name}"
        )
    found = deciding.standing(db, model, rollout, now=now)
    with transaction(db):
        now_there = rollouts.get(db, rollout.id)
        if (now_there.state, now_there.stage) != (rollout.state, rollout.stage):
            raise RefusedError(f"{version} moved meanwhile: it is in {now_there.stage}", "look again")
        busy = queue.acting_on(db, rollout)
        if busy is not None:
            raise RefusedError(busy, "wait until it has ended")
        return entering.leave(db, model, found, reason=reason.strip(), actor=actor, now=now)


def rebase(db: sqlite3.Connection, model: Model, *, now: datetime) -> tuple[Rollout, ...]:
    """After another version went live: hold every open rollout against it, and judge each of them anew."""
    for one in rollouts.open_rollouts(db, model.id):
        deciding.gate(db, model, one, now=now)
    return tuple(rollouts.open_rollouts(db, model.id))


def permitted(shown: PromotionPlan, *, reason: str, override: bool) -> None:
    """Refuse a plan that must not be acted on, before anybody is asked to confirm it.

    Raises:
        UsageError: a reason is missing.
        RefusedError: the plan forbids it, or an armed gate does not say promote and nobody overrides it.
    """
    if shown.forbidden:
        raise RefusedError("; ".join(shown.forbidden), "no override helps against that")
    if shown.needs_override and not override:
        raise RefusedError(
            f"the gate behind {shown.from_stage} says {shown.outcome}: {'; '.join(shown.reasons)}",
            "wait, or go past it: --override --reason TEXT (somebody else reviews that)",
        )
    if shown.outcome != "promote" and not reason.strip():
        past = "an override" if shown.needs_override else "going past a gate in dry run"
        raise UsageError(f"{past} needs a reason", "say why: --reason TEXT")


def _confirmed(shown: PromotionPlan, confirmed: str, now: datetime) -> None:
    if now > shown.expires_at or now < shown.made_at:
        raise RefusedError(f"the plan is of {shown.made_at:%H:%M:%SZ} and has expired", "make a new one and look at it")
    if confirmed == ENTER and shown.must_type:
        raise RefusedError(f"this one is confirmed by typing {shown.version}", "nothing was done")
    if confirmed not in (ENTER, YES, shown.version):
        raise RefusedError(f"{confirmed!r} was typed, {shown.version!r} would be promoted", "nothing was done")


def _still(
    db: sqlite3.Connection, model: Model, shown: PromotionPlan, now: datetime, actuator: Actuator | None
) -> Standing | None:
    """What the gate says at this moment, if that is what was shown; None where the plan opens the rollout.

    Raises:
        RefusedError: it says something else, or somebody else moved the candidate.
    """
    if models.get_by_id(db, model.id).sha256 != shown.model_sha256:
        raise RefusedError("the model file changed since the plan was made", "make a new plan")
    there = opening.find(db, model, shown.version)
    there = there if there is not None and there.state == "open" else None
    if (there.id if there else None) != shown.rollout_id or (there.stage if there else None) != shown.from_stage:
        raise RefusedError(_overtaken(db, shown, there), "nothing was done; look again")
    again, found = looked(db, model, shown.version, now, _NOBODY, actuator)
    if again.sha256 != shown.sha256:
        why = "; ".join((*again.forbidden, *again.reasons)) or "the evidence changed"
        told = f"the gate says something else than was shown: {again.outcome} by now ({why})"
        raise RefusedError(told, "nothing was done; look again")
    return found


def _unmoved(db: sqlite3.Connection, rollout: Rollout) -> None:
    there = rollouts.get(db, rollout.id)
    if (there.state, there.stage, there.baseline) != (rollout.state, rollout.stage, rollout.baseline):
        raise RefusedError(f"{rollout.version} is in {there.stage or 'no stage'} by now, {there.state}", "look again")


def _overtaken(db: sqlite3.Connection, shown: PromotionPlan, there: Rollout | None) -> str:
    if there is None:
        return f"the rollout of {shown.version} has ended meanwhile"
    last = next((d for d in reversed(rollouts.decisions(db, there.id)) if d.kind == "promoted"), None)
    who = f": {last.by} promoted it at {last.recorded_at:%H:%M:%SZ}" if last is not None else ""
    return f"{shown.version} is in {there.stage} by now{who}"


def _data_version(db: sqlite3.Connection) -> int:
    """Another number as soon as another connection has written."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])


_NOBODY = Actor("", "")
