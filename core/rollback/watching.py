"""After the rollback: whether the world still says what was verified."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from core.rollback.actuation import actuator_of, model_then
from storage.actuators.base import Actuator, Clock
from storage.errors import ActuatorError
from storage.records.models import Model
from storage.records.rollbacks import Reading
from storage.tables import rollbacks


@dataclass(frozen=True, slots=True)
class WatchVerdict:
    """Whether the last verified rollback still holds.

    Attributes:
        holds: None when that can't be told (nothing was verified, or the world can't be read).
        expected: the version that was verified last.
    """

    holds: bool | None
    message: str
    expected: str | None = None
    reading: Reading | None = None


def watch(
    db: sqlite3.Connection, model: Model, *, clock: Clock | None = None, actuator: Actuator | None = None
) -> WatchVerdict:
    """Read the world back once more; changes nothing."""
    last = next((r for r in rollbacks.of_model(db, model.id) if r.state == "verified"), None)
    if last is None:
        return WatchVerdict(None, f"no rollback of {model.name} was verified: there is nothing to watch")
    try:
        reading = (actuator or actuator_of(db, model_then(db, last), clock)).verify(last.to_version)
    except ActuatorError as error:
        return WatchVerdict(None, f"the world can't be read: {error.message}", last.to_version)
    if reading.value is None:
        return WatchVerdict(None, reading.note, last.to_version, reading)
    if reading.value != last.to_version:
        message = (
            f"overwritten by someone since: the world says {reading.value}, rollback {last.id} set {last.to_version}"
        )
        return WatchVerdict(False, message, last.to_version, reading)
    return WatchVerdict(True, f"the world still says {last.to_version}", last.to_version, reading)
