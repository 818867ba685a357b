"""What a check said of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ErrorClass = Literal["hard", "soft", "drift", "ops"]
Tier = Literal["page", "ticket", "digest", "evidence"]
Status = Literal["pass", "fail", "no_data", "not_checked"]

TIERS: tuple[Tier, ...] = ("page", "ticket", "digest", "evidence")
"""Loudest first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's verdict on one batch, column and slice.

    Attributes:
        check: the check's name in the registry.
        column: the column judged, None for the whole table.
        slice: the slice it was judged in, as ``region=LATAM``; None for all rows.
        error_class: hard, soft, drift or ops.
        tier: how loud it is when it fails.
        status: ``fail`` is a finding in the narrow sense; the others say what was checked and what was not.
        value: what was measured, in the unit the message names; None when nothing could be.
        threshold: the bound it was held against.
        score: how far beyond the bound, 1.0 at the bound; ranks findings of different checks.
        message: one sentence for a person, with column, value and reference.
        evidence: counts, examples, the predicate that selects the failing rows (``rows_sql``), other columns involved.
    """

    check: str
    error_class: ErrorClass
    tier: Tier
    status: Status
    message: str
    column: str | None = None
    slice: str | None = None
    value: float | None = None
    threshold: float | None = None
    score: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A finding as a row of the store."""

    id: int
    batch_id: int
    at: datetime
    finding: Finding


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One metric of one batch, as computed last.

    Attributes:
        value: None when it could not be told; ``note`` then says why ("not enough labels: 180 of 500").
        low, high: the 95 % interval, None where none is known.
        n: rows (or labels) it rests on; ``rows`` is how many the batch has, so that n / rows is the coverage.
        state: the mergeable sums, None for a metric that can't be merged.
    """

    metric: str
    kind: Literal["ml", "business", "ops"]
    value: float | None
    low: float | None
    high: float | None
    n: int
    rows: int
    note: str | None = None
    state: dict[str, Any] | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One metric of one batch in its place in time.

    Attributes:
        window_start, window_end: of the batch; its arrival where the log has no usable times.
        labelled: labelled rows of the batch, None when never measured.
    """

    batch_id: int
    window_start: datetime
    window_end: datetime
    stage: str | None
    labelled: int | None
    reading: MetricValue
