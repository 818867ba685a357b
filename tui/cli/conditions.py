"""Conditions as people type them after ``--where``, read with the columns of a batch."""

from __future__ import annotations

import sqlite3
from typing import cast

from core.slices.redacted import read_condition
from storage.errors import UsageError
from storage.records.batches import Batch
from storage.records.logs import Kind
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import batches


def condition(text: str, batch: Batch, model: Model) -> tuple[Predicate, ...]:
    """The predicates of a condition on the columns of a batch of the model.

    Raises:
        UsageError: it can't be read, names no column, or asks for a redacted one.
    """
    kinds = {name: cast("Kind", kind) for name, kind in batch.columns}
    return read_condition(text, kinds, model.file.columns.redact)


def batch_of(db: sqlite3.Connection, model: Model, batch_id: int | None = None) -> Batch:
    """A batch of the model, the newest serving one by default.

    Raises:
        UsageError: there is none, or it belongs to another model.
    """
    if batch_id is None:
        found = batches.newest(db, model.id) or next(iter(batches.page(db, model_id=model.id, limit=1)), None)
        if found is None:
            raise UsageError(f"{model.name} has no batch yet", f"midwatch ingest {model.name} FILES...")
        return found
    try:
        found = batches.get(db, batch_id)
    except KeyError:
        raise UsageError(f"there is no batch {batch_id} in this store", "leave it out for the newest one") from None
    if found.model_id != model.id:
        raise UsageError(f"batch {batch_id} is not one of {model.name}", "name the model it belongs to")
    return found
