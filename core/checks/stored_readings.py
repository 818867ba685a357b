"""Readings as bytes and back: what a batch's statistics told when it came, so that the past is not measured again.

The bytes are a letter, the length of the names, the names and the figures, both compressed. Names are lines: the
statistics of one kind in one slice, which are the same in most batches and are made out once. Figures are the values as
float64, then their noises as float32. Older bytes are one compressed JSON object, and are still read.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from core.checks.key_numbers import Numbers, keys_of, numbers_of
from core.checks.readings_table import ReadingsTable
from core.checks.statistics import Key, Reading

FORM = 2
"""Counts up whenever a statistic changes its meaning; readings of another form are measured again."""

_TABLE = b"T"
_LEVEL = 1


def pack(readings: Mapping[Key, Reading]) -> bytes:
    """Readings as bytes."""
    table = ReadingsTable.of(readings)
    lines: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for place, key in enumerate(keys_of(table.numbers)):
        lines.setdefault((key.slice, key.stat), []).append((key.column, place))
    named = [[*where, *(column for column, _ in of_line)] for where, of_line in lines.items()]
    names = "\n".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in named)
    order = np.array([place for of_line in lines.values() for _, place in of_line], dtype=np.intp)
    head = zlib.compress(names.encode("utf-8", "surrogatepass"), _LEVEL)
    values = table.values_told[order].astype("<f8").tobytes()
    noises = table.noises[order].astype("<f4").tobytes()
    return _TABLE + len(head).to_bytes(4, "little") + head + zlib.compress(values + noises, _LEVEL)


def unpack(packed: bytes) -> ReadingsTable:
    """The readings that :func:`pack` was given, the noises to seven digits.

    >>> dict(unpack(pack({Key("spend", "mean"): Reading(1 / 3, 0.25)})))
    {Key(column='spend', stat='mean', slice=''): Reading(value=0.3333333333333333, noise=0.25)}
    """
    if packed[:1] != _TABLE:
        return _unpack_object(packed)
    begin = 5 + int.from_bytes(packed[1:5], "little")
    lines = zlib.decompress(packed[5:begin]).split(b"\n")
    numbers = np.concatenate([np.zeros(0, np.intp), *(_numbers(line) for line in lines if line)])
    figures = zlib.decompress(packed[begin:])
    values = np.frombuffer(figures, "<f8", numbers.size).astype(np.float64)
    noises = np.frombuffer(figures, "<f4", numbers.size, offset=8 * numbers.size).astype(np.float64)
    return ReadingsTable(numbers, values, noises)


@lru_cache(maxsize=1 << 12)
def _numbers(line: bytes) -> Numbers:
    """The numbers of the statistics that a line names."""
    where, stat, *columns = json.loads(line.decode("utf-8", "surrogatepass"))
    return numbers_of(Key(column, stat, where) for column in columns)


def _unpack_object(packed: bytes) -> ReadingsTable:
    """The older form: per column a list of kind, slice, value and noise."""
    columns = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    told = [(column, *entry) for column, entries in columns.items() for entry in entries]
    values, noises = (np.array([entry[at] for entry in told], dtype=np.float64) for at in (3, 4))
    return ReadingsTable(numbers_of(Key(column, stat, where) for column, stat, where, _, _ in told), values, noises)
