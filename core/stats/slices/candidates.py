"""All conjunctions of minimum support, and their counts on any table of the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Counts, Numbers, Words
from core.stats.slices.counting import Places, count, totals
from core.stats.slices.levels import Level, children
from core.stats.slices.table import Literal, Table
from core.stats.stopping import Stop, go_on


@dataclass(frozen=True, slots=True)
class Candidates:
    """Conjunctions by rising length, each length in lexicographic order.

    Attributes:
        literals: (m, depth) places of literals (:meth:`Table.literal`), ascending, padded with -1.
        parents: (m, depth) index of the candidate without that literal; -1 where there is no literal or nothing is
            left.
        rows: (m,) rows on the table that the support was asked of.
        totals: (m,) sums of its signal there: exact for 0/1, the middle of tight bounds for a real signal.
    """

    literals: NDArray[np.int32]
    parents: Counts
    rows: Counts
    totals: Numbers

    def __len__(self) -> int:
        return len(self.literals)

    def of(self, table: Table, index: int) -> tuple[Literal, ...]:
        """The literals of one candidate."""
        return tuple(table.literal(int(place)) for place in self.literals[index] if place >= 0)


def candidates(
    tables: Sequence[Table], *, depth: int, minimum: int, on: int = 0, stop: Stop | None = None
) -> Candidates:
    """All conjunctions to ``depth`` literals with at least ``minimum`` (>= 1) rows in ``tables[on]``.

    Raises:
        Stopped: ``stop`` said so.
        ValueError: the tables have other columns than each other, or depth or minimum is below 1.
    """
    if depth < 1 or minimum < 1:
        raise ValueError("depth and minimum are at least 1")
    table = tables[on]
    if any(other.sizes != table.sizes for other in tables):
        raise ValueError("the tables have other columns than each other")
    columns = np.repeat(np.arange(len(table.sizes)), table.sizes)
    first = np.arange(len(columns), dtype=np.int32)
    levels = [_level(table, first[:, None], first.astype(np.int64), minimum)]
    literals, parents, sums = (
        [levels[0][0].places],
        [np.full((len(levels[0][0].rows), 1), -1, np.int64)],
        [levels[0][1]],
    )
    offset = 0
    while len(levels) < depth and len(levels[-1][0].rows):
        found = []
        for some in children([level for level, _ in levels], columns):
            go_on(stop)
            level, total, alive = _counted(table, some.places, some.keys, minimum)
            found.append((level, total, some.parents[alive]))
        if not found:
            break
        level = Level.joined([f[0] for f in found])
        total = np.concatenate([f[1] for f in found])
        literals.append(level.places)
        parents.append(np.concatenate([f[2] for f in found]) + offset)
        sums.append(total)
        offset += len(levels[-1][0].rows)
        levels.append((level, total))
    return Candidates(
        np.concatenate([_padded(part, depth) for part in literals]),
        np.concatenate([_padded(part, depth) for part in parents]),
        np.concatenate([level.rows for level, _ in levels]),
        np.concatenate(sums),
    )


def tallies(
    table: Table, candidates: Candidates, signals: Sequence[Words] | None = None
) -> tuple[Counts, NDArray[Any]]:
    """Rows (m,) of every candidate in ``table``, and sums.

    Without ``signals`` the sums (m,) are those of the table's own signal, as in :attr:`Candidates.totals`. With packed
    bits in the order of :meth:`Table.mask` they are the rows (m, len(signals)) that the candidate has in common with
    each.
    """
    length = (candidates.literals >= 0).sum(axis=1)
    shape = (len(candidates),) if signals is None else (len(candidates), len(signals))
    rows = np.zeros(len(candidates), np.int64)
    sums: NDArray[Any] = np.zeros(shape, np.float64 if signals is None else np.int64)
    for depth in range(1, candidates.literals.shape[1] + 1):
        which = np.flatnonzero(length == depth)
        places: Places = candidates.literals[which, :depth]
        if not len(which):
            continue
        if signals is None:
            counted = count(table, places)
            rows[which], sums[which] = counted.rows, (counted.low + counted.high) / 2
        else:
            rows[which], sums[which] = totals(table, places, signals)
    return rows, sums


def _level(table: Table, places: Places, keys: Counts, minimum: int) -> tuple[Level, Numbers]:
    level, total, _ = _counted(table, places, keys, minimum)
    return level, total


def _counted(table: Table, places: Places, keys: Counts, minimum: int) -> tuple[Level, Numbers, NDArray[np.bool_]]:
    counted = count(table, places)
    alive = counted.rows >= minimum
    nothing = np.zeros(int(alive.sum()))
    level = Level(places[alive], keys[alive], counted.rows[alive], nothing, nothing)
    return level, ((counted.low + counted.high) / 2)[alive], alive


def _padded(part: NDArray[np.integer], depth: int) -> NDArray[np.integer]:
    return np.pad(part, ((0, 0), (0, depth - part.shape[1])), constant_values=-1)
