"""Counts of many conjunctions at once: one AND and one population count a conjunction and block of words.

Conjunctions come as rows of places (see :meth:`Table.literals`), those with the same leading literals side by side:
the AND of the lead is made once for all of them. Words are taken a few thousand at a time, so that the masks stay in
cache. Where a conjunction has but few words, hundreds are gathered and ANDed in one call instead: a call a conjunction
would cost more than its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Block, Counts, Numbers, Words
from core.stats.slices.table import Table

Places = NDArray[np.int32]

WORDS = 4096
MASKS = 16
FEW = 512
"""Words of a conjunction up to which many of them are gathered in one call."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Sizes and sums of conjunctions; ``low <= sum <= high``, all equal for a 0/1 signal.

    ``positive`` is an upper end of the sum of the values above 0.
    """

    rows: Counts
    low: Numbers
    high: Numbers
    positive: Numbers


def count(table: Table, places: Places) -> Counted:
    """Counts every row of ``places`` (conjunctions x literals); rows with equal leads had better stand together.

    For a real signal the sums come from the least and the greatest value of each word of 64 rows.
    """
    zeros = np.zeros((3, len(places)))
    found = Counted(np.zeros(len(places), np.int64), zeros[0], zeros[1], zeros[2])
    scratch = _Scratch(places)
    for block in table.blocks:
        signed = not table.is_binary and block.words > 0 and float(block.least.min()) < 0
        for start, stop, first in _spans(block):
            for into, masks in scratch.masks(block, start, stop):
                bits = scratch.counts(masks)
                rows = np.add.reduce(bits, axis=1, dtype=np.uint32)
                found.rows[into] += rows
                if table.is_binary:
                    found.low[into] += rows if first else 0
                    continue
                each, most = bits.astype(np.float64), block.most[start:stop]
                high = np.vecdot(each, most)
                found.high[into] += high
                found.positive[into] += np.vecdot(each, most.clip(0)) if signed else high
                found.low[into] += np.vecdot(each, block.least[start:stop])
    return Counted(found.rows, found.low, found.low, found.low) if table.is_binary else found


def excesses(table: Table, places: Places, levels: Sequence[float]) -> list[Numbers]:
    """Upper ends of the sum of ``max(value - level, 0)`` over the rows of each conjunction, for each level.

    Only the heads of the blocks are read, so no level may be below the greatest value outside of them. The excess of a
    0/1 signal over level 0 is the number of errors, exactly.
    """
    found = [np.zeros(len(places)) for _ in levels]
    scratch = _Scratch(places)
    for block in table.blocks:
        weights = [] if table.is_binary else [(block.most[: block.head] - level).clip(0) for level in levels]
        for start, stop, first in _spans(block):
            if not first:
                break
            for into, masks in scratch.masks(block, start, stop):
                bits = scratch.counts(masks)
                if table.is_binary:
                    rows = np.add.reduce(bits, axis=1, dtype=np.uint32)
                    for level, sums in zip(levels, found, strict=True):
                        sums[into] += rows * (1.0 - level)
                    continue
                each = bits.astype(np.float64)
                for weight, sums in zip(weights, found, strict=True):
                    sums[into] += np.vecdot(each, weight[start:stop])
    return found


def totals(table: Table, places: Places, signals: Sequence[Words]) -> tuple[Counts, Counts]:
    """Rows (m,), and those (m, len(signals)) in common with each of ``signals``, packed like :meth:`Table.mask`."""
    rows = np.zeros(len(places), np.int64)
    common = np.zeros((len(places), len(signals)), np.int64)
    scratch, other = _Scratch(places), _Scratch(places)
    offset = 0
    for block in table.blocks:
        for start, stop, _ in _spans(block):
            parts = [signal[offset + start : offset + stop] for signal in signals]
            for into, masks in scratch.masks(block, start, stop):
                rows[into] += np.add.reduce(scratch.counts(masks), axis=1, dtype=np.uint32)
                for number, part in enumerate(parts):
                    both = np.bitwise_and(masks, part, out=other.words(len(masks), stop - start))
                    common[into, number] += np.add.reduce(other.counts(both), axis=1, dtype=np.uint32)
        offset += block.words
    return rows, common


class _Scratch:
    """Memory for masks of some conjunctions over one range of words, and their counts; used again and again."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._words = np.empty(0, np.uint64)
        self._counts = np.empty(0, np.uint8)
        self._listed: list[tuple[tuple[int, ...], int]] | None = None

    def words(self, masks: int, words: int) -> Words:
        if len(self._words) < masks * words:
            self._words = np.empty(masks * words, np.uint64)
        return self._words[: masks * words].reshape(masks, words)

    def counts(self, masks: Words) -> NDArray[np.uint8]:
        if len(self._counts) < masks.size:
            self._counts = np.empty(masks.size, np.uint8)
        counts: NDArray[np.uint8] = np.bitwise_count(masks, out=self._counts[: masks.size].reshape(masks.shape))
        return counts

    def masks(self, block: Block, start: int, stop: int) -> Iterator[tuple[slice, Words]]:
        """Masks of the conjunctions, some at a time, and which they are."""
        few = stop - start <= FEW
        return self._gathered(block, start, stop) if few else self._one_by_one(block, start, stop)

    def _gathered(self, block: Block, start: int, stop: int) -> Iterator[tuple[slice, Words]]:
        bits = np.ascontiguousarray(block.bits[:, start:stop])
        step = max(MASKS, MASKS * WORDS // max(1, stop - start))
        for first in range(0, len(self._places), step):
            some = self._places[first : first + step]
            masks = self.words(len(some), stop - start)
            np.take(bits, some[:, -1], axis=0, out=masks, mode="clip")
            if some.shape[1] > 1:  # the leads stand side by side: each AND of a lead is made once
                begins = np.flatnonzero(np.any(some[1:, :-1] != some[:-1, :-1], axis=1)) + 1
                begins = np.concatenate([[0], begins])
                leads = bits[some[begins, 0]]
                for column in range(1, some.shape[1] - 1):
                    leads &= bits[some[begins, column]]
                masks &= np.repeat(leads, np.diff(np.append(begins, len(some))), axis=0)
            yield slice(first, first + len(some)), masks

    def _one_by_one(self, block: Block, start: int, stop: int) -> Iterator[tuple[slice, Words]]:
        if self._listed is None:
            self._listed = [(tuple(row[:-1]), row[-1]) for row in self._places.tolist()]
        rows = list(block.bits[:, start:stop])
        valid = block.valid[start:stop]
        known, base, scratch = None, valid, np.empty(stop - start, np.uint64)
        for first in range(0, len(self._listed), MASKS):
            some = self._listed[first : first + MASKS]
            masks = self.words(len(some), stop - start)
            for (lead, last), into in zip(some, masks, strict=True):
                if lead != known:
                    known, base = lead, rows[lead[0]] if lead else valid
                    for place in lead[1:]:
                        base = np.bitwise_and(base, rows[place], out=scratch)
                np.bitwise_and(rows[last], base, out=into)
            yield slice(first, first + len(some)), masks


def _spans(block: Block) -> Iterator[tuple[int, int, bool]]:
    """Ranges of words, none across the end of the head; whether they belong to it."""
    for begin, end, first in ((0, block.head, True), (block.head, block.words, False)):
        for start in range(begin, end, WORDS):
            yield start, min(start + WORDS, end), first
