"""The actuator of a registered model, with what its logs showed last."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from storage.actuators.base import Actuator, Clock
from storage.actuators.registry import build
from storage.records.models import Model, Rollback
from storage.records.rollbacks import Reading
from storage.tables import deployments


def actuator_of(db: sqlite3.Connection, model: Model, clock: Clock | None = None) -> Actuator:
    """Build the actuator that the model file names; ``record_only`` where it has no ``[rollback]``.

    Raises:
        ActuatorError: its options don't make one.
    """

    def observed() -> Reading | None:
        seen = deployments.last_observed(db, model.id, model.file.full_stage)
        return Reading(seen.version, seen.at, f"a {seen.source} showed it") if seen else None

    return build(model.file.rollback or Rollback(), folder=Path(model.path).parent, clock=clock, observed=observed)
