"""Slices that a person kept with a name, and what each read in a batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.records.results import MetricValue
from storage.records.slices import Predicate

SliceKind = Literal["user", "critical", "scenario"]
KINDS: tuple[SliceKind, ...] = ("user", "critical", "scenario")


@dataclass(frozen=True, slots=True)
class KeptSlice:
    """A slice with a name, watched on every batch.

    Attributes:
        kind: ``critical`` alarms louder; ``scenario`` is one that gates ask for by name; ``user`` is any other.
        floor: of the model's primary metric, on the side that is worse; None without one.
        retired_at: since when it is watched no more, None while it is.
    """

    id: int
    model_id: int
    name: str
    predicates: tuple[Predicate, ...]
    kind: SliceKind
    floor: float | None
    note: str | None
    by: str
    at: datetime
    retired_by: str | None = None
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SliceRows:
    """What the rows of a kept slice look like in one batch.

    Attributes:
        rows: of ``batch_rows``.
        missing: rows in which each column has no value, columns without such rows left out.
        predictions: rows with a finite number as prediction; ``mean`` and ``variance`` are theirs, None without any.
    """

    kept_slice_id: int
    rows: int
    batch_rows: int
    missing: dict[str, int]
    predictions: int
    mean: float | None
    variance: float | None

    @property
    def share(self) -> float:
        """Of the batch's rows, 0.0 of an empty batch."""
        return self.rows / self.batch_rows if self.batch_rows else 0.0


@dataclass(frozen=True, slots=True)
class SliceDay:
    """The rows of a kept slice in one batch, with that batch's place in time."""

    batch_id: int
    window_start: datetime | None
    window_end: datetime | None
    reading: SliceRows


@dataclass(frozen=True, slots=True)
class SliceMetric:
    """One metric of a kept slice in one batch, as computed last; ``labelled`` rows of the slice have a label."""

    kept_slice_id: int
    batch_id: int
    stage: str | None
    window_start: datetime | None
    window_end: datetime
    labelled: int
    reading: MetricValue
