"""Rows, sums and sums of squares of many slices: all that the statistics of change need to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.candidates import Candidates, tallies
from core.stats.slices.capping import squared
from core.stats.slices.table import Table

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """One window's slices, or the whole window (then of length 1): rows, sum of the signal, sum of its squares.

    Arrays of one length, a value a slice. Sums merge by adding.
    """

    rows: Numbers
    totals: Numbers
    squares: Numbers

    @classmethod
    def of(cls, rows: object, totals: object, squares: object | None = None) -> Sums:
        """From anything array-like; without squares the signal is 0/1 and they are the totals."""
        n, total = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (rows, totals))
        return cls(n, total, total if squares is None else np.atleast_1d(np.asarray(squares, dtype=np.float64)))

    @classmethod
    def whole(cls, table: Table) -> Sums:
        """All rows of a table, of length 1."""
        return cls.of(table.rows, table.total, None if table.is_binary else table.squares)

    @classmethod
    def counted(
        cls, table: Table, which: Candidates, rows: NDArray[np.int64] | None = None, totals: Numbers | None = None
    ) -> Sums:
        """Candidates in a table; rows and totals may be known already. Real: nearly."""
        if rows is None or totals is None:
            rows, totals = tallies(table, which)
        return cls.of(rows, totals, None if table.is_binary else tallies(squared(table), which)[1])

    def beyond(self, part: Sums) -> Sums:
        """The rows of this that are not in ``part``."""
        return Sums(self.rows - part.rows, self.totals - part.totals, np.maximum(0.0, self.squares - part.squares))

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> Sums:
        """Chosen slices."""
        return Sums(self.rows[places], self.totals[places], self.squares[places])

    @property
    def means(self) -> Numbers:
        """Mean signal; NaN without rows."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.rows > 0, self.totals / self.rows, np.nan)


@dataclass(frozen=True, slots=True)
class Mix:
    """Mean signal that a model without change expects, of the slices and of the rows outside, now and then."""

    now: Numbers
    then: Numbers
    rest_now: Numbers
    rest_then: Numbers


@dataclass(frozen=True, slots=True)
class Slope:
    """How far the rows beside each slice were drawn together (1: not at all), and the variance of that."""

    b: Numbers
    variance: Numbers

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> Slope:
        """Chosen slices."""
        return Slope(self.b[places], self.variance[places])
