"""Opening a rollout: the candidate, what it is held against, and the rule that holds until its end."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.rollouts.rule import resolve
from storage.db import transaction
from storage.errors import RefusedError
from storage.host import Actor
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.tables import audit, deployments, rollouts, versions


def open_rollout(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    *,
    actor: Actor,
    now: datetime,
    baseline: str | None = None,
) -> Rollout:
    """Open a rollout of a registered version; it enters no stage yet.

    Args:
        baseline: what it is held against; by default what serves users now.

    Raises:
        UsageError: nobody registered the version; a guardrail can't be judged as the model file says it.
        RefusedError: it is what serves users already, nothing does, the model has one stage only, or a rollout of it is
            open already.
        SourceError: the reference can't be read.
    """
    candidate = versions.get(db, model.id, version)
    full = model.file.full_stage
    if len(model.file.stages) < 2:
        raise RefusedError(
            f"{model.name} has one stage, {full}: there is no gate on the way to it",
            "name the stages before it in the model file: [[stages]]",
        )
    live = deployments.live_at(db, model.id, now).get(full)
    held = baseline or (None if live is None else live.version)
    if held is None:
        raise RefusedError(
            f"nothing is known to serve {model.name} in {full}: {version} has nothing to be held against",
            f"record what does: midwatch deploy {model.name} VERSION --stage {full}, or ingest its log",
        )
    if candidate.version in (held, None if live is None else live.version):
        raise RefusedError(f"{version} serves {model.name} in {full} already", "a candidate is another version")
    rule = resolve(db, model)
    with transaction(db):
        rollout_id = rollouts.insert(db, model.id, version, held, rule, by=actor.name, now=now)
        audit.record(
            db,
            "rollout.open",
            actor=actor,
            now=now,
            object_kind="version",
            object_id=f"{model.name}/{version}",
            after={"rollout": rollout_id, "baseline": held, "rule": rule.sha256},
        )
    return rollouts.get(db, rollout_id)


def find(db: sqlite3.Connection, model: Model, version: str) -> Rollout | None:
    """The open rollout of a version, else its last one; None when it never had one."""
    return rollouts.find(db, model.id, version)
