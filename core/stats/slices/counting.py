"""Counts of many conjunctions at once: one AND and one population count a conjunction and block of words.

Conjunctions come as rows of places (see :meth:`Table.literals`), those with the same leading literals side by side:
the AND of the lead is made once for all of them. Words are taken a few thousand at a time, so that the masks stay in
cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Block, Counts, Numbers, Words
from core.stats.slices.table import Table

Places = NDArray[np.int32]

WORDS = 4096
MASKS = 16


@dataclass(frozen=True, slots=True)
class Counted:
    """Sizes and sums of conjunctions; ``low <= sum <= high``, all equal for a 0/1 signal.

    ``positive`` is an upper end of the sum of the values above 0.
    """

    rows: Counts
    low: Numbers
    high: Numbers
    positive: Numbers


def count(table: Table, places: Places, *, head: bool = False) -> Counted:
    """Counts every row of ``places`` (conjunctions x literals); rows with equal leads must stand together.

    For a real signal the sums come from the least and the greatest value of each word of 64 rows.

    Args:
        head: only the rows of the words that stand first in each block (:attr:`Block.head`).
    """
    zeros = np.zeros((3, len(places)))
    found = Counted(np.zeros(len(places), np.int64), zeros[0], zeros[1], zeros[2])
    groups = list(_groups(places))
    scratch = _Scratch(groups)
    for block in table.blocks:
        signed = not table.is_binary and block.words > 0 and float(block.least.min()) < 0
        for start, stop, first in _spans(block):
            if head and not first:
                break
            for into, masks in scratch.masks(block, groups, start, stop):
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
                if not head:
                    found.low[into] += np.vecdot(each, block.least[start:stop])
    return Counted(found.rows, found.low, found.low, found.low) if table.is_binary else found


def totals(table: Table, places: Places, signals: Sequence[Words]) -> tuple[Counts, Counts]:
    """Rows (m,), and those (m, len(signals)) in common with each of ``signals``, packed like :meth:`Table.mask`."""
    rows = np.zeros(len(places), np.int64)
    common = np.zeros((len(places), len(signals)), np.int64)
    groups = list(_groups(places))
    scratch, other = _Scratch(groups), _Scratch(groups)
    offset = 0
    for block in table.blocks:
        for start, stop, _ in _spans(block):
            parts = [signal[offset + start : offset + stop] for signal in signals]
            for into, masks in scratch.masks(block, groups, start, stop):
                rows[into] += np.add.reduce(scratch.counts(masks), axis=1, dtype=np.uint32)
                for number, part in enumerate(parts):
                    both = np.bitwise_and(masks, part, out=other.words(len(masks), stop - start))
                    common[into, number] += np.add.reduce(other.counts(both), axis=1, dtype=np.uint32)
        offset += block.words
    return rows, common


class _Scratch:
    """Memory for masks of some conjunctions over one range of words, and their counts; used again and again."""

    def __init__(self, groups: list[tuple[list[int], int, list[int]]]) -> None:
        most = min(MASKS, max((len(lasts) for _, _, lasts in groups), default=0))
        self._words = np.empty(most * WORDS, np.uint64)
        self._counts = np.empty(most * WORDS, np.uint8)

    def words(self, masks: int, words: int) -> Words:
        return self._words[: masks * words].reshape(masks, words)

    def counts(self, masks: Words) -> NDArray[np.uint8]:
        counts: NDArray[np.uint8] = np.bitwise_count(masks, out=self._counts[: masks.size].reshape(masks.shape))
        return counts

    def masks(
        self, block: Block, groups: list[tuple[list[int], int, list[int]]], start: int, stop: int
    ) -> Iterator[tuple[slice, Words]]:
        """Masks of the conjunctions, and which they are."""
        rows = list(block.bits[:, start:stop])
        valid = block.valid[start:stop]
        for lead, at, lasts in groups:
            base = valid if not lead else rows[lead[0]]
            for place in lead[1:]:
                base = base & rows[place]
            for first in range(0, len(lasts), MASKS):
                some = lasts[first : first + MASKS]
                masks = self.words(len(some), stop - start)
                for place, into in zip(some, masks, strict=True):
                    np.bitwise_and(rows[place], base, out=into)
                yield slice(at + first, at + first + len(some)), masks


def _groups(places: Places) -> Iterator[tuple[list[int], int, list[int]]]:
    """Lead, place of its first conjunction, last literals of its conjunctions."""
    if not len(places):
        return
    leads = places[:, :-1]
    cuts = np.flatnonzero((leads[1:] != leads[:-1]).any(axis=1)) + 1
    ends = [0, *cuts.tolist(), len(places)]
    lasts = places[:, -1].tolist()
    for at, end in pairwise(ends):
        yield leads[at].tolist(), at, lasts[at:end]


def _spans(block: Block) -> Iterator[tuple[int, int, bool]]:
    """Ranges of words, none across the end of the head; whether they belong to it."""
    for begin, end, first in ((0, block.head, True), (block.head, block.words, False)):
        for start in range(begin, end, WORDS):
            yield start, min(start + WORDS, end), first
