"""The batches that a batch is compared with: their profiles, one by one and merged."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.checks.base import PastBatch
from core.stats.packing import unpack
from core.stats.profile import BatchProfile
from storage.records.batches import Batch
from storage.tables import batches

BASELINE_BATCHES = 60
"""How many admitted batches a batch is compared with, the latest ones."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Admitted batches in order of time, and all of them merged."""

    batches: tuple[Batch, ...]
    past: tuple[PastBatch, ...]
    merged: BatchProfile

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """The columns the baseline keeps a profile per value of."""
        return tuple(name for name, values in self.merged.slices.items() if values)


class Baselines:
    """Baselines of one model, with every stored profile unpacked at most once."""

    def __init__(self, db: sqlite3.Connection, model_id: int) -> None:
        self._db = db
        self._model_id = model_id
        self._profiles: dict[int, BatchProfile] = {}

    def before(self, moment: datetime | None, *, without: int = 0) -> Baseline:
        """The baseline of a batch whose window starts at ``moment``; ``without`` leaves out that batch itself."""
        found = batches.admitted(self._db, self._model_id, before=moment, without=without, limit=BASELINE_BATCHES)
        past, merged = [], BatchProfile()
        for batch in found:
            profile = self._profile(batch.id)
            past.append(PastBatch(batch.window_start, batch.window_end, profile))
            merged = merged.merge(profile)
        return Baseline(tuple(found), tuple(past), merged)

    def _profile(self, batch_id: int) -> BatchProfile:
        if batch_id not in self._profiles:
            self._profiles[batch_id] = unpack(batches.profile(self._db, batch_id))
        return self._profiles[batch_id]
