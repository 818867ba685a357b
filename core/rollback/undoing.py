"""Undo: the exact former state, as a rollback of its own, once, and only if the world has not moved since."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from core.rollback import preflight
from core.rollback.actuation import actuator_of, model_then
from core.rollback.execution import Outcome, execute
from core.rollback.planning import assemble, reachable
from storage.actuators.base import Actuator, Clock
from storage.errors import RefusedError
from storage.host import Actor
from storage.records.models import Model, Rollback
from storage.records.rollbacks import ActuatorPlan, PreflightItem, RollbackPlan
from storage.records.rollbacks import Rollback as Journalled
from storage.tables import rollbacks


def plan_undo(
    db: sqlite3.Connection, model: Model, *, now: datetime, actor: Actor, actuator: Actuator | None = None
) -> RollbackPlan:
    """What undoing the last rollback of the model would do.

    Raises:
        RefusedError: there is nothing to undo, or the world moved since.
        ActuatorError: the world can't be read.
    """
    last = undoable(db, model)
    done = last.plan.actuation
    if done is None or last.from_version is None:
        raise RefusedError(f"what was in force before rollback {last.id} is unknown", "roll back with --to V instead")
    if actuator is None and _way(model_then(db, last)) != _way(model):
        raise RefusedError(
            f"the model file names another actuator than rollback {last.id} used",
            "its exact former state lies elsewhere",
        )
    acting = actuator or actuator_of(db, model)
    actuation = acting.plan(last.from_version, restore=done.prior)
    if not _unmoved(actuation, last):
        raise RefusedError(
            f"the world moved since rollback {last.id}: it says {actuation.current}, not {last.to_version}",
            f"look at it, then: midwatch rollback {model.name} --to V",
        )
    items = [
        PreflightItem("undo", "green", f"nothing moved since rollback {last.id} of {last.at:%Y-%m-%d %H:%M:%SZ}"),
        *(
            item
            for item in preflight.of_version(db, model, last.from_version, now=now)
            if item.name in ("artifact", "schema")
        ),
        preflight.in_flight(db, model),
        reachable(actuation, None),
    ]
    return assemble(
        db, model, kind="undo", current=last.to_version, target=last.from_version, actuation=actuation, items=items,
        others=[], now=now, actor=actor, incident_id=last.incident_id, undo_of=last.id,
    )  # fmt: skip


def undo(
    db: sqlite3.Connection,
    model: Model,
    *,
    confirmed: str,
    reason: str,
    actor: Actor,
    now: datetime,
    override: str | None = None,
    clock: Clock | None = None,
    actuator: Actuator | None = None,
) -> Outcome:
    """Plan and execute the undo in one go.

    Raises:
        RefusedError: as :func:`plan_undo` and :func:`core.rollback.execution.execute` say.
    """
    made = plan_undo(db, model, now=now, actor=actor, actuator=actuator)
    return execute(
        db, made, confirmed=confirmed, reason=reason, actor=actor, now=now, override=override, clock=clock,
        actuator=actuator,
    )  # fmt: skip


def undoable(db: sqlite3.Connection, model: Model) -> Journalled:
    """The rollback that an undo would undo: the last one that was not itself an undo.

    Raises:
        RefusedError: there is none, or it can't be undone; the message says why.
    """
    last = next((r for r in rollbacks.of_model(db, model.id) if r.kind != "undo" and r.state != "failed"), None)
    if last is None:
        raise RefusedError(f"{model.name} was never rolled back: there is nothing to undo")
    if last.state == "undone":
        raise RefusedError(f"rollback {last.id} was undone already; an undo is done once")
    if last.state != "verified":
        raise RefusedError(
            f"rollback {last.id} is {last.state}: {last.message}",
            "only what was verified can be undone; look at the world",
        )
    return last


def _way(model: Model) -> tuple[str, str, dict[str, object]]:
    spec = model.file.rollback or Rollback()
    return (spec.actuator, str(Path(model.path).parent), spec.options)


def _unmoved(actuation: ActuatorPlan, last: Journalled) -> bool:
    """Whether the world is, to the byte where bytes are known, what the rollback left."""
    done = last.plan.actuation
    if done is None or not actuation.verifiable:
        return False
    return actuation.current == last.to_version and actuation.prior == done.write
