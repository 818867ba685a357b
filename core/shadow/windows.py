"""Which batches hold answers of two versions, and which of them are of one window."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from storage.records.batches import Batch
from storage.records.models import Model, ModelFile
from storage.tables import batches, looks
from storage.tables.looks import Arm

MOST_BATCHES = 60
MOST_ROWS = 2_000_000
"""The newest batches are read until they are so many, or hold so many rows."""
CLOSE = 0.1
"""Two files are of one window when their starts and their ends lie closer than this share of its length."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Batches in order of time; ``left_out`` older ones that hold the candidate were too many."""

    batches: tuple[Batch, ...]
    left_out: int = 0


def choose(
    db: sqlite3.Connection, model: Model, candidate: str, *, stage: str | None = None, without: Collection[int] = ()
) -> Chosen:
    """The newest serving batches that hold rows of a candidate, and those of the same windows.

    What the store does not know of a batch yet (it is asked once, when a rollout is open) counts as held.

    Args:
        stage: rows of the candidate in this stage; None: in any.
        without: batches that are passed over: an earlier rollout used them.
    """
    serving = [
        b for b in batches.page(db, model_id=model.id, order="window", limit=-1) if b.role == "serving" and b.rows
    ]
    known = looks.arms(db, model.id)
    mine = [b for b in serving if b.id not in without and _holds(b, known.get(b.id), model.file, candidate, stage)]
    taken: list[Batch] = []
    for batch in mine:
        if taken and (len(taken) == MOST_BATCHES or sum(b.rows for b in taken) + batch.rows > MOST_ROWS):
            break
        taken.append(batch)
    first = min((b.window_start for b in taken if b.window_start is not None), default=None)
    ids, beside = {batch.id for batch in taken}, list[Batch]()
    for batch in serving:
        if first is not None and batch.window_start is not None and batch.window_start < first - _length(batch):
            break
        if batch.id not in ids and any(same_window(batch, one) for one in taken):
            beside.append(batch)
    found = sorted([*taken, *beside], key=lambda b: (b.window_start or b.arrived_at, b.id))
    return Chosen(tuple(found), len(mine) - len(taken))


def _holds(batch: Batch, arms: Sequence[Arm] | None, file: ModelFile, version: str, stage: str | None) -> bool:
    """Whether rows of a version (in a stage) may be in a batch."""
    if arms is not None:
        return any(
            arm.version == version and (stage is None or (arm.stage or file.full_stage) == stage) for arm in arms
        )
    return batch.version == version or any(name == file.columns.version for name, _ in batch.columns)


def _length(batch: Batch) -> timedelta:
    if batch.window_start is None or batch.window_end is None:
        return timedelta(0)
    return batch.window_end - batch.window_start


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
