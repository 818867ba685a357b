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

from core.stats.slices.table import Block, Counts, Numbers, Table, Words

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


def count(table: Table, places: Places) -> Counted:
    """Counts every row of ``places`` (conjunctions x literals); rows with equal leads must stand together.

    For a real signal the sums come from the least and the greatest value of each word of 64 rows.
    """
    zeros = np.zeros((3, len(places)))
    found = Counted(np.zeros(len(places), np.int64), zeros[0], zeros[1], zeros[2])
    groups = list(_groups(places))
    for block in table.blocks:
        ends = None if table.is_binary else (block.least(), block.most())
        signed = ends is not None and bool((ends[0] < 0).any())
        for start, stop, hits in _spans(block):
            for lead, at, lasts in groups:
                mask = _lead(block, lead, start, stop)
                for first in range(0, len(lasts), MASKS):
                    into = slice(at + first, at + min(first + MASKS, len(lasts)))
                    masks = block.bits[lasts[first : first + MASKS], start:stop]
                    masks &= mask
                    bits = np.bitwise_count(masks)
                    rows = bits.sum(axis=1, dtype=np.uint32)
                    found.rows[into] += rows
                    if ends is None:
                        found.low[into] += rows if hits else 0
                        continue
                    each = bits.astype(np.float64)
                    high = np.einsum("ij,j->i", each, ends[1][start:stop])
                    found.low[into] += np.einsum("ij,j->i", each, ends[0][start:stop])
                    found.high[into] += high
                    found.positive[into] += np.einsum("ij,j->i", each, ends[1][start:stop].clip(0)) if signed else high
    return Counted(found.rows, found.low, found.low, found.low) if table.is_binary else found


def totals(table: Table, places: Places, signals: Sequence[Words]) -> tuple[Counts, Counts]:
    """Rows (m,), and those (m, len(signals)) in common with each of ``signals``, packed like :meth:`Table.mask`."""
    rows = np.zeros(len(places), np.int64)
    common = np.zeros((len(places), len(signals)), np.int64)
    groups = list(_groups(places))
    offset = 0
    for block in table.blocks:
        for start, stop, _ in _spans(block):
            parts = [signal[offset + start : offset + stop] for signal in signals]
            for lead, at, lasts in groups:
                mask = _lead(block, lead, start, stop)
                for first in range(0, len(lasts), MASKS):
                    into = slice(at + first, at + min(first + MASKS, len(lasts)))
                    masks = block.bits[lasts[first : first + MASKS], start:stop]
                    masks &= mask
                    rows[into] += np.bitwise_count(masks).sum(axis=1, dtype=np.uint32)
                    for number, part in enumerate(parts):
                        common[into, number] += np.bitwise_count(masks & part).sum(axis=1, dtype=np.uint32)
        offset += block.words
    return rows, common


def _groups(places: Places) -> Iterator[tuple[list[int], int, Places]]:
    """Lead, place of its first conjunction, last literals of its conjunctions."""
    if not len(places):
        return
    leads = places[:, :-1]
    cuts = np.flatnonzero((leads[1:] != leads[:-1]).any(axis=1)) + 1
    ends = [0, *cuts.tolist(), len(places)]
    lasts = np.ascontiguousarray(places[:, -1])
    for at, end in pairwise(ends):
        yield leads[at].tolist(), at, lasts[at:end]


def _spans(block: Block) -> Iterator[tuple[int, int, bool]]:
    """Ranges of words, none across the border of the errors; whether they are errors."""
    for begin, end, hits in ((0, block.ones, True), (block.ones, block.words, False)):
        for start in range(begin, end, WORDS):
            yield start, min(start + WORDS, end), hits


def _lead(block: Block, lead: list[int], start: int, stop: int) -> Words:
    if not lead:
        return block.valid[start:stop]
    mask: Words = block.bits[lead[0], start:stop]
    for place in lead[1:]:
        mask = mask & block.bits[place, start:stop]
    return mask
