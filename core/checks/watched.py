"""What a check gets of a kept slice: its rows now, and what it looked like in the batches before."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.kept_slices import KeptSlice, SliceDay, SliceRows


@dataclass(frozen=True, slots=True)
class WatchedSlice:
    """One kept slice in the batch that is judged.

    Attributes:
        sql: the predicate that selects its rows.
        now: None where its rows can't be told; ``reason`` then says why.
        past: its rows in the accepted batches before, in the order of time.
    """

    kept: KeptSlice
    sql: str
    now: SliceRows | None
    past: tuple[SliceDay, ...] = ()
    reason: str = ""
