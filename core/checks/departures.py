"""Today's statistics held against what they were expected to be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from core.checks.departed import Departure, DeparturesTable
from core.checks.given import Given, PastBatch, SameHour
from core.checks.key_numbers import codes_of, families_of, floors_of
from core.checks.measures import Bounds, readings
from core.checks.readings_table import ReadingsTable, history
from core.checks.statistics import STATS, Key, Reading
from core.checks.traits import Trait
from core.stats.expectation import MINIMUM_PAST, expectations, family_threshold
from core.stats.sketch_numbers import Floats
from core.stats.sketch_values import ValueCounts

NOISE = 4.0
"""Standard errors of sampling noise that are never called a departure."""

PAST = 35
"""Past batches looked back upon: five weeks of days."""

SAME_HOUR = 14
"""Earlier days whose batch of the same hour is known, from which on a batch is judged by those: a fortnight."""

SPANS = 4.0
"""Batches whose stretches of time differ by more than this factor tell nothing of each other's rows and hours."""

HOUR = 3600.0
HALF_A_DAY = 12 * HOUR
"""Batches shorter than this end when their own stretch does: their last hours compare where they begin alike."""

LAST_HOUR = Key("", "last_hour")
BY_SPAN = frozenset({"rows", "hours", "last_hour", "gap"})

RELATIVE = 1.5
"""A share of missing values that is not new must grow by this much of itself when only one reference is known."""


@dataclass(frozen=True)
class Departures:
    """Every statistic; ``days`` is how many past batches the scales rest on, 0 when only the reference does.

    ``past_ratios`` are days x statistics in the order of ``found``: each past batch judged by the others.
    """

    days: int = 0
    found: Mapping[Key, Departure] = field(default_factory=dict)
    past_ratios: Floats | None = None

    def get(self, column: str, stat: str, part: str = "") -> Departure | None:
        """That statistic, None when it could not be measured."""
        return self.found.get(Key(column, stat, part))

    def ratio(self, column: str, stat: str, part: str = "") -> float:
        """Its ratio, 0.0 when it could not be measured."""
        found = self.get(column, stat, part)
        return found.ratio if found else 0.0

    def of(self, stat: str) -> list[tuple[Key, Departure]]:
        """All of one kind of statistic, the furthest departed first."""
        if stat not in self._listed:
            self._listed[stat] = self.table.of_stat(stat)
        return self._listed[stat]

    @cached_property
    def table(self) -> DeparturesTable:
        """All of them as arrays: for those who need not look at each."""
        return DeparturesTable.of(self.found)

    @cached_property
    def of_rows(self) -> list[tuple[Key, Departure]]:
        """Those that are of all rows and not of a slice."""
        return self.table.of_rows()

    @cached_property
    def _listed(self) -> dict[str, list[tuple[Key, Departure]]]:
        return {}


def departures(given: Given, kinds: Mapping[str, Trait], now: Mapping[Key, Reading]) -> Departures:
    """Judge a batch's statistics ``now`` by its past where at least ``MINIMUM_PAST`` batches allow."""
    past, bounds = given.past, _reference_bounds(given)
    if len(past) >= MINIMUM_PAST:
        return _against_past(given, kinds, now)
    base = readings(given.reference, given.reference, kinds, given.roles, bounds, member=False)
    measured_past = [readings(b.profile, given.reference, kinds, given.roles, bounds, member=False) for b in past]
    earlier = [_comparable(given, batch, ReadingsTable.of(day)) for batch, day in zip(past, measured_past, strict=True)]
    found = {}
    for key, reading in now.items():
        before = _seen(base, key, reading)
        seen = [told.value for e in earlier if (told := _seen(e, key, reading))]
        if key.column == "" and key.stat in ("rows", "hours", "last_hour", "gap") and not seen:
            continue  # a merged reference says nothing of how large one batch is
        if before is None and not seen:
            continue
        expected = before.value if before and key.column else (float(np.median(seen)) if seen else 0.0)
        if not key.column and before and not seen:
            expected = before.value
        wobble = 2 * max((abs(value - expected) for value in seen), default=0.0)
        noise = math.hypot(reading.noise, before.noise if before and key.column else 0.0)
        usual = RELATIVE * expected if STATS[key.stat].group == "missing" or key.stat == "slice_missing" else 0.0
        scale = max(STATS[key.stat].alone + NOISE * noise + usual, wobble)
        found[key] = Departure(reading.value, expected, scale, abs(reading.value - expected) / scale)
    return Departures(0, found)


def measured(given: Given, kinds: Mapping[str, Trait]) -> ReadingsTable:
    """Every statistic of the batch against the reference."""
    bounds = _reference_bounds(given)
    return readings(given.current, given.reference, kinds, given.roles, bounds, member=False)


