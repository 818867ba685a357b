"""The plan: everything the sheet shows, read in one go; nothing is changed by making it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import datetime, timedelta
from typing import Literal

from core.rollback import preflight
from core.rollback.actuation import EVER, actuator_of
from core.rollback.fallback import candidates, fallback_readiness, named
from storage.actuators.base import Actuator, version_name
from storage.clock import to_text
from storage.errors import ActuatorError, RefusedError
from storage.host import Actor
from storage.records.models import Model, Rollback
from storage.records.rollbacks import ActuatorPlan, Candidate, Kind, PreflightItem, RollbackPlan
from storage.tables import deployments, rollback_evidence

LIFE = timedelta(seconds=120)
"""A plan is a picture of the world; an older one is made anew before anything is done."""


def plan(
    db: sqlite3.Connection,
    model: Model,
    *,
    to: str | None = None,
    kind: Literal["rollback", "fallback"] = "rollback",
    now: datetime,
    actor: Actor,
    actuator: Actuator | None = None,
    incident_id: int | None = None,
) -> RollbackPlan:
    """Choose the target (``to``, else the best candidate) and run the preflight.

    Args:
        kind: ``fallback`` chooses the model's fallback, however it stands.
        actuator: the model file's own by default.

    Raises:
        UsageError: ``to`` is no version name.
        RefusedError: there is no version to go to.
    """
    wanted = version_name(to) if to else None
    current = in_force(db, model)
    acting, trouble, reading = actuator, None, None
    try:
        acting = acting or actuator_of(db, model)
        reading = acting.verify(current or wanted or "any").value
    except ActuatorError as error:
        trouble = error
    current = reading or current
    others = candidates(db, model, current, now)
    target = wanted or _chosen(db, model, kind, others, now)
    actuation: ActuatorPlan | None = None
    if acting is not None and trouble is None:
        try:
            actuation = acting.plan(target)
        except ActuatorError as error:
            trouble = error
    if all(other.version != target for other in others) and target != current:
        others = [named(db, model, target, now), *others]
    fallback = fallback_readiness(db, model, now)
    bound = model.file.rollback.fallback_range if model.file.rollback and fallback else None
    is_fallback = fallback is not None and fallback.version == target
    items = [
        *preflight.of_version(db, model, target, now=now, bound=bound if is_fallback else None),
        _other(current, target),
        preflight.in_flight(db, model),
        reachable(actuation, trouble),
    ]
    return assemble(
        db, model, kind="fallback" if kind == "fallback" else "rollback", current=current, target=target,
        actuation=actuation, items=items, others=others, now=now, actor=actor, incident_id=incident_id,
    )  # fmt: skip


def assemble(
    db: sqlite3.Connection,
    model: Model,
    *,
    kind: Kind,
    current: str | None,
    target: str,
    actuation: ActuatorPlan | None,
    items: list[PreflightItem],
    others: list[Candidate],
    now: datetime,
    actor: Actor,
    incident_id: int | None = None,
    undo_of: int | None = None,
) -> RollbackPlan:
    """The plan from its parts, with blast radius, other ways out and the idempotency key."""
    spec = model.file.rollback or Rollback()
    rows, radius = _blast(db, model, current)
    binding = [model.name, kind, current, target, to_text(now), actor.name, actor.host, actor.tty, undo_of]
    return RollbackPlan(
        key=hashlib.sha256(json.dumps(binding).encode()).hexdigest()[:32],
        model=model.name,
        model_id=model.id,
        model_sha256=model.sha256,
        kind=kind,
        stage=model.file.full_stage,
        from_version=current,
        to_version=target,
        actuation=actuation,
        preflight=tuple(items),
        candidates=tuple(others),
        ways_out=tuple(_ways_out(others, target)),
        undo_how=f"midwatch undo {model.name} (or u) puts {current} back exactly, unless the world moved by then"
        if kind != "undo" and current
        else f"roll back again: midwatch rollback {model.name} --to {current}",
        blast_radius=radius,
        rows_per_hour=rows,
        production=model.file.production,
        settle_seconds=spec.settle.total_seconds(),
        timeout_seconds=spec.timeout.total_seconds(),
        made_at=now,
        expires_at=now + LIFE,
        incident_id=incident_id,
        undo_of=undo_of,
    )


def in_force(db: sqlite3.Connection, model: Model) -> str | None:
    """The version the store believes to be live in the last stage."""
    live = deployments.live_at(db, model.id, EVER).get(model.file.full_stage)
    return live.version if live else None


def reachable(actuation: ActuatorPlan | None, trouble: ActuatorError | None) -> PreflightItem:
    """Whether the actuator could be planned, and what it will do."""
    if actuation is None:
        message = str(trouble) if trouble else "there is no actuator"
        return PreflightItem("actuator", "red", message, final=True)
    if not actuation.verifiable:
        return PreflightItem("actuator", "amber", f"{actuation.does}; nothing reads the world back")
    return PreflightItem("actuator", "green", actuation.does)


def _other(current: str | None, target: str) -> PreflightItem:
    if current is None:
        return PreflightItem("current", "amber", "which version is in force now is unknown")
    if current == target:
        return PreflightItem("current", "red", f"{target} is in force already", final=True)
    return PreflightItem("current", "green", f"{current} is in force now")


def _chosen(db: sqlite3.Connection, model: Model, kind: str, others: list[Candidate], now: datetime) -> str:
    if kind == "fallback":
        ready = fallback_readiness(db, model, now)
        if ready is None:
            raise RefusedError(f"{model.name} names no fallback", "add fallback = ... to its [rollback], or use --to V")
        return ready.version
    if not others:
        raise RefusedError(
            f"{model.name} has no other version to go to", "register one: midwatch versions add, or name it with --to V"
        )
    return others[0].version


def _blast(db: sqlite3.Connection, model: Model, current: str | None) -> tuple[float | None, str]:
    volume = rollback_evidence.volume(db, model.id)
    if volume is None:
        return None, "how many rows it touches is unknown: no batch with a time window was read"
    share = volume.shares.get(current or "", 0.0)
    rows = volume.rows_per_hour * share if share else volume.rows_per_hour
    whose = f"{share:.0%} of them by {current}" if share else f"how many of them by {current} the log doesn't say"
    return rows, f"about {volume.rows_per_hour:,.0f} rows per hour in the newest batches, {whose}"


def _ways_out(others: list[Candidate], target: str) -> list[str]:
    ways = [f"{c.kind} {c.version} ({c.light}): --to {c.version}" for c in others if c.version != target]
    return [
        *ways,
        "hold: open an incident and watch",
        "traffic zero: at your router, then record it with midwatch deploy",
    ]
