"""A question opened for slicing by hand: its sides, its signal, and the sums of the signal per group of rows."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.stats.intervals import mean_interval, wilson

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from core.slices.sides import Side, Sides
    from core.slices.signals import Measure


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows of a group, those with a signal, and its mean and variance (NaN without any)."""

    rows: int
    measured: int
    mean: float
    variance: float

    def error(self) -> float | None:
        """Mean of the signal, None where no row has one."""
        return self.mean if self.measured else None

    def interval(self, *, binary: bool) -> tuple[float, float] | None:
        """95 %: Wilson's for a share, Student's for a mean."""
        if not self.measured:
            return None
        if binary:
            return wilson(round(self.mean * self.measured), self.measured)
        return mean_interval(self.mean, self.variance, self.measured)


@dataclass(frozen=True, slots=True)
class Opened:
    """Open sides with their signal; ``why_not`` says in words that there is none (rows are counted all the same)."""

    sides: Sides
    measure: Measure | None
    why_not: str | None

    @property
    def binary(self) -> bool:
        """Whether the signal is 0 or 1 in every row."""
        return self.measure is not None and self.measure.binary

    def grouped(self, side: Side, key: str, request: SliceRequest) -> Mapping[object, Sums]:
        """Sums of the rows of a side that fulfil the request, per value of an SQL expression."""
        now = side is self.sides.now
        sql, relation = "null::double", side.relation
        if self.measure is not None:
            sql = (self.measure.now if now else self.measure.then) or sql
            relation = (self.measure.relation if now else None) or relation
        found = side.source.query(
            f"select k, count(*), count(v), avg(v), var_samp(v) from (select {key} as k, {sql} as v from {relation} "
            f"where {side.condition(request.where)}) group by 1 order by 1"
        )
        return {
            key: Sums(int(str(rows)), int(str(measured)), _float(mean), _float(variance))
            for key, rows, measured, mean, variance in found
        }


@contextmanager
def open_question(db: sqlite3.Connection | None, request: SliceRequest, *, now: datetime) -> Iterator[Opened]:
    """Open both sides and choose the signal.

    Raises:
        SourceError: a file can't be read.
        UsageError: the request names what is not there.
    """
    from core.slices.columns import features
    from core.slices.opening import open_sides
    from core.slices.signals import choose

    with open_sides(db, request, now=now) as sides:
        found = sides.empty or choose(sides, request, features(sides))
        yield Opened(sides, None, found) if isinstance(found, str) else Opened(sides, found, None)


def _float(value: object) -> float:
    return math.nan if value is None else float(str(value))
