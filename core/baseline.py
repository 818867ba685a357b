"""The batches that a batch is compared with: their profiles merged, and what each of them told when it came."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.checks.base import CheckContext
from core.checks.departures import PAST, measured_members
from core.checks.given import PastBatch
from core.checks.stored_readings import FORM, pack
from core.checks.stored_readings import unpack as unpack_readings
from core.merged_window import MergedWindow
from core.stats.packing import unpack
from core.stats.profile import BatchProfile
from core.validate import roles_of
from storage.db import transaction
from storage.records.batches import Batch
from storage.records.models import Model
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
    """Baselines of one model; every stored profile and reading is unpacked at most once."""

    def __init__(self, db: sqlite3.Connection, model: Model) -> None:
        self._db = db
        self._model = model
        self._past: dict[int, PastBatch] = {}
        self._asked: set[int] = set()
        self._window: frozenset[int] = frozenset()
        self._merged = MergedWindow(lambda batch_id: self._past[batch_id].profile)

    def before(self, moment: datetime | None, *, without: int = 0) -> Baseline:
        """The baseline of a batch whose window starts at ``moment``; ``without`` leaves out that batch itself."""
        found = batches.admitted(self._db, self._model.id, before=moment, without=without, limit=BASELINE_BATCHES)
        self._read(found)
        past = tuple(self._past[batch.id] for batch in found)
        return Baseline(tuple(found), past, self._merged.of([batch.id for batch in found]))

    def settle_reference(self, now: datetime) -> None:
        """Measure the reference batches against each other and record it; for once a reference has come in whole."""
        baseline = self.before(None)
        if not any(
            batch.role == "reference" and self._past[batch.id].readings is None for batch in baseline.batches[-PAST:]
        ):
            return
        context = CheckContext(
            current=baseline.merged,
            reference=baseline.merged,
            past=tuple(replace(past, readings=None) for past in baseline.past),
            roles=roles_of(self._model.file),
            specs=self._model.file.checks,
            calendar=self._model.file.columns.calendar,
        )
        told = measured_members(context, context.traits)
        with transaction(self._db):
            for batch, readings in zip(baseline.batches[-PAST:], told, strict=True):
                batches.add_readings(self._db, batch.id, form=FORM, body=pack(readings), now=now)
                self._past[batch.id] = replace(self._past[batch.id], readings=readings)

    def _read(self, found: Sequence[Batch]) -> None:
        """Profiles of all, and readings of the latest, which alone are looked back upon; what has left is let go."""
        ids = [batch.id for batch in found]
        wanted = [batch_id for batch_id in ids[-PAST:] if batch_id not in self._asked]
        told = batches.readings(self._db, wanted, form=FORM)
        self._asked.update(wanted)
        for batch in found:
            known = self._past.get(batch.id)
            if known is None:
                profile = unpack(batches.profile(self._db, batch.id))
                known = self._past[batch.id] = PastBatch(batch.window_start, batch.window_end, profile, None)
            if batch.id in told:
                self._past[batch.id] = replace(known, readings=unpack_readings(told[batch.id]))
        window = frozenset(ids)
        for gone in self._past.keys() - window - self._window:
            del self._past[gone]
            self._asked.discard(gone)
        self._window = window
