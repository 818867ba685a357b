"""The walk through the levels: count, keep what may still reach the k-th score, join, until nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Counts, Numbers
from core.stats.slices.bound import SLACK, Limits, Score
from core.stats.slices.counting import Places, count, excesses
from core.stats.slices.levels import Children, Level, children
from core.stats.slices.table import Table, Tally

_FIRST, _BATCH = 24, 384
"""Conjunctions counted before the k-th score is looked at again: few at first, at most so many later."""


@dataclass(slots=True)
class Lattice:
    """One search.

    Attributes:
        minimum: rows that a slice has at least.
        kth: a score that at least k counted slices reach; 0 until then, since only scores above 0 count.
        kept: counted slices that may be among the best: places, lower and upper end of the score.
        counted: conjunctions that were counted.
    """

    table: Table
    k: int
    score: Score
    minimum: int
    prune: bool
    kth: float = 0.0
    counted: int = 0
    kept: list[tuple[Places, Numbers, Numbers]] = field(default_factory=list)
    _rows: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    _levels: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.table.is_binary:
            # Row values at some shares of the rows; nothing outside the heads is above the last.
            blocks = [block for block in self.table.blocks if block.words]
            shares = [max(float(b.most[b.head * part // 6 :].max()) for b in blocks) for part in (1, 3)]
            rest = max((float(b.most[b.head :].max()) for b in blocks if b.head < b.words), default=shares[-1])
            self._levels = (*shares, rest)

    @property
    def whole(self) -> tuple[int, float]:
        """Rows and sum of the table."""
        return self.table.rows, self.table.total

    def run(self, depth: int) -> None:
        """Counts level after level."""
        sizes = self.table.sizes
        columns = np.repeat(np.arange(len(sizes)), sizes)
        place = np.arange(len(columns))
        unknown = np.full(len(place), np.inf)
        most = np.full(len(place), self.table.rows, np.int64)
        singles = self._count(Level(place[:, None].astype(np.int32), place, most, unknown, _tops(self.table)), None)
        self._rows = np.zeros(len(place), np.int64)
        self._rows[singles.places[:, 0]] = singles.rows
        levels = [self._extensible(singles)]
        while len(levels) < depth and len(levels[-1].rows):
            final = len(levels) + 1 == depth
            found = [self._level(levels, some, final=final) for some in children(levels, columns)]
            if not found:
                return
            levels.append(self._extensible(Level.joined(found)))

    def contenders(self) -> list[tuple[Places, Tally, float]]:
        """Slices that may be among the k best and those equal to the k-th, counted exactly, in the fixed order."""
        found = []
        for places, _, high in self.kept:
            for row in places[high >= self._goal()]:
                tally = self.table.tally(self.table.literal(int(place)) for place in row)
                value = float(self.score.of(np.array([tally.rows]), np.array([tally.total]), self.whole)[0])
                if value > 0.0:
                    found.append((row, tally, value))
        return sorted(found, key=lambda item: (-item[2], -item[1].rows, len(item[0]), item[0].tolist()))

    def _level(self, levels: list[Level], some: Children, *, final: bool) -> Level:
        """Counts those children that may matter, the groups with the greatest bounds first; all when not pruning."""
        parent, ends = levels[-1], some.parents
        guess = Level(
            some.places,
            some.keys,
            parent.rows[ends].min(axis=1),
            parent.high[ends].min(axis=1),
            parent.top[ends].min(axis=1),
        )
        if not self.prune or not len(guess.rows):
            return self._count(guess, None)
        # The rows that parents have in common bound the slice itself; its extensions may be smaller.
        least = self._common(parent, some) if final else np.full(len(guess.rows), float(self.minimum))
        bound = self.score.bound(Limits(least, guess.rows.astype(np.float64), guess.high, guess.top), self.whole)
        alive = np.flatnonzero(bound >= self._goal())
        if not len(alive):
            return guess.at(alive)
        order = alive[np.argsort(-bound[alive], kind="stable")]
        parts, at, size = [], 0, _FIRST
        while at < len(order):
            # In order of their places again, so that those with the same lead stand together.
            chosen = np.sort(order[at : at + size])
            chosen = chosen[bound[chosen] >= self._goal()]
            if len(chosen):
                parts.append(self._count(guess.at(chosen), least[chosen] if final else None))
            at, size = at + size, min(2 * size, _BATCH)
        level = Level.joined(parts)
        return level.at(np.argsort(level.keys))

    def _count(self, guess: Level, least: Numbers | None) -> Level:
        """Counts, keeps what may be an answer, and returns those of minimum support.

        Args:
            guess: with upper ends of rows, sums and greatest values.
            least: lower ends of the rows when no extensions will be looked for.
        """
        self.counted += len(guess.rows)
        if self.prune and self.kth > 0.0:
            guess = guess.at(self._hopeful(guess, least))
        counted = count(self.table, guess.places)
        alive = counted.rows >= self.minimum
        level = Level(guess.places, guess.keys, counted.rows, counted.positive, guess.top).at(alive)
        low = self.score.of(level.rows, counted.low[alive], self.whole)
        high = self.score.of(level.rows, counted.high[alive], self.whole)
        reach = (high >= self._goal()) & (high > 0.0)
        self.kept.append((level.places[reach], low[reach], high[reach]))
        scores = np.concatenate([part[1] for part in self.kept])
        if len(scores) >= self.k:
            self.kth = max(self.kth, float(np.partition(scores, len(scores) - self.k)[len(scores) - self.k]))
        return level

    def _hopeful(self, guess: Level, least: Numbers | None) -> NDArray[np.bool_]:
        """Which may still reach the k-th score, or have extensions that may, once their heads are read."""
        most = guess.rows.astype(np.float64)
        lower = np.full(len(most), float(self.minimum)) if least is None else least
        levels = [0.0]
        if not self.table.is_binary:
            levels = [*self._levels, max(self._levels[-1], self.score.level(self.kth, self.whole))]
        lines = zip(excesses(self.table, guess.places, levels), levels, strict=True)
        limits = Limits(lower, most, guess.high, guess.top, tuple(lines))
        return self.score.bound(limits, self.whole) >= self._goal()

    def _extensible(self, level: Level) -> Level:
        """The conjunctions that may have extensions that matter."""
        if not self.prune or not len(level.rows):
            return level
        least = np.full(len(level.rows), float(self.minimum))
        limits = Limits(least, level.rows.astype(np.float64), level.high, level.top)
        return level.at(self.score.bound(limits, self.whole) >= self._goal())

    def _common(self, parent: Level, some: Children) -> Numbers:
        """Least rows of each child: the minimum, or what two of its parents have in common."""
        least = np.full(len(some.places), self.minimum)
        if some.places.shape[1] == 3:
            rows = parent.rows[some.parents]
            for kept, (one, other) in enumerate(((1, 2), (0, 2), (0, 1))):
                least = np.maximum(least, rows[:, one] + rows[:, other] - self._rows[some.places[:, kept]])
        return least.astype(np.float64)

    def _goal(self) -> float:
        return self.kth - SLACK * (1.0 + abs(self.kth))


def _tops(table: Table) -> Numbers:
    """An upper end of the greatest row value of each literal: the greatest of its first word with rows, a block."""
    literals = sum(table.sizes)
    if table.is_binary:
        return np.ones(literals)
    tops = np.full(literals, -np.inf)
    for block in table.blocks:
        if block.words:
            some = block.bits != 0
            most = block.most
            # Words fall by their leading bits only, so a later word may be greater by a little: running maximum from
            # behind.
            from_here = np.maximum.accumulate(most[::-1])[::-1]
            first = some.argmax(axis=1)
            tops = np.where(some[np.arange(literals), first], np.maximum(tops, from_here[first]), tops)
    return tops