def measured_members(given: Given, kinds: Mapping[str, Trait]) -> list[Mapping[Key, Reading]]:
    """Every statistic of each past batch, as if it were not among the reference; those told earlier are kept."""
    past, patterns = given.past[-PAST:], _patterns(given)
    return [
        batch.readings
        if batch.readings is not None
        else readings(
            batch.profile, given.reference, kinds, given.roles, _bounds_without(past, i, patterns), member=True
        )
        for i, batch in enumerate(past)
    ]


def _against_past(given: Given, kinds: Mapping[str, Trait], now: Mapping[Key, Reading]) -> Departures:
    past: Sequence[PastBatch | SameHour]
    told: Sequence[Mapping[Key, Reading]]
    if len(given.same_hour) >= SAME_HOUR:
        past, told = given.same_hour, [batch.readings for batch in given.same_hour]
    else:
        past, told = given.past[-PAST:], measured_members(given, kinds)
    asked = ReadingsTable.of(now)
    tables = [_comparable(given, past[i], ReadingsTable.of(day)) for i, day in enumerate(told)]
    values, noises = history(tables, asked)
    kept = np.flatnonzero(np.isfinite(values).sum(axis=0) >= MINIMUM_PAST)
    if not kept.size:
        return Departures(len(past), {})
    numbers, values, today = asked.numbers[kept], values[:, kept], asked.values_told[kept]
    noise = np.maximum(np.median(noises[:, kept], axis=0), asked.noises[kept])
    codes = codes_of(numbers)
    days, season = seasons(given.window_start, [b.window_start for b in past])
    judged = expectations(values, today, floors_of(codes) + NOISE * noise, days, season)
    families = families_of(codes)
    threshold = np.ones(numbers.size)
    for family in np.unique(families):
        members = families == family
        threshold[members] = family_threshold(judged.past_ratios[:, members])
    figures = np.stack([today, judged.expected, judged.scale, judged.ratio / threshold])
    return Departures(len(past), DeparturesTable(numbers, figures), judged.past_ratios / threshold)


def _seen(day: Mapping[Key, Reading], key: Key, now: Reading) -> Reading | None:
    """A past reading; a slice that was there and lacked nothing has no reading of what it lacked."""
    found = day.get(key)
    if found is None and key.stat == "slice_missing" and Key(slice_column(key.slice), "slice_share", key.slice) in day:
        return Reading(0.0, now.noise)
    return found


def slice_column(name: str) -> str:
    """The column a slice ``column=value`` is cut by.

    >>> slice_column("region=LATAM=south")
    'region'
    """
    return name.partition("=")[0]


def _comparable(given: Given, past: PastBatch | SameHour, day: ReadingsTable) -> ReadingsTable:
    """Rows and hours of ten minutes are no measure for a day, nor is a last hour at noon for a batch of the night."""
    now = _span(given.window_start, given.window_end)
    then = _span(past.window_start, past.window_end)
    if now is None or then is None:
        return day
    if 1 / SPANS <= (now + HOUR) / (then + HOUR) <= SPANS:
        short = max(now, then) < HALF_A_DAY
        if not short or _hour(given.window_start) == _hour(past.window_start):
            return day
        return day.without([LAST_HOUR])
    return day.without(Key("", stat) for stat in BY_SPAN)


def _hour(start: datetime | None) -> int | None:
    return None if start is None else start.hour


def _span(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()


def by_the_hour(starts: Sequence[datetime]) -> bool:
    """Whether batches in the order of time come less than half a day apart, so that the hour is their season."""
    gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
    return bool(gaps) and float(np.median(gaps)) < HALF_A_DAY


def seasons(now: datetime | None, starts: Sequence[datetime | None]) -> tuple[npt.NDArray[np.int64], int]:
    """The season of each past batch and of this one: the weekday, or the hour for batches under half a day apart."""
    if now is None or any(start is None for start in starts):
        return np.zeros(len(starts), np.int64), 0
    moments = [start for start in starts if start is not None]
    if by_the_hour(moments):
        return np.array([m.hour for m in moments]), now.hour
    return np.array([m.weekday() for m in moments]), now.weekday()


def _reference_bounds(given: Given) -> Bounds:
    numbers = {name: c.number for name, c in given.reference.columns.items() if c.number is not None}
    return Bounds(
        {n: p.minimum for n, p in numbers.items()}, {n: p.maximum for n, p in numbers.items()}, _patterns(given)
    )


def _patterns(given: Given) -> Mapping[str, ValueCounts]:
    return {name: c.text.patterns for name, c in given.reference.columns.items() if c.text is not None}


def _bounds_without(past: Sequence[PastBatch], index: int, patterns: Mapping[str, ValueCounts]) -> Bounds:
    """The range that all past batches but one have seen."""
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for i, batch in enumerate(past):
        if i == index:
            continue
        for name, column in batch.profile.columns.items():
            if column.number is not None:
                low[name] = min(low.get(name, math.inf), column.number.minimum)
                high[name] = max(high.get(name, -math.inf), column.number.maximum)
    return Bounds(low, high, patterns)
