"""Label files, what they were joined with, and what a joined batch holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.batches import Batch


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A file of late labels; it stays where it is, the store knows its hash.

    Attributes:
        rows: rows read; ``quarantined`` lines are not among them.
    """

    id: int
    model_id: int
    path: str
    sha256: str
    rows: int
    quarantined: int
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch that may hold ids of a label file; ``matched`` is None until that file was joined with it."""

    batch: Batch
    matched: int | None


@dataclass(frozen=True, slots=True)
class JoinCounts:
    """What a join of a batch with its labels found.

    Attributes:
        rows: rows of the batch.
        labelled: rows with a usable label; ``unreadable`` have one that is neither yes nor no, or no number.
        unusable: rows whose prediction can't be judged, by reason: ``missing``, ``not a number``, ``infinite``,
            ``outside [0, 1]``.
        lag_p50_seconds, lag_p95_seconds: from prediction to label, None when no label came late.
    """

    rows: int
    labelled: int
    unreadable: int
    unusable: tuple[tuple[str, int], ...]
    lag_p50_seconds: float | None
    lag_p95_seconds: float | None
