"""What is given of a batch before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.checks.beside import Beside
from core.checks.statistics import Key, Reading
from core.checks.watched import WatchedSlice
from core.stats.profile import BatchProfile
from storage.records.logs import Roles
from storage.records.models import CheckSpec


@dataclass(frozen=True, slots=True)
class PastBatch:
    """One accepted earlier batch; ``profile`` is also among those merged into the reference.

    ``readings`` are its statistics as they were told when it came, None where they must be measured again.
    """

    window_start: datetime | None
    window_end: datetime | None
    profile: BatchProfile
    readings: Mapping[Key, Reading] | None = None


@dataclass(frozen=True, slots=True)
class SameHour:
    """An accepted batch of an earlier day at this batch's time of day, where batches come by the hour."""

    window_start: datetime | None
    window_end: datetime | None
    readings: Mapping[Key, Reading]


@dataclass(frozen=True)
class Given:
    """One batch and all that it is judged by.

    Attributes:
        current: the batch.
        reference: the baseline, merged.
        past: the accepted batches in the order of time; may be empty. From five on thresholds come from them.
        roles: which column plays which part.
        specs: what the model file says about checks.
        calendar: columns that the model file calls calendar columns.
        window_start, window_end: the batch's stretch of time, when known.
        expected_rows: rows that the source says it sent, when it says so (conservation).
        kept_slices: what is watched besides, each slice by its own past.
        beside: rows with known answers, and the rows that the version learned from.
        streaks: by check, column and slice, in how many batches directly before it failed; None where nobody knows.
        same_hour: accepted batches of earlier days at this time of day, in the order of time, where batches come by the
            hour: with enough of them they are what thresholds come from.
    """

    current: BatchProfile
    reference: BatchProfile
    past: tuple[PastBatch, ...] = ()
    roles: Roles = field(default_factory=Roles)
    specs: tuple[CheckSpec, ...] = ()
    calendar: tuple[str, ...] = ()
    window_start: datetime | None = None
    window_end: datetime | None = None
    expected_rows: int | None = None
    kept_slices: tuple[WatchedSlice, ...] = ()
    beside: Beside = field(default_factory=Beside)
    streaks: Mapping[tuple[str, str | None, str | None], int] | None = None
    same_hour: tuple[SameHour, ...] = ()
