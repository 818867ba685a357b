"""Batches of prediction logs as the store knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["serving", "reference"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One file of a prediction log; the file stays where it is.

    Attributes:
        rows: rows read; ``quarantined`` lines are not among them.
        columns: name and kind of each column, in order.
        admitted: whether later batches are compared with it.
    """

    id: int
    model_id: int
    role: Role
    path: str
    sha256: str
    format: str
    bytes: int
    version: str | None
    stage: str | None
    window_start: datetime | None
    window_end: datetime | None
    rows: int
    quarantined: int
    columns: tuple[tuple[str, str], ...]
    arrived_at: datetime
    admitted: bool


@dataclass(frozen=True, slots=True)
class LabelCoverage:
    """How many of a batch's rows have a label, and how late those came (seconds, None when unknown)."""

    batch_id: int
    at: datetime
    rows: int
    labelled: int
    lag_p50_seconds: float | None
    lag_p95_seconds: float | None

    @property
    def share(self) -> float:
        """Labelled rows over all rows, 0.0 for an empty batch."""
        return self.labelled / self.rows if self.rows else 0.0
