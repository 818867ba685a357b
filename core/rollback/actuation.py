"""The actuator of a registered model, with what its logs showed last."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from storage.actuators.base import Actuator, Clock
from storage.actuators.registry import build
from storage.model_file import parse
from storage.records.models import Model, Rollback
from storage.records.rollbacks import Reading
from storage.records.rollbacks import Rollback as Journalled
from storage.tables import deployments, models, rollback_evidence

EVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
"""Later than anything recorded."""


def actuator_of(db: sqlite3.Connection, model: Model, clock: Clock | None = None) -> Actuator:
    """Build the actuator that the model file names; ``record_only`` where it has no ``[rollback]``.

    Raises:
        ActuatorError: its options don't make one.
    """

    def observed() -> Reading | None:
        live = deployments.live_at(db, model.id, EVER).get(model.file.full_stage)
        if live is None or live.action != "observed":  # somebody said something since; a log has not confirmed it
            return None
        return Reading(live.version, live.at, f"a {live.source} showed it")

    return build(model.file.rollback or Rollback(), folder=Path(model.path).parent, clock=clock, observed=observed)


def model_then(db: sqlite3.Connection, rollback: Journalled) -> Model:
    """The model with the file that was in force when the rollback was planned: what it acted on is found there."""
    return model_with(db, rollback.model_id, rollback.plan.model_sha256)


def model_with(db: sqlite3.Connection, model_id: int, sha256: str) -> Model:
    """The model with the model file of that hash, as it was registered then."""
    now = models.get_by_id(db, model_id)
    if now.sha256 == sha256:
        return now
    path, text = rollback_evidence.model_file_then(db, model_id, sha256)
    return replace(now, path=path, sha256=sha256, file=parse(text, path))
