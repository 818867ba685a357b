"""The last batches of a model, what was found in each, and where an unbroken run of the same fault began."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import batches, results

LOOK_BACK = 40
"""How many batches an onset is looked for in."""

GAP = 1
"""Clean batches in a row that do not end a run: a fault on few rows misses a batch now and then."""

SIGNAL_OF: Mapping[str, str] = {
    "null burst": "null_burst",
    "unit change": "unit_change",
    "default value": "default_value",
    "bounds": "out_of_range",
    "slice shift": "slice_shift",
    "new values": "new_values",
    "category": "new_values",
    "category rename": "renamed_values",
    "lost values": "mix_shift",
    "schema": "schema",
    "rename": "schema",
    "swap": "swapped",
    "encoding": "encoding",
    "frozen": "frozen",
    "clipped": "clipped",
    "buckets": "clipped",
    "time zone": "time_shift",
    "segment": "mix_shift",
    "drift": "drift",
    "prediction": "scores_moved",
    "constant prediction": "constant_scores",
    "duplicates": "duplicates",
    "quarantine": "quarantined",
    "wrong rows": "known_answers_wrong",
    "leakage": "leakage",
    "thin training": "thin_training",
}
"""The signal that a finding's cause speaks for; volume and labels are told apart by their value."""

_LOUD = ("page", "ticket")


@dataclass(frozen=True, slots=True)
class Hit:
    """One failing finding as a signal: ``strength`` is its score, ``loud`` when it is a page or a ticket."""

    signal: str
    finding: Finding
    columns: tuple[str, ...]
    strength: float
    loud: bool
    share: float | None
    row: str


@dataclass(frozen=True, slots=True)
class Episode:
    """A batch and those before it, oldest first, with what was found in each by batch id."""

    model: Model
    batch: Batch
    batches: tuple[Batch, ...]
    hits: Mapping[int, tuple[Hit, ...]] = field(default_factory=dict)

    @property
    def now(self) -> tuple[Hit, ...]:
        """What was found in the batch itself."""
        return self.hits.get(self.batch.id, ())

    def get(self, batch_id: int) -> Batch:
        """The batch of that id."""
        return next(b for b in self.batches if b.id == batch_id)

    def run(self, signals: Iterable[str], columns: Iterable[str] = (), part: str | None = None) -> tuple[Batch, ...]:
        """The unbroken run of batches, ending here, that show such a signal on one of those columns or slices."""
        names = frozenset(signals)
        wanted = set(columns)

        def shows(batch: Batch) -> bool:
            return any(
                h.signal in names and (not wanted or wanted & set(h.columns) or (part and h.finding.slice == part))
                for h in self.hits.get(batch.id, ())
            )

        return unbroken(self.batches, shows)


def unbroken(series: Sequence[Batch], shows: Any) -> tuple[Batch, ...]:
    """The batches that show something, from the last one back over gaps of :data:`GAP` at most; oldest first."""
    found: list[Batch] = []
    missed = 0
    for batch in reversed(series):
        if shows(batch):
            found.append(batch)
            missed = 0
        else:
            missed += 1
            if missed > GAP:
                break
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class Onset:
    """When a symptom began: between the last batch without it and the first with it.

    Attributes:
        after: end of the last batch without it, None when there is none; ``first``: start of the first with it.
        until: end of the first batch with it; what came after that is no cause.
        batches: how many batches show it; ``sharp``: the first one shows at least half of the worst.
        open: the run reaches as far back as was looked: it began before.
        scored: when the rows of the first batch were predicted, where the symptom is one of labels that came later.
        joined: when labels of the batches before came, where the symptom is one of labels.
    """

    after: datetime | None
    first: datetime
    until: datetime
    batch_id: int
    batches: int
    sharp: bool | None
    open: bool = False
    scored: datetime | None = None
    joined: tuple[datetime, ...] = ()


def onset(episode: Episode, run: Sequence[Batch], strengths: Mapping[int, float] | None = None) -> Onset:
    """The onset of a run of batches; of the batch itself where the run is empty."""
    chosen = tuple(run) or (episode.batch,)
    first = chosen[0]
    place = next(i for i, b in enumerate(episode.batches) if b.id == first.id)
    before = episode.batches[place - 1] if place else None
    begins = first.window_start or first.arrived_at
    known = [strengths[b.id] for b in chosen if strengths and b.id in strengths]
    return Onset(
        after=None if before is None else before.window_end or before.arrived_at,
        first=begins,
        until=first.window_end or first.arrived_at,
        batch_id=first.id,
        batches=len(chosen),
        sharp=None if len(known) < 2 else known[0] >= 0.5 * max(known),
        open=before is None and len(episode.batches) > 1,
    )


def read(db: sqlite3.Connection, model: Model, batch: Batch, limit: int = LOOK_BACK) -> Episode:
    """The batch with those before it and their failing findings."""
    series = batches.until(db, batch, limit)
    hits = {b.id: tuple(_hits(db, model, b)) for b in series}
    return Episode(model, batch, tuple(series), hits)


def _hits(db: sqlite3.Connection, model: Model, batch: Batch) -> Iterable[Hit]:
    file = model.file
    for stored in results.of_batch(db, batch.id, status="fail"):
        finding = stored.finding
        # What a louder finding explains is told by that one; but that the predictions moved is a signal of its own.
        if finding.tier == "evidence" and finding.check != "prediction_drift":
            continue
        cause = (
            "prediction" if finding.check == "prediction_drift" else str(finding.evidence.get("cause") or finding.check)
        )
        signal = _signal(cause, finding, file.columns.label)
        if signal is None:
            continue
        if file.columns.latency is not None and finding.column == file.columns.latency:
            signal = "latency"
        elif finding.column is not None and finding.column == file.columns.prediction and signal != "constant_scores":
            signal = "scores_moved" if finding.slice is None else "scores_by_slice"
        columns = tuple(str(c) for c in finding.evidence.get("columns") or ()) or (
            (finding.column,) if finding.column else ()
        )
        rows = finding.evidence.get("rows")
        share = float(rows) / batch.rows if isinstance(rows, int | float) and batch.rows else None
        yield Hit(
            signal=signal,
            finding=finding,
            columns=columns,
            strength=finding.score,
            loud=finding.tier in _LOUD,
            share=None if share is None else min(share, 1.0),
            row=f"check_results:{stored.id}",
        )


def _signal(cause: str, finding: Finding, label: str | None) -> str | None:
    """The signal of a cause; what speaks of labels or rows is told apart by the check and its value."""
    if cause == "labels" or (label is not None and finding.column == label):
        if finding.check == "label_residual":
            return "labels_in_slice"
        if finding.check == "label_sanity":
            return "labels_flipped" if finding.tier in _LOUD else "base_rate_moved"
        return None if finding.check == "missing_column" else "base_rate_moved"
    if cause == "volume":
        if finding.check == "freshness":
            return "late_data"
        low = finding.value is not None and finding.threshold is not None and finding.value > finding.threshold
        return "volume_high" if low else "volume_low"
    return SIGNAL_OF.get(cause)
