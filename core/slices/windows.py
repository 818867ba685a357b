"""Which stored batches a question is about, and which they are compared with."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.parts import unseen
from storage.errors import UsageError
from storage.records.batches import Batch
from storage.records.models import Model, ModelFile
from storage.tables import batches

if TYPE_CHECKING:
    from core.slices.request import SliceRequest

REFERENCE_ROWS = 1_000_000
"""Batches of the baseline are read from the newest back until they hold so many rows, or ten times the current ones."""
LEAST_REFERENCE_ROWS = 20_000
RECENT = 20
"""Batches that versions, stages and hosts are compared in when no window is named."""


def current(db: sqlite3.Connection, model: Model, request: SliceRequest, now: datetime) -> list[Batch]:
    """The batches of the current window, oldest first."""
    if request.batch is not None:
        try:
            batch = batches.get(db, request.batch)
        except KeyError:
            raise UsageError(f"there is no batch {request.batch}", "leave it out for the newest one") from None
        if batch.model_id != model.id:
            raise UsageError(f"batch {request.batch} is another model's", "name a batch of this model")
        return [batch]
    if request.window is not None:
        found = batches.between(db, model.id, *request.window)
        if not found:
            raise UsageError(f"no batch of {model.name!r} touches that window", "widen it, or name a batch")
        return found
    newest = batches.page(db, model_id=model.id, order="window", limit=10 * RECENT)
    serving = [batch for batch in newest if batch.role == "serving"]
    if not serving:
        raise UsageError(f"no serving batch of {model.name!r} was ingested yet", "midwatch ingest MODEL FILE")
    if request.side is not None:
        return serving[:RECENT][::-1]
    hidden = unseen(model.file)
    seen = [batch for batch in serving if batch.stage not in hidden]
    if request.signal in ("error", "loss"):  # the newest window that can be judged by its labels
        lag = model.file.labels.lag
        for batch in seen:
            coverage = batches.coverage(db, batch.id)
            ripe = batch.window_end is not None and batch.window_end + lag <= now
            if ripe and coverage is not None and coverage.labelled >= min(model.file.labels.minimum, batch.rows):
                return [batch]
    newest_seen = (seen or serving)[0]
    start, end = newest_seen.window_start, newest_seen.window_end
    beside = [
        batch
        for batch in serving
        if batch.stage in hidden and start and end and batch.window_start and batch.window_end
        if batch.window_start < end and batch.window_end > start and newest_seen.stage not in hidden
    ]
    return [*beside[::-1], newest_seen]


def past(db: sqlite3.Connection, model: Model, chosen: Sequence[Batch], file: ModelFile) -> list[Batch]:
    """The batches that the current ones are compared with: admitted, users saw them, and not the current ones."""
    starts = [batch.window_start for batch in chosen if batch.window_start is not None]
    before = min(starts) if starts else None
    ids, hidden = {batch.id for batch in chosen}, unseen(file)
    found = [
        batch
        for batch in batches.admitted(db, model.id, before=before)
        if batch.id not in ids and batch.stage not in hidden and (batch.window_end is None or batch.rows)
    ]
    wanted = max(LEAST_REFERENCE_ROWS, min(REFERENCE_ROWS, 10 * sum(batch.rows for batch in chosen)))
    taken: list[Batch] = []
    for batch in reversed(found):
        if sum(b.rows for b in taken) >= wanted:
            break
        taken.append(batch)
    return taken[::-1]
