"""How a column's values follow each other from row to row: what a pile of numbers without order can't tell.

A feed that stopped repeats one value; a value filled in here and there comes back again and again between others; rows
that were mixed up no longer resemble their neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.stats.sketch_numbers import LARGEST, Floats

_SHORT = 8
_ALL_TRUE = np.uint64(0x0101_0101_0101_0101)
_WINDOWS, _WINDOW = 16, 1024
"""Neighbours and visits are counted in so many stretches of so many rows: more rows tell nothing new."""


@dataclass(frozen=True, slots=True)
class OrderProfile:
    """One column in the order of its rows.

    Attributes:
        batches: how many batches this is of; ``longest``, ``lost`` and ``visits`` are those of one batch at most.
        rows: all of them.
        pairs: of the ``looked`` rows those next to each other that both have a value.
        repeats: those of them with equal values.
        steps: sum of squared differences over the pairs; 0 for texts.
        longest: rows of the longest run of one value, ``first`` the row where it begins, from 0; above 16,384 rows
            a run of under 128 need not be found.
        lost: rows of the longest run without a value, ``first_lost`` the row where it begins.
        visits: how often the value that is come back to most begins a run, among ``looked`` rows.
    """

    batches: int = 0
    rows: int = 0
    pairs: int = 0
    repeats: int = 0
    steps: float = 0.0
    longest: int = 0
    first: int = 0
    lost: int = 0
    first_lost: int = 0
    visits: int = 0
    looked: int = 0

    def merge(self, other: OrderProfile) -> OrderProfile:
        """Both batches: sums of what adds up, the longest of the runs."""
        run = max((self, other), key=lambda part: (part.longest, -part.first))
        gap = max((self, other), key=lambda part: (part.lost, -part.first_lost))
        seen = max((self, other), key=lambda part: (part.visits, -part.looked))
        return OrderProfile(
            batches=self.batches + other.batches,
            rows=self.rows + other.rows,
            pairs=self.pairs + other.pairs,
            repeats=self.repeats + other.repeats,
            steps=self.steps + other.steps,
            longest=run.longest,
            first=run.first,
            lost=gap.lost,
            first_lost=gap.first_lost,
            visits=seen.visits,
            looked=seen.looked,
        )

    def then(self, other: OrderProfile) -> OrderProfile:
        """The rows of one batch that come after these; a run over the seam counts as two."""
        if not self.rows:
            return other
        later = replace(other, first=other.first + self.rows, first_lost=other.first_lost + self.rows)
        both = self.merge(later)
        return replace(both, batches=1, visits=self.visits + other.visits, looked=self.looked + other.looked)


def order_profile(values: Floats, *, numbers: bool = True) -> OrderProfile:
    """The order of ``values`` (NaN is missing); without ``numbers`` they are codes of texts and have no distances.

    >>> order_profile(np.array([1.0, 5.0, 5.0, 5.0, np.nan, 1.0]))
    OrderProfile(batches=1, rows=6, pairs=3, repeats=2, steps=16.0, longest=3, first=1, lost=1, first_lost=4, \
visits=2, looked=6)
    """
    n = int(values.size)
    if not n:
        return OrderProfile(batches=1)
    same = values[1:] == values[:-1]
    longest, first = _longest(same) if same.any() else (0, 0)
    absent = np.isnan(values)
    lost, first_lost = _longest(absent) if absent.any() else (0, 0)
    parts = _parts(values)
    pairs, repeats, steps = _neighbours(parts, numbers)
    return OrderProfile(
        batches=1,
        rows=n,
        pairs=pairs,
        repeats=repeats,
        steps=steps,
        longest=longest + 1 if not absent.all() else 0,
        first=first,
        lost=lost,
        first_lost=first_lost,
        visits=_visits(parts),
        looked=sum(part.size for part in parts),
    )


def _parts(values: Floats) -> list[Floats]:
    """The rows in full, or stretches of them evenly spread."""
    n = int(values.size)
    if n <= _WINDOWS * _WINDOW:
        return [values]
    step = n // _WINDOWS
    return [values[place * step : place * step + _WINDOW] for place in range(_WINDOWS)]


def _neighbours(parts: list[Floats], numbers: bool) -> tuple[int, int, float]:
    """Pairs of rows that both have a finite value, those of equal values, and the sum of their squared differences."""
    with np.errstate(invalid="ignore", over="ignore"):
        step = np.concatenate([part[1:] - part[:-1] for part in parts])
    known = np.clip(step[np.isfinite(step)], -LARGEST, LARGEST)
    steps = float(np.einsum("i,i->", known, known)) if numbers else 0.0
    return int(known.size), int(known.size - np.count_nonzero(known)), steps


def _longest(flags: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Length and start of the longest run of true flags, the first of equals.

    Of many flags runs shorter than two blocks are looked for in the first rows only: they are next to nothing there.
    """
    if flags.size > _WINDOWS * _WINDOW:
        blocks = flags[: flags.size // _SHORT * _SHORT].view(np.uint64)
        if not bool((blocks[: blocks.size // 8 * 8].reshape(-1, 8) == _ALL_TRUE).all(axis=1).any()):
            flags = flags[: _WINDOWS * _WINDOW]
    ends = np.concatenate([[-1], np.flatnonzero(~flags), [flags.size]])
    lengths = ends[1:] - ends[:-1] - 1
    at = int(np.argmax(lengths))
    return int(lengths[at]), int(ends[at]) + 1


def _visits(parts: list[Floats]) -> int:
    """Most runs that one value begins."""
    begun = [part[np.concatenate([[True], part[1:] != part[:-1]])] for part in parts if part.size]
    starts = np.concatenate(begun)
    starts = np.sort(starts[~np.isnan(starts)])
    if not starts.size:
        return 0
    edges = np.flatnonzero(np.concatenate([[True], starts[1:] != starts[:-1], [True]]))
    return int(np.diff(edges).max())
