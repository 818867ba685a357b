"""How old a set is, and how far it lies from what the model sees today."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from core.evaluation.sets import items_of
from core.stats.drift import SMOOTHING, frequent_counts, psi, quantile_counts
from core.stats.packing import unpack
from core.stats.profile import BatchProfile, ColumnProfile
from core.stats.sketch_numbers import Histogram
from storage.clock import from_text
from storage.records.evaluation_sets import EvaluationSet, Item
from storage.records.models import Model
from storage.tables import batches

RECENT = timedelta(days=30)
LIVE = 7
"""The newest serving batches that stand for what the model sees today."""

LEAST = 30
"""Fewer values than this tell no distance."""

FAR = 0.25
"""A population stability index over this is usually called shifted (Lewis, 1994)."""


@dataclass(frozen=True, slots=True)
class ColumnDistance:
    """One column of a set against live data.

    Attributes:
        psi: population stability index, None under 30 values.
        noise: what sampling so few rows from live data would give by itself: the mean of chi-squared over n.
    """

    column: str
    values: int
    psi: float | None
    noise: float | None

    @property
    def far(self) -> bool:
        """Whether the column is shifted, and not for want of rows."""
        return self.psi is not None and self.noise is not None and self.psi > FAR and self.psi > 2 * self.noise


@dataclass(frozen=True, slots=True)
class SetAge:
    """A set in time.

    Attributes:
        age: since it was frozen.
        dated: items whose time is known; ``recent`` is the share of them from the last 30 days, None without any.
        oldest, newest: of those times.
        columns: distances, the farthest first.
        live: batches that stand for live data.
    """

    set: EvaluationSet
    age: timedelta
    dated: int
    recent: float | None
    oldest: datetime | None
    newest: datetime | None
    columns: tuple[ColumnDistance, ...]
    live: int


def set_age(db: sqlite3.Connection, model: Model, found: EvaluationSet, now: datetime) -> SetAge:
    """Age, share of fresh rows, and the distance of each feature to the newest serving batches."""
    items = items_of(db, found)
    times = [moment for item in items if (moment := _moment(item, model.file.columns.time)) is not None]
    profile, count = live_profile(db, model)
    hidden = {*model.file.columns.ignore, *model.file.columns.redact, model.file.columns.time, model.file.columns.id,
              model.file.columns.version, model.file.columns.stage}  # fmt: skip
    names = dict.fromkeys(name for item in items for name in item.payload if name not in hidden)
    told = [_distance(name, items, profile.columns[name]) for name in names if name in profile.columns]
    return SetAge(
        set=found,
        age=now - found.at,
        dated=len(times),
        recent=sum(now - moment <= RECENT for moment in times) / len(times) if times else None,
        oldest=min(times, default=None),
        newest=max(times, default=None),
        columns=tuple(sorted(told, key=lambda c: (-(c.psi if c.psi is not None else -1.0), c.column))),
        live=count,
    )


def live_profile(db: sqlite3.Connection, model: Model) -> tuple[BatchProfile, int]:
    """The newest serving batches, merged, and how many they are."""
    newest = [b for b in batches.page(db, model_id=model.id, limit=LIVE * 4) if b.role == "serving"][:LIVE]
    merged = BatchProfile()
    for batch in newest:
        merged = merged.merge(unpack(batches.profile(db, batch.id)))
    return merged, len(newest)


def _distance(name: str, items: Sequence[Item], live: ColumnProfile) -> ColumnDistance:
    cells = [item.payload.get(name) for item in items]
    if live.number is not None and live.kind in ("number", "boolean"):
        numbers = np.array([float(c) for c in cells if isinstance(c, int | float)])
        if numbers.size < LEAST or not live.number.finite:
            return ColumnDistance(name, int(numbers.size), None, None)
        left, right = quantile_counts(Histogram.of(numbers), live.number.histogram)
    elif live.text is not None:
        counts = Counter(str(c) for c in cells if c is not None)
        if sum(counts.values()) < LEAST or not live.text.values.counts:
            return ColumnDistance(name, sum(counts.values()), None, None)
        left, right = frequent_counts(counts, live.text.values.counts)
    else:
        return ColumnDistance(name, 0, None, None)
    n, m = float(left.sum()), float(right.sum())
    bins = int(np.count_nonzero(right / m > SMOOTHING))
    noise = max(bins - 1, 1) * (1 / n + 1 / m)
    return ColumnDistance(name, int(n), psi(left, right), noise)


def _moment(item: Item, column: str) -> datetime | None:
    """When an item's row was scored; a number is seconds since 1970."""
    value = item.payload.get(column)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return from_text(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
