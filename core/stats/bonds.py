"""How strongly each two number columns of a batch go together: rank correlations, that merge by weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.stats.sketch_numbers import Floats

MOST_COLUMNS = 24
MOST_ROWS = 2048
"""Columns and rows looked at: more rows tell a correlation closer than any threshold asks."""


@dataclass(frozen=True, slots=True, eq=False)
class Bonds:
    """Rank correlations of ``names``, two by two.

    Attributes:
        names: the columns, at most ``MOST_COLUMNS`` in one batch.
        rows: columns x columns, the rows that each correlation rests on, summed over batches.
        total: columns x columns, the correlations times their rows, summed; NaN nowhere.
    """

    names: tuple[str, ...]
    rows: Floats
    total: Floats

    @staticmethod
    def empty() -> Bonds:
        """No columns."""
        none = np.zeros((0, 0))
        return Bonds((), none, none)

    @property
    def correlations(self) -> Floats:
        """Columns x columns, -1 to 1; 0 where nothing is known."""
        return np.asarray(self.total / np.maximum(self.rows, 1.0), dtype=np.float64)

    def merge(self, other: Bonds) -> Bonds:
        """Both batches, weighted by rows."""
        if not self.names or not other.names:
            return self if self.names else other
        if self.names == other.names:
            return Bonds(self.names, self.rows + other.rows, self.total + other.total)
        names = tuple(sorted({*self.names, *other.names}))
        place = {name: at for at, name in enumerate(names)}
        rows, total = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
        for part in (self, other):
            at = np.array([place[name] for name in part.names])
            rows[np.ix_(at, at)] += part.rows
            total[np.ix_(at, at)] += part.total
        return Bonds(names, rows, total)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Bonds)
            and self.names == other.names
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.total, other.total)
        )

    __hash__ = None  # type: ignore[assignment]


def bonds_of(numbers: Mapping[str, Floats]) -> Bonds:
    """Rank correlations of columns of equally many rows (NaN is missing and counts as the middle).

    >>> found = bonds_of({"a": np.arange(50.0), "b": -np.arange(50.0) ** 3})
    >>> float(found.correlations[0, 1].round(6))
    -1.0
    """
    names = tuple(sorted(numbers)[:MOST_COLUMNS])
    if len(names) < 2:
        return Bonds.empty()
    ranks = np.stack([_ranks(numbers[name]) for name in names])
    n = ranks.shape[1]
    found = np.round(np.einsum("ik,jk->ij", ranks, ranks, optimize=False), 4)
    known = np.outer((ranks != 0).any(axis=1), (ranks != 0).any(axis=1))
    return Bonds(names, known * float(n), found * known * n)


def _ranks(values: Floats) -> Floats:
    """Mid-ranks of the values, centred and of length one; zeros where there is nothing to rank."""
    present = np.flatnonzero(~np.isnan(values))
    found = np.zeros(values.size)
    if present.size < 2:
        return found
    order = np.argsort(values[present], kind="stable")
    ordered = values[present][order]
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
    middles = (edges[:-1] + edges[1:] - 1) / 2
    found[present[order]] = np.repeat(middles, np.diff(edges)) - (present.size - 1) / 2
    length = float(np.sqrt(np.einsum("i,i->", found, found)))
    return found / length if length > 0 else found
