"""One side of a slice search in packed bits: a literal is a row of bits, a conjunction AND, a size a population count.

Within a block the rows are put in falling order of their signal. A 0/1 error then needs no bits of its own: the errors
of a slice are the bits in the first words of its mask, and one population count gives both size and errors. For a real
signal a word holds 64 rows of nearly the same value, so that ``sum(count of word * middle of word)`` is the sum of the
slice to within the small half-widths of the words, again from one population count; :meth:`Table.tally` then sums the
rows themselves.

Tables are a monoid under :meth:`Table.merge`: the blocks stay beside each other, every count is a sum over them. Sums
of real signals are made in two exact steps (:func:`sum_exactly`), so that no result depends on how the rows were cut
or ordered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import ROWS, Block, Words, pack_errors, pack_values
from core.stats.slices.sums import sum_exactly


@dataclass(frozen=True, slots=True, order=True)
class Literal:
    """One predicate: column ``column`` (its place) holds ``code``; code 0 is a missing value."""

    column: int
    code: int


@dataclass(frozen=True, slots=True)
class Tally:
    """A slice counted: rows, the sum of their signal, the sum of its squares."""

    rows: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """NaN without rows."""
        return self.total / self.rows if self.rows else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows with a signal, packed.

    Attributes:
        sizes: codes of each column that are literals; a row whose code is beyond is in no literal of that column.
        rows: rows with a signal.
        total: sum of the signal.
        squares: sum of its squares.
        is_binary: the signal is 0 or 1 in every row.
        peak: greatest absolute value of the signal.
    """

    sizes: tuple[int, ...]
    rows: int
    is_binary: bool
    blocks: tuple[Block, ...]
    total: float
    squares: float
    peak: float

    @classmethod
    def pack(cls, codes: Sequence[NDArray[np.uint8]], signal: NDArray[np.generic], sizes: Sequence[int]) -> Table:
        """Packs one block of rows; ``codes`` and ``signal`` are not kept.

        Args:
            codes: one array a column, as long as ``signal``.
            signal: bool (0/1 error) or numbers; NaN: the row has no signal and is left out.
            sizes: codes of each column that are literals, at most 256.

        Raises:
            ValueError: lengths differ, or the signal holds a value beyond 1e140.
        """
        if len(codes) != len(sizes) or any(len(column) != len(signal) for column in codes):
            raise ValueError("one array of codes and one size a column, each as long as the signal")
        is_binary = signal.dtype == np.bool_
        blocks = []
        for start in range(0, len(signal), ROWS):
            some, part = [column[start : start + ROWS] for column in codes], signal[start : start + ROWS]
            if is_binary:
                blocks.append(pack_errors(some, np.asarray(part, dtype=np.bool_), sizes))
            else:
                blocks.append(pack_values(some, np.asarray(part, dtype=np.float64), sizes))
        return cls._of(tuple(sizes), is_binary, tuple(blocks))

    def merge(self, other: Table) -> Table:
        """Both tables' rows; see :meth:`gather` for many."""
        return Table.gather((self, other))

    @classmethod
    def gather(cls, tables: Sequence[Table]) -> Table:
        """The rows of at least one table in one.

        Raises:
            ValueError: other sizes of columns, or a 0/1 signal with a real one.
        """
        first = tables[0]
        if any(table.sizes != first.sizes or table.is_binary != first.is_binary for table in tables):
            raise ValueError("only tables of the same columns and the same kind of signal merge")
        blocks = tuple(block for table in tables for block in table.blocks)
        return cls._of(first.sizes, first.is_binary, blocks)

    @classmethod
    def _of(cls, sizes: tuple[int, ...], is_binary: bool, blocks: tuple[Block, ...]) -> Table:
        rows = sum(_ones_of(block.valid) for block in blocks)
        if is_binary:
            errors = float(sum(_ones_of(block.valid[: block.head]) for block in blocks))
            return cls(sizes, rows, True, blocks, errors, errors, 1.0)
        values = [block.values for block in blocks]
        peak = max((max(float(b.most.max(initial=0)), -float(b.least.min(initial=0))) for b in blocks), default=0.0)
        total = sum_exactly(values, peak=peak, rows=rows)
        squares = sum_exactly(values, peak=peak, rows=rows, squared=True)
        return cls(sizes, rows, False, blocks, total, squares, peak)

    @property
    def mean(self) -> float:
        """Mean signal; NaN without rows."""
        return self.total / self.rows if self.rows else math.nan

    def starts(self) -> NDArray[np.int64]:
        """Place of the first literal of each column among all, and their number last."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)

    def literal(self, place: int) -> Literal:
        """The literal at a place of the common numbering."""
        starts = self.starts()
        column = int(np.searchsorted(starts, place, side="right")) - 1
        return Literal(column, place - int(starts[column]))

    def place(self, literal: Literal) -> int:
        """The place of a literal in the common numbering.

        Raises:
            ValueError: there is no such literal.
        """
        if not (0 <= literal.column < len(self.sizes) and 0 <= literal.code < self.sizes[literal.column]):
            raise ValueError(f"no literal {literal}")
        return int(self.starts()[literal.column]) + literal.code

    def mask(self, literals: Iterable[Literal]) -> Words:
        """Packed bits of the rows where all literals hold, in the order of this table; all rows without literals."""
        places = [self.place(literal) for literal in literals]
        return np.concatenate([_and(block, places) for block in self.blocks] or [np.empty(0, np.uint64)])

    def errors(self) -> Words:
        """Packed bits of the rows whose 0/1 signal is 1, beside :meth:`mask`."""
        parts = []
        for block in self.blocks:
            part = np.zeros(block.words, np.uint64)
            part[: block.head] = block.valid[: block.head]
            parts.append(part)
        return np.concatenate(parts or [np.empty(0, np.uint64)])

    def tally(self, literals: Iterable[Literal]) -> Tally:
        """The slice of these literals, exactly."""
        places = [self.place(literal) for literal in literals]
        masks = [_and(block, places) for block in self.blocks]
        rows = sum(_ones_of(mask) for mask in masks)
        if self.is_binary:
            errors = float(sum(_ones_of(m[: b.head]) for m, b in zip(masks, self.blocks, strict=True)))
            return Tally(rows, errors, errors)
        values = []
        for mask, block in zip(masks, self.blocks, strict=True):
            inside = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little").view(np.bool_))
            values.append(block.values.take(inside))
        total = sum_exactly(values, peak=self.peak, rows=self.rows)
        return Tally(rows, total, sum_exactly(values, peak=self.peak, rows=self.rows, squared=True))


def _ones_of(words: Words) -> int:
    return int(np.bitwise_count(words).sum(dtype=np.int64))


def _and(block: Block, places: Sequence[int]) -> Words:
    mask = block.valid.copy()
    for place in places:
        mask &= block.bits[place]
    return mask
