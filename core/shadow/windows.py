"""Which batches hold answers of two versions, and which of them are of one window."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches

MOST_BATCHES = 60
MOST_ROWS = 2_000_000
"""The newest batches are read until they are so many, or hold so many rows."""
CLOSE = 0.1
"""Two files are of one window when their starts and their ends lie closer than this share of its length."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Batches in order of time; ``left_out`` older ones were too many."""

    batches: tuple[Batch, ...]
    left_out: int = 0


def choose(db: sqlite3.Connection, model: Model, versions: Sequence[str] | None) -> Chosen:
    """The newest serving batches that may hold rows of one of the versions; None: of any.

    A log with a column of versions may hold any; else the version said at ingestion decides.
    """
    column = model.file.columns.version
    may = [
        batch
        for batch in batches.page(db, model_id=model.id, order="window", limit=10_000)
        if batch.role == "serving"
        and batch.rows
        and (versions is None or batch.version in versions or any(name == column for name, _ in batch.columns))
    ]
    taken: list[Batch] = []
    for batch in may:
        if taken and (len(taken) == MOST_BATCHES or sum(b.rows for b in taken) + batch.rows > MOST_ROWS):
            break
        taken.append(batch)
    if len(taken) < len(may):  # half a window would look like requests that only one version answered
        cut = may[len(taken)]
        taken = [batch for batch in taken if not same_window(batch, cut)] or taken
    return Chosen(tuple(reversed(taken)), len(may) - len(taken))


def windows_of(chosen: Sequence[Batch]) -> list[int]:
    """The number of each batch's window: arms may write files of their own for the same span of time.

    Batches whose window is not known are windows of their own.
    """
    firsts: list[Batch] = []
    found = []
    for batch in chosen:
        place = next((i for i, first in enumerate(firsts) if same_window(first, batch)), len(firsts))
        if place == len(firsts):
            firsts.append(batch)
        found.append(place)
    return found


def same_window(one: Batch, other: Batch) -> bool:
    """Whether two batches are of one window: start and end within a tenth of its length."""
    if one.id == other.id:
        return True
    if not (one.window_start and one.window_end and other.window_start and other.window_end):
        return False
    length = max(one.window_end - one.window_start, other.window_end - other.window_start)
    return (
        abs(one.window_start - other.window_start) <= CLOSE * length
        and abs(one.window_end - other.window_end) <= CLOSE * length
    )
