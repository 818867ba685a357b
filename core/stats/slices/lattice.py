"""The walk through the levels: count, keep what may still reach the k-th score, join, until nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.bound import SLACK, Score
from core.stats.slices.counting import Places, count
from core.stats.slices.levels import Children, Level, children
from core.stats.slices.table import Counts, Numbers, Table, Tally

_BATCH = 256
"""Conjunctions counted before the k-th score is looked at again."""


@dataclass(slots=True)
class Lattice:
    """One search.

    Attributes:
        minimum: rows that a slice has at least.
        kth: a score that at least k counted slices reach; 0 until then, since only scores above 0 count.
        kept: counted slices whose score may be above 0: places, rows, lower and upper end of the score.
        counted: conjunctions that were counted.
    """

    table: Table
    k: int
    score: Score
    minimum: int
    prune: bool
    kth: float = 0.0
    counted: int = 0
    kept: list[tuple[Places, Counts, Numbers, Numbers]] = field(default_factory=list)

    @property
    def whole(self) -> tuple[int, float]:
        """Rows and sum of the table."""
        return self.table.rows, self.table.total

    def run(self, depth: int) -> None:
        """Counts level after level."""
        table = self.table
        columns = np.repeat(np.arange(len(table.sizes)), table.sizes)
        first = np.arange(len(columns), dtype=np.int32)
        levels = [self._count(first[:, None], first.astype(np.int64), _tops(table))]
        levels[0] = self._alive(levels[0])
        while len(levels) < depth and len(levels[-1].rows):
            found = [self._bounded(levels, some, final=len(levels) + 1 == depth) for some in children(levels, columns)]
            if not found:
                return
            level = Level(*(np.concatenate([getattr(part, name) for part in found]) for name in Level.__slots__))
            levels.append(self._alive(level))

    def contenders(self) -> list[tuple[Places, Tally, float]]:
        """Slices that may be among the k best and those equal to the k-th, counted exactly, in the fixed order."""
        found = []
        for places, _, _, high in self.kept:
            for row in places[high >= self.kth - self._slack()]:
                tally = self.table.tally(self.table.literal(int(place)) for place in row)
                value = float(self.score.of(np.array([tally.rows]), np.array([tally.total]), self.whole)[0])
                if value > 0.0:
                    found.append((row, tally, value))
        return sorted(found, key=lambda item: (-item[2], -item[1].rows, len(item[0]), item[0].tolist()))

    def _slack(self) -> float:
        return SLACK * (1.0 + abs(self.kth))

    def _bound(self, least: Numbers, level: Level) -> Numbers:
        return self.score.bound(least, level.rows.astype(np.float64), level.high, level.top, self.whole)

    def _alive(self, level: Level) -> Level:
        """The conjunctions whose extensions may still matter."""
        if not self.prune or not len(level.rows):
            return level
        least = np.full(len(level.rows), float(self.minimum))
        return level.keep(self._bound(least, level) >= self.kth - self._slack())

    def _bounded(self, levels: list[Level], some: Children, *, final: bool) -> Level:
        """Counts the children whose bound, from all parents, reaches the k-th score: groups of great bounds first."""
        parent = levels[-1]
        rows = parent.rows[some.parents].min(axis=1)
        guess = Level(
            some.places, some.keys, rows, parent.high[some.parents].min(axis=1), parent.top[some.parents].min(axis=1)
        )
        bound = self._bound(np.full(len(rows), float(self.minimum)), guess) if len(rows) else np.empty(0)
        if not self.prune:
            return self._count(some.places, some.keys, guess.top)
        alive = np.flatnonzero(bound >= self.kth - self._slack())
        lead = some.keys[alive] // max(1, len(self.table_columns()))
        cuts = np.flatnonzero(lead[1:] != lead[:-1]) + 1
        groups = np.split(alive, cuts) if len(alive) else []
        groups.sort(key=lambda group: -float(bound[group].max()))
        parts = []
        at = 0
        while at < len(groups):
            batch: list[NDArray[np.int64]] = []
            size = 0
            while at < len(groups) and size < _BATCH:
                group = groups[at][bound[groups[at]] >= self.kth - self._slack()]
                if len(group):
                    batch.append(group)
                    size += len(group)
                at += 1
            if batch:
                chosen = np.concatenate(batch)
                parts.append(self._count(some.places[chosen], some.keys[chosen], guess.top[chosen]))
        if not parts or final:
            return guess.keep(np.zeros(len(rows), np.bool_))
        level = Level(*(np.concatenate([getattr(part, name) for part in parts]) for name in Level.__slots__))
        order = np.argsort(level.keys)
        return Level(*(getattr(level, name)[order] for name in Level.__slots__))

    def table_columns(self) -> range:
        """Places of all literals."""
        return range(sum(self.table.sizes))

    def _count(self, places: Places, keys: Counts, top: Numbers) -> Level:
        """Counts, keeps what may be an answer, and returns those of minimum support."""
        counted = count(self.table, places)
        self.counted += len(places)
        alive = counted.rows >= self.minimum
        rows = counted.rows[alive]
        low = self.score.of(rows, counted.low[alive], self.whole)
        high = self.score.of(rows, counted.high[alive], self.whole)
        reach = high > max(0.0, self.kth - self._slack()) if self.kth <= 0 else high >= self.kth - self._slack()
        self.kept.append((places[alive][reach], rows[reach], low[reach], high[reach]))
        scores = np.concatenate([part[2] for part in self.kept])
        if len(scores) >= self.k:
            self.kth = max(self.kth, float(np.partition(scores, len(scores) - self.k)[len(scores) - self.k]))
        return Level(places[alive], keys[alive], rows, counted.positive[alive], top[alive])


def _tops(table: Table) -> Numbers:
    """An upper end of the greatest row value of each literal: the greatest of its first word with rows, a block."""
    literals = sum(table.sizes)
    if table.is_binary:
        return np.ones(literals)
    tops = np.full(literals, -np.inf)
    for block in table.blocks:
        if block.words:
            some = block.bits != 0
            most = block.most()
            # Words fall by their leading bits only, so a later word may be greater by a little: running maximum from
            # behind.
            from_here = np.maximum.accumulate(most[::-1])[::-1]
            first = some.argmax(axis=1)
            tops = np.where(some[np.arange(literals), first], np.maximum(tops, from_here[first]), tops)
    return tops
