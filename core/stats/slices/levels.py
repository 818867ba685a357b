"""Levels of conjunctions: those of one more literal from those of one less, when every part of them is alive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Counts, Numbers
from core.stats.slices.counting import Places

JOINS = 1 << 20
"""Pairs of parents looked at in one go; bounds the memory of a join."""


@dataclass(frozen=True, slots=True)
class Level:
    """Conjunctions of the same number of literals, in lexicographic order of their places.

    Attributes:
        places: (m, depth), ascending in each row.
        keys: ``index of the lead in the level before * literals + last place``, ascending: how a conjunction is found.
        rows, high, top: size, upper end of the sum of positive parts, upper end of the greatest row value.
    """

    places: Places
    keys: Counts
    rows: Counts
    high: Numbers
    top: Numbers

    def at(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Level:
        """Only the chosen ones, in that order."""
        return Level(self.places[chosen], self.keys[chosen], self.rows[chosen], self.high[chosen], self.top[chosen])

    @staticmethod
    def joined(parts: Sequence[Level]) -> Level:
        """The conjunctions of all parts."""
        return Level(*(np.concatenate([getattr(part, name) for part in parts]) for name in Level.__slots__))


@dataclass(frozen=True, slots=True)
class Children:
    """Conjunctions to be counted, in lexicographic order; ``parents[:, i]``: the index of the one without literal i."""

    places: Places
    keys: Counts
    parents: Counts


def children(levels: Sequence[Level], columns: NDArray[np.int64]) -> Iterator[Children]:
    """Every conjunction one longer than the last level all of whose parents are in it.

    Args:
        levels: from one literal on.
        columns: the column of each place; two literals of one column never meet.
    """
    level = levels[-1]
    base = np.int64(len(columns))
    leads = level.keys // base
    # Behind conjunction i in the same group of leads stand those that it joins with.
    ends = np.searchsorted(leads, leads, side="right")
    joins = ends - np.arange(len(leads)) - 1
    cuts = np.searchsorted(np.cumsum(joins), np.arange(0, int(joins.sum()), JOINS), side="right")
    cuts = np.unique([*cuts.tolist(), len(leads)])
    for start, stop in zip(np.concatenate([[0], cuts[:-1]]), cuts, strict=True):
        if stop > start:
            yield _join(levels, columns, np.arange(start, stop), joins[start:stop])


def _join(levels: Sequence[Level], columns: NDArray[np.int64], lefts: Counts, joins: Counts) -> Children:
    level, base = levels[-1], np.int64(len(columns))
    left = np.repeat(lefts, joins)
    right = left + 1 + np.arange(len(left)) - np.repeat(np.cumsum(joins) - joins, joins)
    last = level.places[right, -1]
    fits = columns[level.places[left, -1]] != columns[last]
    left, right, last = left[fits], right[fits], last[fits]
    depth = level.places.shape[1]
    parents = np.empty((len(left), depth + 1), np.int64)
    parents[:, depth], parents[:, depth - 1] = left, right
    for dropped in range(depth - 1):
        kept = [i for i in range(depth) if i != dropped]
        index = np.zeros(len(left), np.int64)
        for step, place in enumerate([*(level.places[left, i] for i in kept), last]):
            index = _find(levels[step].keys, index * base + place)
        parents[:, dropped] = index
        alive = index >= 0
        left, last, parents = left[alive], last[alive], parents[alive]
    places = np.concatenate([level.places[left], last[:, None]], axis=1).astype(np.int32)
    return Children(places, left * base + last, parents)


def _find(keys: Counts, wanted: Counts) -> Counts:
    """Index of each wanted key, -1 where there is none (a negative key is never there)."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[index] == wanted, index, -1)
