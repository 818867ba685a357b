"""Which version a candidate is held against, and which batches a person named."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from storage.errors import UsageError
from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches, deployments, rollouts


def baseline_of(db: sqlite3.Connection, model: Model, candidate: str, now: datetime) -> str:
    """What the candidate's open rollout is held against; else the version live in the model's full stage.

    Raises:
        UsageError: none is known, or it is the candidate itself.
    """
    rollout = rollouts.find(db, model.id, candidate)
    if rollout is not None and rollout.state == "open":
        return rollout.baseline
    live = deployments.live_at(db, model.id, now).get(model.file.full_stage)
    if live is None:
        raise UsageError(f"no version of {model.name!r} is known to be live in full", "name one: --against V")
    if live.version == candidate:
        raise UsageError(f"{candidate!r} is live in full itself", "name the version to hold it against: --against V")
    return live.version


def batches_of(db: sqlite3.Connection, model: Model, ids: Sequence[int]) -> tuple[Batch, ...]:
    """Stored batches of a model, each once, in order of time.

    Raises:
        UsageError: there is no such batch of this model.
    """
    found = []
    for number in dict.fromkeys(ids):
        try:
            batch = batches.get(db, number)
        except KeyError:
            raise UsageError(f"there is no batch {number}", "midwatch ingest says the numbers") from None
        if batch.model_id != model.id:
            raise UsageError(f"batch {number} is another model's", "name a batch of this model")
        found.append(batch)
    return tuple(sorted(found, key=lambda batch: (batch.window_start or batch.arrived_at, batch.id)))
