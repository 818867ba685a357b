"""Profiles to bytes and back: versioned, compressed JSON."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import astuple
from typing import Any

import numpy as np

from core.stats.profile import BatchProfile, ColumnProfile, NumberProfile, SliceProfile, TextProfile, TimeProfile
from core.stats.sketch_numbers import Histogram, Moments
from core.stats.sketch_values import HourCounts, ValueCounts

VERSION = 1
_MAGIC = b"mwp"


def to_bytes(profile: BatchProfile) -> bytes:
    """The profile as bytes; :func:`from_bytes` gives back an equal one.

    >>> from_bytes(to_bytes(BatchProfile(rows=3))).rows
    3
    """
    document = {
        "rows": [profile.rows, profile.rejected, profile.duplicates],
        "columns": [_column(column) for column in profile.columns.values()],
        "slices": {
            by: {
                value: [part.rows, dict(part.missing), {c: list(astuple(m)) for c, m in part.moments.items()}]
                for value, part in values.items()
            }
            for by, values in profile.slices.items()
        },
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return _MAGIC + bytes([VERSION]) + zlib.compress(text.encode("ascii"), 6)


def from_bytes(data: bytes) -> BatchProfile:
    """The profile that was stored.

    Raises:
        ValueError: the bytes are no profile, or one of a newer version.
    """
    if data[:3] != _MAGIC or len(data) < 5:
        raise ValueError("these bytes are no profile")
    if data[3] != VERSION:
        raise ValueError(f"this profile has version {data[3]}; {VERSION} can be read")
    try:
        document = json.loads(zlib.decompress(data[4:]))
        rows, rejected, duplicates = document["rows"]
        columns = [_column_of(entry) for entry in document["columns"]]
        slices = {
            by: {value: _slice_of(entry) for value, entry in values.items()}
            for by, values in document["slices"].items()
        }
    except (zlib.error, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"this profile is damaged ({error})") from error
    return BatchProfile(rows, rejected, duplicates, {column.name: column for column in columns}, slices)


def _column(column: ColumnProfile) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name}
    if (number := column.number) is not None:
        keys = number.histogram.keys
        steps = np.diff(keys, prepend=keys[:1]) if keys.size else keys
        entry["number"] = [
            [number.rows, number.missing, number.infinite, number.at_minimum, number.at_maximum],
            [number.zeros, number.negatives, number.integers],
            [_bound(number.minimum), _bound(number.maximum), *astuple(number.moments)],
            [number.histogram.bits, int(keys[0]) if keys.size else 0],
            steps.tolist(),
            number.histogram.counts.tolist(),
        ]
        entry["boolean"] = column.boolean
    if (text := column.text) is not None:
        entry["text"] = [
            [text.rows, text.missing, text.empty, text.padded, text.numeric, text.characters],
            [text.values.complete, text.values.limit],
            list(text.values.counts.items()),
        ]
    if (time := column.time) is not None:
        stretches = [time.hours.unit, list(time.hours.counts.items())]
        entry["time"] = [time.rows, time.missing, _bound(time.minimum), _bound(time.maximum), stretches]
    return entry


def _column_of(entry: dict[str, Any]) -> ColumnProfile:
    number = text = time = None
    if "number" in entry:
        sizes, kinds, figures, (bits, first), steps, counts = entry["number"]
        rows, missing, infinite, at_low, at_high = sizes
        zeros, negatives, integers = kinds
        low, high, n, mean, m2 = figures
        keys = np.cumsum(np.asarray(steps, dtype=np.int64)) + np.int64(first)
        number = NumberProfile(
            rows=rows,
            missing=missing,
            infinite=infinite,
            moments=Moments(n, float(mean), float(m2)),
            minimum=math.inf if low is None else float(low),
            maximum=-math.inf if high is None else float(high),
            at_minimum=at_low,
            at_maximum=at_high,
            zeros=zeros,
            negatives=negatives,
            integers=integers,
            histogram=Histogram(bits, keys, np.asarray(counts, dtype=np.int64)),
        )
    if "text" in entry:
        (rows, missing, empty, padded, numeric, characters), (complete, limit), values = entry["text"]
        kept = ValueCounts(dict(values), complete, limit)
        text = TextProfile(rows, missing, empty, padded, numeric, characters, kept)
    if "time" in entry:
        rows, missing, low, high, (unit, stretches) = entry["time"]
        hours = HourCounts(unit, {int(stretch): n for stretch, n in stretches})
        low, high = math.inf if low is None else float(low), -math.inf if high is None else float(high)
        time = TimeProfile(rows, missing, low, high, hours)
    return ColumnProfile(entry["name"], number, text, time, entry.get("boolean", False))


def _slice_of(entry: list[Any]) -> SliceProfile:
    rows, missing, moments = entry
    return SliceProfile(rows, missing, {c: Moments(n, float(mean), float(m2)) for c, (n, mean, m2) in moments.items()})


def _bound(value: float) -> float | None:
    """A number for JSON; the infinite bounds of an empty profile become null."""
    return value if math.isfinite(value) else None
