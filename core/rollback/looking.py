"""What a person looks at before acting: the plan, why it is made, and since when what it would replace is live."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.rollback.planning import plan
from core.rollback.undoing import plan_undo
from storage.errors import UsageError
from storage.host import Actor
from storage.records.rollbacks import RollbackPlan
from storage.tables import deployments, models, rollback_evidence, rollbacks


@dataclass(frozen=True, slots=True)
class Look:
    """A plan with what stands around it.

    Attributes:
        reason: what will be recorded as the reason.
        incident: key and title of the incident that it will be recorded with.
        since: when the version in force entered its stage, None when that is unknown.
    """

    plan: RollbackPlan
    reason: str
    incident: tuple[str, str] | None
    since: datetime | None


def look(
    db: sqlite3.Connection,
    model_name: str,
    *,
    to: str | None = None,
    kind: Literal["rollback", "fallback"] = "rollback",
    incident_key: str | None = None,
    reason: str | None = None,
    now: datetime,
    actor: Actor,
) -> Look:
    """Plan a rollback; changes nothing.

    Args:
        incident_key: the incident it belongs to; by default the model's open one, if it has exactly one.
        reason: by default the incident's key and title.

    Raises:
        UsageError: there is no such model, incident or version name.
        RefusedError: there is no version to go to.
    """
    model = models.get(db, model_name)
    opened = rollback_evidence.open_incidents(db, model.id)
    key = incident_key or (opened[0] if len(opened) == 1 else None)
    incident_id = rollback_evidence.incident_id(db, key) if key else None
    if key and incident_id is None:
        raise UsageError(f"there is no incident {key!r}", "see midwatch incidents list")
    made = plan(db, model, to=to, kind=kind, now=now, actor=actor, incident_id=incident_id)
    named = rollback_evidence.incident_title(db, incident_id) if incident_id is not None else None
    told = f"{named[0]} {named[1]}" if named else ""
    return Look(made, reason or told or f"rolled back from the screen by {actor.name}", named, _since(db, made, now))


def look_undo(db: sqlite3.Connection, model_name: str, *, now: datetime, actor: Actor) -> Look:
    """Plan the undo of the last rollback; changes nothing.

    Raises:
        UsageError: there is no such model.
        RefusedError: there is nothing to undo, or the world moved since.
        ActuatorError: the world can't be read.
    """
    made = plan_undo(db, models.get(db, model_name), now=now, actor=actor)
    named = rollback_evidence.incident_title(db, made.incident_id) if made.incident_id is not None else None
    done = f"rollback {made.undo_of}"
    if made.undo_of is not None:
        before = rollbacks.get(db, made.undo_of)
        done = f"rollback {before.id} of {before.at:%Y-%m-%d %H:%MZ} ({before.reason})"
    return Look(made, f"undo of {done}", named, _since(db, made, now))


def _since(db: sqlite3.Connection, made: RollbackPlan, now: datetime) -> datetime | None:
    live = deployments.live_at(db, made.model_id, now).get(made.stage)
    return live.at if live is not None and live.version == made.from_version else None
