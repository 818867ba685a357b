"""Which batches are explained: the one asked for, else the newest and what is still open before it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.errors import UsageError
from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import alerts, batches, labels

RECENT = 2
"""Batches before the newest one whose open pages and tickets are explained too."""


def batches_for(db: sqlite3.Connection, model: Model, batch: int | None, at: datetime | None) -> list[Batch]:
    """The batch asked about; without one the newest, and recent ones with an open page or ticket of another group."""
    if batch is not None:
        try:
            found = batches.get(db, batch)
        except KeyError:
            found = None
        if found is None or found.model_id != model.id or found.role != "serving":
            raise UsageError(
                f"{model.name} has no serving batch {batch}", f"midwatch baseline list {model.name} has some"
            )
        return [found]
    newest = batches.newest(db, model.id)
    if newest is None:
        return []
    if at is not None:
        covering = batches.between(db, model.id, at, at)
        near = [b for b in batches.page(db, model_id=model.id, limit=500) if b.role == "serving"]
        earlier = [b for b in near if (b.window_start or b.arrived_at) <= at]
        if not (covering or earlier):
            raise UsageError(f"{model.name} has no batch at {at:%Y-%m-%d %H:%M}Z", "midwatch live tells what ran then")
        return [(covering or earlier)[0]]
    recent = batches.until(db, newest, RECENT + 1)
    others = [
        b
        for b in reversed(recent[:-1])
        if any(a.tier in ("page", "ticket") and a.state != "resolved" for a in alerts.of_batch(db, b.id))
    ]
    return [newest, *others]


def labels_came(db: sqlite3.Connection, batch: Batch) -> datetime | None:
    """When the last labels of a batch were joined; None when they stood in its own log."""
    files = labels.files_of(db, batch.id)
    return max((file.arrived_at for file in files), default=None)
