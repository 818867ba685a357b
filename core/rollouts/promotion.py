"""Promotion: from a plan that binds what was shown to the next stage, never past one.

The front ends call :func:`plan`, show it, and hand the very same record to :func:`promote`. What the gate says is worked
out once more before anything is written: when it says something else by then, or somebody else was faster, nothing is
done. Rolling back never comes this way and never waits for a gate.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollback.actuation import actuator_of
from core.rollback.execution import ENTER, YES
from core.rollouts import acting, deciding, documents, entering, opening, queue
from core.rollouts.deciding import Standing
from storage.actuators.base import Actuator, Clock, version_name
from storage.clock import to_text
from storage.db import transaction
from storage.errors import ActuatorError, RefusedError, UsageError
from storage.host import Actor
from storage.records.models import Model, Rollback
from storage.records.promotions import LIFE, Promoted, PromotionPlan
from storage.records.rollbacks import ActuatorPlan
from storage.records.rollouts import Outcome, Rollout
from storage.tables import deployments, looks, models, rollouts, versions


def plan(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    *,
    now: datetime,
    actor: Actor,
    actuator: Actuator | None = None,
) -> PromotionPlan:
    """What promoting a version would do next; reads only.

    Args:
        actuator: the model file's own by default; asked only where the next stage is the one that serves everybody.

    Raises:
        UsageError: nobody has heard of the version.
        RefusedError: there is no next stage.
    """
    return _looked(db, model, version, now, actor, actuator)[0]


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
    _allowed(shown, reason.strip(), confirmed, override, now)
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


def stop(
    db: sqlite3.Connection, model: Model, version: str, *, reason: str, actor: Actor, now: datetime
) -> Promoted:
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
        raise RefusedError(f"the rollout of {version} {told}: there is nothing to take off", f"midwatch live {model.name}")
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


def _looked(
    db: sqlite3.Connection, model: Model, version: str, now: datetime, actor: Actor, actuator: Actuator | None
) -> tuple[PromotionPlan, Standing | None]:
    """The plan, and what the gate says; None where the plan opens the rollout."""
    version_name(version)
    rollout = opening.find(db, model, version)
    if rollout is not None and rollout.state != "open":
        rollout = None
    found = deciding.standing(db, model, rollout, now=now) if rollout is not None else None
    if rollout is not None and rollout.stage:
        ahead = rollout.rule.after(rollout.stage)
        if ahead is None:
            told = f"{version} is in {rollout.stage}, behind which there is no stage"
            raise RefusedError(told, f"its rollout ends: midwatch promote {model.name} {version} --stop")
        to_stage, traffic, kind = ahead.stage, ahead.traffic, ahead.kind
    else:
        first = model.file.stages[0]
        to_stage, traffic, kind = first.name, first.traffic, first.kind
    baseline, forbidden = (rollout.baseline, []) if rollout else _control(db, model, version, now)
    forbidden += [one.text for one in queue.free(db, model, rollout, to_stage, kind)]
    if found is not None:
        forbidden += _forbidden(found, now)
    actuation: ActuatorPlan | None = None
    if to_stage == model.file.full_stage and _acts(model):
        try:
            actuation = (actuator or actuator_of(db, model)).plan(version)
        except ActuatorError as error:
            forbidden.append(f"the actuator can't be asked: {error}")
    shown = _assembled(model, version, found, baseline, to_stage, traffic, tuple(forbidden), actuation, now, actor)
    return shown, found


def _control(db: sqlite3.Connection, model: Model, version: str, now: datetime) -> tuple[str | None, list[str]]:
    """What a new candidate is held against: the version that is live in the last stage; and why it can't be opened.

    Raises:
        UsageError: nobody registered the version, and no log or deployment has shown it.
    """
    seen = any(one.version == version for one in deployments.history(db, model.id))
    seen = seen or any(arm.version == version for arms in looks.arms(db, model.id).values() for arm in arms)
    if not seen:
        versions.get(db, model.id, version)
    live = deployments.live_at(db, model.id, now).get(model.file.full_stage)
    if live is None:
        told = f"no version of {model.name} is live in {model.file.full_stage}: there is nothing to hold {version} against"
        return None, [f"{told}; record it: midwatch deploy {model.name} V --stage {model.file.full_stage}"]
    if live.version == version:
        return live.version, [f"{version} is live in {live.stage} already"]
    return live.version, []


def _assembled(
    model: Model,
    version: str,
    found: Standing | None,
    baseline: str | None,
    to_stage: str,
    traffic: float,
    forbidden: tuple[str, ...],
    actuation: ActuatorPlan | None,
    now: datetime,
    actor: Actor,
) -> PromotionPlan:
    spec = model.file.rollback or Rollback()
    rollout = found.rollout if found else None
    outcome: Outcome = found.verdict.outcome if found else "promote"
    reasons: tuple[str, ...] = ()
    if found is not None and outcome != "promote":
        told = tuple(one.text for one in found.verdict.reasons if one.kind != "clear")
        reasons = told or (f"the gate says {outcome}",)
    bound = documents.sha256(
        documents.canonical(
            {
                "gate": found.document if found else None,
                "conditions": [[one.kind, one.met] for one in found.verdict.conditions] if found else [],
                "outcome": outcome,
                "dry_run": found.dry_run if found else False,
                "model": model.sha256,
                "version": version,
                "to": to_stage,
                "traffic": traffic,
                "baseline": baseline,
                "forbidden": list(forbidden),
                "does": actuation.does if actuation else None,
            }
        )
    )
    key = documents.sha256(documents.canonical([bound, to_text(now), actor.name, actor.host, actor.tty]))[:32]
    full = to_stage == model.file.full_stage
    if actuation is not None:
        does = f"{actuation.does}, reads it back for {spec.settle.total_seconds():g} s, then records it"
        undo = f"midwatch rollback {model.name} (or R) puts the former version back"
    else:
        does = "midwatch only records it: your deploy system moves traffic"
        back = f"midwatch rollback {model.name} (or R)" if full else f"midwatch promote {model.name} {version} --stop"
        undo = f"{back} --reason TEXT"
    return PromotionPlan(
        sha256=bound,
        key=key,
        model=model.name,
        model_id=model.id,
        model_sha256=model.sha256,
        version=version,
        baseline=baseline,
        rollout_id=rollout.id if rollout else None,
        from_stage=rollout.stage if rollout else None,
        to_stage=to_stage,
        traffic=traffic,
        production=model.file.production,
        verdict=found.verdict if found and found.rule else None,
        outcome=outcome,
        dry_run=found.dry_run if found else False,
        reasons=reasons,
        forbidden=forbidden,
        actuation=actuation,
        does=does,
        undo_how=undo,
        settle_seconds=spec.settle.total_seconds(),
        timeout_seconds=spec.timeout.total_seconds(),
        made_at=now,
        expires_at=now + LIFE,
    )


def _acts(model: Model) -> bool:
    return model.file.rollback is not None and model.file.rollback.actuator != "record_only"


def _forbidden(found: Standing, now: datetime) -> list[str]:
    """What no override helps against, beside the queue: the order of stages, and a clock that went backwards."""
    told = [one.text for one in found.verdict.conditions if one.kind == "stage" and not one.met]
    entered = found.rollout.entered_at
    if entered is not None and now < entered:
        told.append(f"the clock says {to_text(now)}, yet {found.rollout.stage} was entered at {to_text(entered)}")
    return told


def _allowed(shown: PromotionPlan, reason: str, confirmed: str, override: bool, now: datetime) -> None:
    """Refuse whatever must not be done with this plan; nothing has been read or written yet."""
    if shown.forbidden:
        raise RefusedError("; ".join(shown.forbidden), "no override helps against that")
    if now > shown.expires_at or now < shown.made_at:
        raise RefusedError(f"the plan is of {shown.made_at:%H:%M:%SZ} and has expired", "make a new one and look at it")
    if shown.needs_override and not override:
        raise RefusedError(
            f"the gate behind {shown.from_stage} says {shown.outcome}: {'; '.join(shown.reasons)}",
            "wait, or go past it: --override --reason TEXT (somebody else reviews that)",
        )
    if shown.outcome != "promote" and not reason:
        past = "an override" if shown.needs_override else "going past a gate in dry run"
        raise UsageError(f"{past} needs a reason", "say why: --reason TEXT")
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
    again, found = _looked(db, model, shown.version, now, _NOBODY, actuator)
    if again.sha256 != shown.sha256:
        why = "; ".join((*again.forbidden, *again.reasons)) or "the evidence changed"
        raise RefusedError(
            f"the gate says something else than was shown: {again.outcome} by now ({why})", "nothing was done; look again"
        )
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
