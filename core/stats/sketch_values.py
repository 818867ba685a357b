"""Mergeable counts of texts and of hours, bounded in size."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

VALUE_LIMIT = 1000
PATTERN_LIMIT = 50
HASH_SPACE = 2**64


@lru_cache(maxsize=1 << 17)  # the same few thousand texts come with every batch
def value_hash(value: str) -> int:
    """Hash of a text, 0 to 2**64 - 1, the same on every machine and in every version: the low half of its md5.

    The same number as DuckDB's ``md5_number_lower``.

    >>> value_hash("abc")
    12704604231530709392
    """
    return int.from_bytes(hashlib.md5(value.encode("utf-8", "replace"), usedforsecurity=False).digest()[:8], "little")


@lru_cache(maxsize=1 << 15)
def pattern_of(value: str) -> str:
    """The kinds of characters of a text: ``A`` upper case, ``a`` lower case, ``9`` digit, others as they are.

    A run of one kind is written once; beyond 20 kinds the rest is left out.

    >>> pattern_of("Ab12-x")
    'Aa9-a'
    """
    kinds: list[str] = []
    for character in value[:200]:
        kind = "9" if character.isdigit() else character
        if character.isalpha():
            kind = "A" if character.isupper() else "a"
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return "".join(kinds[:20])


@dataclass(frozen=True, slots=True)
class ValueCounts:
    """Rows per distinct text: all of them up to ``limit``, beyond it those with the ``limit`` smallest hashes.

    A value that is among the smallest of the union is among the smallest of every part that holds it, so the counts of
    the kept values are always exact and merging does not depend on the cut (bottom-k sketch, Cohen & Kaplan 2007).

    Attributes:
        counts: rows per kept value, ordered by the values' hashes.
        complete: whether ``counts`` holds every value.
        limit: how many values are kept at most.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    limit: int = VALUE_LIMIT

    @staticmethod
    def of(counts: Iterable[tuple[str, int]], limit: int = VALUE_LIMIT, complete: bool = True) -> ValueCounts:
        """Keep what may be kept of ``counts`` (value, rows), in which no value comes twice.

        With ``complete`` False the caller has already left out values, all of larger hash than those given.
        """
        hashed = [(value_hash(value), value, rows) for value, rows in counts]
        kept = heapq.nsmallest(limit, hashed)
        return ValueCounts({value: rows for _, value, rows in kept}, complete and len(hashed) <= limit, limit)

    def merge(self, other: ValueCounts) -> ValueCounts:
        """Counts of both sets of rows together; the smaller limit of the two holds."""
        both = dict(self.counts)
        for value, rows in other.counts.items():
            both[value] = both.get(value, 0) + rows
        limit = min(self.limit, other.limit)
        return ValueCounts.of(both.items(), limit, self.complete and other.complete)

    @property
    def distinct(self) -> float:
        """Distinct values: exact when complete, else estimated within about 1/sqrt(k) as (k - 1) / largest kept hash.

        Infinite where values were not kept at all.

        >>> ValueCounts.of([("a", 2), ("b", 1)]).distinct
        2.0
        """
        if not self.complete and not self.counts:  # an id, of which no values are kept
            return float("inf")
        if self.complete or len(self.counts) < 2:
            return float(len(self.counts))
        largest = max(value_hash(value) for value in self.counts)
        return max(float(len(self.counts)), (len(self.counts) - 1) * HASH_SPACE / max(largest, 1))

    @property
    def kept_rows(self) -> int:
        """Rows whose value is kept."""
        return sum(self.counts.values())

    def top(self, n: int = 10) -> tuple[tuple[str, int], ...]:
        """The ``n`` most frequent of the kept values with their rows, ties in the order of the values."""
        return tuple(heapq.nsmallest(n, self.counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class HourCounts:
    """Rows per stretch of time: hours, or days and longer when more than ``LIMIT`` stretches are occupied.

    Attributes:
        unit: length of a stretch in seconds: 3600, 86400, or 86400 times a power of 8.
        counts: rows per stretch, by number of the stretch since 1970-01-01 00:00 UTC, ascending.
    """

    LIMIT: ClassVar[int] = 1500

    unit: int = 3600
    counts: Mapping[int, int] = field(default_factory=dict)

    @staticmethod
    def of(counts: Mapping[int, int], unit: int = 3600) -> HourCounts:
        """Coarsen ``counts`` until at most ``LIMIT`` stretches are occupied."""
        while len(counts) > HourCounts.LIMIT:
            factor = 24 if unit == 3600 else 8
            counts, unit = _coarser(counts, factor), unit * factor
        return HourCounts(unit, dict(sorted(counts.items())))

    def merge(self, other: HourCounts) -> HourCounts:
        """Counts of both sets of rows together."""
        unit = max(self.unit, other.unit)
        both = _coarser(self.counts, unit // self.unit)
        for stretch, rows in _coarser(other.counts, unit // other.unit).items():
            both[stretch] = both.get(stretch, 0) + rows
        return HourCounts.of(both, unit)


def _coarser(counts: Mapping[int, int], factor: int) -> dict[int, int]:
    """Counts per ``factor`` neighbouring stretches."""
    joined: dict[int, int] = {}
    for stretch, rows in counts.items():
        joined[stretch // factor] = joined.get(stretch // factor, 0) + rows
    return joined
