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

Words = NDArray[np.uint64]
Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


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
class Block:
    """Packed rows of one call of :meth:`Table.pack`, in falling order of the signal.

    Attributes:
        bits: a row a literal of the table, in the order of :meth:`Table.place`; bit ``i`` of word ``w`` is row ``64
            w + i``.
        rows: bits in use; those behind are 0 in every literal.
        ones: of a 0/1 signal, the words that hold the errors (the last padded with zeros); 0 for a real signal.
        values: of a real signal, one a row, padded to whole words; empty for 0/1.
    """

    bits: Words
    valid: Words
    ones: int
    values: Numbers

    @property
    def words(self) -> int:
        """Words of one literal."""
        return int(self.bits.shape[1])

    def least(self) -> Numbers:
        """The least value of each word."""
        return self._ends(np.minimum)

    def most(self) -> Numbers:
        """The greatest value of each word."""
        return self._ends(np.maximum)

    def _ends(self, end: np.ufunc) -> Numbers:
        ends: Numbers = end.reduce(self.values.reshape(-1, 64), axis=1)
        if self.words:  # the padding of the last word takes no part
            ends[-1] = end.reduce(self.values[-64:][: int(np.bitwise_count(self.valid[-1]))])
        return ends


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows with a signal, packed.

    Attributes:
        sizes: codes of each column that are literals; a row whose code is beyond is in no literal of that column.
        rows: rows with a signal.
        total: sum of the signal.
        squares: sum of its squares.
        is_binary: the signal is 0 or 1 in every row.
    """

    sizes: tuple[int, ...]
    rows: int
    is_binary: bool
    blocks: tuple[Block, ...]
    total: float
    squares: float

    @classmethod
    def pack(cls, codes: Sequence[NDArray[np.uint8]], signal: NDArray[np.generic], sizes: Sequence[int]) -> Table:
        """Packs one block of rows; ``codes`` and ``signal`` are not kept.

        Args:
            codes: one array a column, as long as ``signal``.
            signal: bool (0/1 error) or numbers; NaN: the row has no signal and is left out.
            sizes: codes of each column that are literals, at most 256.

        Raises:
            ValueError: lengths differ, or the signal holds an infinity.
        """
        if len(codes) != len(sizes) or any(len(column) != len(signal) for column in codes):
            raise ValueError("one array of codes and one size a column, each as long as the signal")
        if signal.dtype == np.bool_:
            errors = np.asarray(signal, dtype=np.bool_)
            hits, others = np.flatnonzero(errors), np.flatnonzero(~errors)
            ones = -(-len(hits) // 64)
            order = np.concatenate([hits, others])
            bits, valid = _pack(codes, order, len(hits), ones * 64 - len(hits), sizes)
            block = Block(bits, valid, ones, np.empty(0))
            return cls(tuple(sizes), len(order), True, (block,), float(len(hits)), float(len(hits)))
        values = np.asarray(signal, dtype=np.float64)
        order = _falling(values)
        values = values[order]
        if len(values) and not np.isfinite([values.max(), values.min()]).all():
            raise ValueError("the signal holds an infinity")
        bits, valid = _pack(codes, order, len(order), 0, sizes)
        padded = np.zeros(bits.shape[1] * 64)
        padded[: len(values)] = values
        return cls._real(tuple(sizes), len(values), (Block(bits, valid, 0, padded),))

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
        if not first.is_binary:
            return cls._real(first.sizes, sum(table.rows for table in tables), blocks)
        errors = sum(table.total for table in tables)
        return cls(first.sizes, sum(table.rows for table in tables), True, blocks, errors, errors)

    @classmethod
    def _real(cls, sizes: tuple[int, ...], rows: int, blocks: tuple[Block, ...]) -> Table:
        values = [block.values for block in blocks]
        peak = max((float(np.abs(part).max(initial=0.0)) for part in values), default=0.0)
        total = sum_exactly(values, peak=peak, rows=rows)
        return cls(sizes, rows, False, blocks, total, sum_exactly([v * v for v in values], peak=peak * peak, rows=rows))

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
            part[: block.ones] = block.valid[: block.ones]
            parts.append(part)
        return np.concatenate(parts or [np.empty(0, np.uint64)])

    def tally(self, literals: Iterable[Literal]) -> Tally:
        """The slice of these literals, exactly."""
        places = [self.place(literal) for literal in literals]
        masks = [_and(block, places) for block in self.blocks]
        rows = sum(int(np.bitwise_count(mask).sum(dtype=np.int64)) for mask in masks)
        if self.is_binary:
            pairs = zip(masks, self.blocks, strict=True)
            errors = float(sum(int(np.bitwise_count(m[: b.ones]).sum(dtype=np.int64)) for m, b in pairs))
            return Tally(rows, errors, errors)
        values = []
        for mask, block in zip(masks, self.blocks, strict=True):
            inside = np.unpackbits(mask.view(np.uint8), bitorder="little").view(np.bool_)
            values.append(block.values[inside])
        peak = max((float(np.abs(block.values).max(initial=0.0)) for block in self.blocks), default=0.0)
        total = sum_exactly(values, peak=peak, rows=self.rows)
        return Tally(rows, total, sum_exactly([v * v for v in values], peak=peak * peak, rows=self.rows))


def sum_exactly(parts: Sequence[Numbers], *, peak: float | None = None, rows: int | None = None) -> float:
    """The sum of all parts, the same for every order and every cut of the rows.

    Each value is split at a grid of ``2**(e - 52)`` with ``2**e`` at least ``2 * rows * peak``: sums of multiples of
    the grid up to ``rows * peak`` are exact in 53 bits, and so in any order. What is left of each value is split and
    summed likewise on a grid finer by as many bits, and what is left then, below 2**-52 of the peak for up to 2**26
    rows, is dropped. Reproducible summation by pre-rounding: Demmel and Nguyen, ARITH 2013.

    Args:
        peak, rows: greatest absolute value and number of rows of the whole; by default those of ``parts``.
    """
    if peak is None:
        peak = max((float(np.abs(part).max(initial=0.0)) for part in parts), default=0.0)
    if rows is None:
        rows = sum(len(part) for part in parts)
    if peak == 0.0 or rows == 0:
        return 0.0
    exponent = math.frexp(2.0 * rows * peak)[1]
    coarse = math.ldexp(1.5, exponent)
    fine = math.ldexp(1.5, exponent - 52 + math.frexp(2.0 * rows)[1])
    high = low = 0.0
    for part in parts:
        rounded = (part + coarse) - coarse
        high += float(rounded.sum())
        left = part - rounded
        low += float(((left + fine) - fine).sum())
    return high + low


def _falling(values: Numbers) -> NDArray[np.int64]:
    """Rows with a signal, falling by its leading 16 bits as a 32-bit float: radix order, close enough for bounds."""
    bits = values.astype(np.float32).view(np.int32) >> 16
    keys = np.where(bits < 0, bits ^ 0x7FFF, bits).astype(np.int16)
    order = np.argsort(~keys, kind="stable")
    missing = np.isnan(values)
    return order[~missing[order]] if missing.any() else order


def _pack(
    codes: Sequence[NDArray[np.uint8]], order: NDArray[np.int64], split: int, gap: int, sizes: Sequence[int]
) -> tuple[Words, Words]:
    """Bits of every literal, rows in ``order``, ``gap`` unused bits before row ``split``; and the bits in use."""
    rows = len(order) + gap
    words = -(-rows // 64)
    bits = np.empty((sum(sizes), words), np.uint64)
    padded = np.zeros(words * 64, np.bool_)
    padded[:split] = True
    padded[split + gap : rows] = True
    valid = np.packbits(padded, bitorder="little").view(np.uint64)
    row = np.zeros(words * 64, np.uint8)
    at = 0
    for column, size in zip(codes, sizes, strict=True):
        taken = column.take(order)
        row[:split] = taken[:split]
        row[split + gap : rows] = taken[split:]
        planes = [np.packbits(row & np.uint8(1 << p), bitorder="little").view(np.uint64) for p in range(8)]
        bits[at : at + size] = _unfold(planes, valid, size)
        at += size
    return bits, valid


def _unfold(planes: Sequence[Words], valid: Words, size: int) -> Words:
    """A row of bits a code 0 .. size - 1 from the eight planes of bits of the codes: halving, two ANDs a code."""
    groups = valid[None, :]
    for plane in range(7, -1, -1):
        groups = np.stack([groups & ~planes[plane], groups & planes[plane]], axis=1)
        groups = groups.reshape(groups.shape[0] * 2, len(valid))
        groups = groups[: -(-size // (1 << plane))]
    return groups


def _and(block: Block, places: Sequence[int]) -> Words:
    mask = block.valid.copy()
    for place in places:
        mask &= block.bits[place]
    return mask
