"""Rows as packed bits: in falling order of the signal, one row of bits a literal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

HEAD = 4
"""Of a real signal, one word in so many stands in the head."""
ROWS = 1 << 20
"""Rows of one block at most: its columns are gathered in the order of the signal while they are near."""
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Packed rows of one call of :meth:`Table.pack`, in falling order of the signal.

    Attributes:
        bits: a row a literal, in the order of :meth:`Table.place`; bit ``i`` of word ``w`` is row ``64 w + i``.
        valid: the bits that are rows; the others are 0 in every literal.
        head: words that stand first: of a 0/1 signal those of the errors (the last padded with zeros), of a real
            signal the :data:`HEAD` with the greatest values.
        values: of a real signal, one a row, padded to whole words; empty for 0/1, like the next two.
        least, most: least and greatest value of each word.
    """

    bits: Words
    valid: Words
    head: int
    values: Numbers
    least: Numbers
    most: Numbers

    @property
    def words(self) -> int:
        """Words of one literal."""
        return int(self.bits.shape[1])


def pack_errors(codes: Sequence[NDArray[np.uint8]], errors: NDArray[np.bool_], sizes: Sequence[int]) -> Block:
    """Rows with a 0/1 signal: the errors, zeros up to a whole word, the others."""
    hits, others = np.flatnonzero(errors), np.flatnonzero(~errors)
    head = -(-len(hits) // 64)
    words = head + -(-len(others) // 64)
    bits = np.empty((sum(sizes), words), np.uint64)
    _fill(bits[:, :head], codes, hits, sizes)
    _fill(bits[:, head:], codes, others, sizes)
    valid = np.concatenate([_ones(len(hits)), _ones(len(others))])
    nothing = np.empty(0)
    return Block(bits, valid, head, nothing, nothing, nothing)


def pack_values(codes: Sequence[NDArray[np.uint8]], values: Numbers, sizes: Sequence[int]) -> Block:
    """Rows with a real signal; those whose signal is NaN are left out.

    Raises:
        ValueError: a value is beyond 1e140, whose square could not be summed.
    """
    order = _falling(values)
    valid = _ones(len(order))
    padded = np.zeros(len(valid) * 64)
    np.take(values, order, out=padded[: len(order)], mode="clip")
    words = padded.reshape(-1, 64)
    least, most = words.min(axis=1), words.max(axis=1)
    if len(valid):  # the padding of the last word takes no part
        last = padded[len(padded) - 64 : len(order)]
        least[-1], most[-1] = last.min(), last.max()
        if max(float(most.max()), -float(least.min())) > 1e140:
            raise ValueError("the signal holds a value beyond 1e140")
    bits = np.empty((sum(sizes), len(valid)), np.uint64)
    _fill(bits, codes, order, sizes)
    return Block(bits, valid, -(-len(valid) // HEAD), padded, least, most)


def _falling(values: Numbers) -> NDArray[np.intp]:
    """Rows with a signal, nearly falling: by 16 bits of ``x / (|x| + mean |x|)``, fine where most values are.

    Nothing but the width of the words' ranges hangs on it, so that a radix sort of short keys is enough.
    """
    known = None
    if np.isnan(values.sum()):
        known = np.flatnonzero(~np.isnan(values))
        values = values[known]
    if not len(values):
        return np.empty(0, np.intp)
    size = np.abs(values)
    scale = float(size.mean())
    if not 0.0 < scale < np.inf:
        order = np.arange(len(values))
    else:
        size += scale
        np.divide(values, size, out=size)
        size *= -32767.0
        order = np.argsort(size.astype(np.int16), kind="stable")
    return order if known is None else known[order]


def _ones(rows: int) -> Words:
    """As many bits, then zeros up to a whole word."""
    words = np.full(-(-rows // 64), ~np.uint64(0))
    if rows % 64:
        words[-1] = (1 << rows % 64) - 1
    return words


def _fill(bits: Words, codes: Sequence[NDArray[np.uint8]], order: NDArray[np.intp], sizes: Sequence[int]) -> None:
    """Packs the rows of ``order`` into ``bits``.

    A column of up to ``2**b`` codes is packed as its b planes of bits first; the literals follow by halving, about two
    ANDs of words a literal instead of a comparison of every row.
    """
    row = np.zeros(bits.shape[1] * 64, np.uint8)
    valid = _ones(len(order))
    masked = np.empty(_PIECE, np.uint8)
    at = 0
    for column, size in zip(codes, sizes, strict=True):
        np.take(column, order, out=row[: len(order)], mode="clip")
        depth = int(row.max(initial=0)).bit_length()
        for start in range(0, len(row), _PIECE):
            piece = row[start : start + _PIECE]
            span = slice(start // 64, (start + len(piece)) // 64)
            planes = []
            for plane in range(depth):
                np.bitwise_and(piece, np.uint8(1 << plane), out=masked[: len(piece)])
                planes.append(np.packbits(masked[: len(piece)], bitorder="little").view(np.uint64))
            _unfold(bits[at : at + size, span], valid[span], planes)
        at += size


def _unfold(into: Words, group: Words, planes: Sequence[Words]) -> None:
    """Writes the rows of bits of codes 0, 1, ... that lie in ``group``, told apart by ``planes``, the lowest first."""
    if not planes:
        into[:1] = group
        into[1:] = 0
        return
    half = 1 << len(planes) - 1
    upper = group & planes[-1]
    _unfold(into[:half], group ^ upper, planes[:-1])
    if len(into) > half:
        _unfold(into[half:], upper, planes[:-1])
