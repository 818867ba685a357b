"""Readings as bytes and back: what a batch's statistics told when it came, so that the past is not measured again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from core.checks.statistics import Key, Reading

FORM = 2
"""Counts up whenever a statistic changes its meaning; readings of another form are measured again."""

_DIGITS = 9


def pack(readings: Mapping[Key, Reading]) -> bytes:
    """Readings as bytes, values to nine significant digits."""
    columns: dict[str, list[list[object]]] = {}
    for key, reading in readings.items():
        entry = [key.stat, key.slice, _short(reading.value), _short(reading.noise)]
        columns.setdefault(key.column, []).append(entry)
    return zlib.compress(
        json.dumps(columns, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    )


def unpack(packed: bytes) -> dict[Key, Reading]:
    """The readings that :func:`pack` was given.

    >>> unpack(pack({Key("spend", "mean"): Reading(1 / 3, 0.01)}))
    {Key(column='spend', stat='mean', slice=''): Reading(value=0.333333333, noise=0.01)}
    """
    columns = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    return {
        Key(column, stat, where): Reading(value, noise)
        for column, entries in columns.items()
        for stat, where, value, noise in entries
    }


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
