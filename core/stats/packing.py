"""Profiles as bytes and back: JSON of short lists, keys as differences, compressed. The form carries its number."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.stats.bonds import Bonds
from core.stats.profile import (
    BatchProfile,
    ColumnProfile,
    NumberProfile,
    TextProfile,
    TimeProfile,
)
from core.stats.row_order import OrderProfile
from core.stats.sketch_numbers import Floats, Histogram, Moments
from core.stats.sketch_values import HourCounts, ValueCounts
from core.stats.slice_table import SliceTable

FORM = 2
"""Form 2 added the order of rows and the bonds of columns; a profile of form 1 has neither."""
_LEVEL = 6


class UnknownFormError(ValueError):
    """The bytes were packed by a newer version."""


def pack(profile: BatchProfile) -> bytes:
    """A profile as bytes; the same profile gives the same bytes."""
    body = [
        FORM,
        profile.rows,
        profile.rejected,
        profile.duplicates,
        {name: _column(column) for name, column in profile.columns.items()},
        {
            name: {value: [part.rows, dict(part.missing), {n: _moments(m) for n, m in part.moments.items()}]
                   for value, part in values.items()}
            for name, values in profile.slices.items()
        },
        {name: _order(order) for name, order in profile.orders.items()},
        [list(profile.bonds.names), _upper(profile.bonds.rows), _upper(profile.bonds.total)],
    ]  # fmt: skip
    return zlib.compress(
        json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"), _LEVEL
    )


def unpack(packed: bytes) -> BatchProfile:
    """The profile that :func:`pack` was given.

    Raises:
        UnknownFormError: a newer version packed it.
        ValueError: these bytes are not a packed profile.
    """
    try:
        body = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    except zlib.error as error:
        raise ValueError(f"not a packed profile: {error}") from error
    if not 1 <= body[0] <= FORM:
        raise UnknownFormError(f"a profile of form {body[0]}, this version reads {FORM}")
    _, rows, rejected, duplicates, columns, slices, *later = body
    orders, bonds = later or ({}, [[], [], []])
    return BatchProfile(
        rows=rows,
        rejected=rejected,
        duplicates=duplicates,
        columns={name: _unpack_column(name, parts) for name, parts in columns.items()},
        slices={
            name: SliceTable.made(list(values), *([part[i] for part in values.values()] for i in range(3)))
            for name, values in slices.items()
        },
        orders={name: OrderProfile(*order) for name, order in orders.items()},
        bonds=_unpack_bonds(bonds),
    )


def _order(order: OrderProfile) -> list[Any]:
    return [getattr(order, field) for field in OrderProfile.__slots__]


def _upper(cells: Floats) -> list[float]:
    """The cells on and above the diagonal, row by row."""
    return [float(cell) for cell in cells[np.triu_indices(cells.shape[0])]]


def _unpack_bonds(packed: list[Any]) -> Bonds:
    names, *halves = packed
    whole = []
    for half in halves:
        cells = np.zeros((len(names), len(names)))
        cells[np.triu_indices(len(names))] = half
        whole.append(cells + np.triu(cells, 1).T)
    return Bonds(tuple(names), whole[0], whole[1])


def _column(column: ColumnProfile) -> list[Any]:
    return [
        None if column.number is None else _number(column.number),
        None if column.text is None else _text(column.text),
        None if column.time is None else _time(column.time),
        int(column.boolean),
    ]


def _unpack_column(name: str, parts: list[Any]) -> ColumnProfile:
    number, text, time, boolean = parts
    return ColumnProfile(
        name,
        None if number is None else _unpack_number(number),
        None if text is None else _unpack_text(text),
        None if time is None else _unpack_time(time),
        bool(boolean),
    )


def _number(part: NumberProfile) -> list[Any]:
    keys = part.histogram.keys
    steps = np.diff(keys, prepend=np.int64(0)).tolist() if keys.size else []
    counts = [part.rows, part.missing, part.infinite, part.at_minimum, part.at_maximum]
    return [
        [*counts, part.zeros, part.negatives, part.integers],
        _moments(part.moments),
        [_finite(part.minimum), _finite(part.maximum)],
        [part.histogram.bits, steps, part.histogram.counts.tolist()],
    ]


def _unpack_number(packed: list[Any]) -> NumberProfile:
    (rows, missing, infinite, at_minimum, at_maximum, zeros, negatives, integers), moments, ends, histogram = packed
    return NumberProfile(
        rows=rows,
        missing=missing,
        infinite=infinite,
        moments=Moments(*moments),
        minimum=float("inf") if ends[0] is None else ends[0],
        maximum=float("-inf") if ends[1] is None else ends[1],
        at_minimum=at_minimum,
        at_maximum=at_maximum,
        zeros=zeros,
        negatives=negatives,
        integers=integers,
        histogram=_unpack_histogram(histogram),
    )


def _unpack_histogram(packed: list[Any]) -> Histogram:
    bits, steps, counts = packed
    return Histogram(int(bits), np.cumsum(np.asarray(steps, dtype=np.int64)), np.asarray(counts, dtype=np.int64))


def _text(part: TextProfile) -> list[Any]:
    counts = [part.rows, part.missing, part.empty, part.padded, part.numeric, part.characters]
    return [counts, _values(part.values)]


def _unpack_text(packed: list[Any]) -> TextProfile:
    (rows, missing, empty, padded, numeric, characters), values = packed
    return TextProfile(rows, missing, empty, padded, numeric, characters, _unpack_values(values))


def _time(part: TimeProfile) -> list[Any]:
    hours = part.hours
    return [
        [part.rows, part.missing],
        [_finite(part.minimum), _finite(part.maximum)],
        [hours.unit, list(hours.counts), list(hours.counts.values())],
    ]


def _unpack_time(packed: list[Any]) -> TimeProfile:
    (rows, missing), ends, (unit, stretches, counts) = packed
    return TimeProfile(
        rows=rows,
        missing=missing,
        minimum=float("inf") if ends[0] is None else ends[0],
        maximum=float("-inf") if ends[1] is None else ends[1],
        hours=HourCounts(unit, dict(zip(stretches, counts, strict=True))),
    )


def _values(values: ValueCounts) -> list[Any]:
    return [list(values.counts), list(values.counts.values()), int(values.complete), values.limit]


def _unpack_values(packed: list[Any]) -> ValueCounts:
    names, counts, complete, limit = packed
    found: Mapping[str, int] = dict(zip(names, counts, strict=True))
    return ValueCounts(found, bool(complete), limit)


def _moments(moments: Moments) -> list[float]:
    return [moments.n, moments.mean, moments.m2]


def _finite(value: float) -> float | None:
    """Infinity means "no value" at the ends of a range, and JSON has no word for it."""
    return value if np.isfinite(value) else None
