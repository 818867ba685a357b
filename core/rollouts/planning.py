"""The promotion plan: what the next stage is, what the gate says, and what would be done; made by reading only."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollback.actuation import actuator_of
from core.rollouts import deciding, documents, opening, queue
from core.rollouts.deciding import Standing
from storage.actuators.base import Actuator, version_name
from storage.clock import to_text
from storage.errors import ActuatorError, RefusedError
from storage.host import Actor
from storage.records.models import Model, Rollback
from storage.records.promotions import LIFE, PromotionPlan
from storage.records.rollbacks import ActuatorPlan
from storage.records.rollouts import Outcome
from storage.tables import deployments, versions


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
    return looked(db, model, version, now, actor, actuator)[0]


def looked(
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
        UsageError: nobody registered the version.
    """
    versions.get(db, model.id, version)
    if len(model.file.stages) < 2:
        return None, [f"{model.name} has one stage, {model.file.full_stage}: there is no gate on the way to it"]
    live = deployments.live_at(db, model.id, now).get(model.file.full_stage)
    if live is None:
        full = model.file.full_stage
        told = f"no version of {model.name} is live in {full}: there is nothing to hold {version} against"
        return None, [f"{told}; record what is: midwatch deploy {model.name} V --stage {full}"]
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
        undo = f"midwatch rollback {model.name} --reason TEXT (or R) puts the former version back"
    else:
        does = "midwatch only records it: your deploy system moves traffic"
        undo = f"midwatch promote {model.name} {version} --stop --reason TEXT"
        if full:
            undo = f"midwatch rollback {model.name} --reason TEXT (or R)"
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
