"""A number for each statistic ever met, so that tables of them are arrays and not dictionaries.

As with interned texts a number holds for the life of the process and means nothing outside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock

import numpy as np
import numpy.typing as npt

from core.checks.statistics import STATS, Key
from core.stats.sketch_numbers import Floats

Numbers = npt.NDArray[np.intp]

STAT_CODES = {stat: code for code, stat in enumerate(STATS)}
_FLOORS = np.array([stat.floor for stat in STATS.values()])
_NAMES = list(dict.fromkeys(stat.family for stat in STATS.values()))
_FAMILIES = np.array([_NAMES.index(stat.family) for stat in STATS.values()])


@dataclass(slots=True)
class _Known:
    """Per number: the statistic, its code, whether it is of a slice, and the share of the slice where it may lack."""

    numbers: dict[Key, int] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    stats: list[int] = field(default_factory=list)
    sliced: list[bool] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)

    def add(self, key: Key) -> int:
        with self.lock:
            if key in self.numbers:
                return self.numbers[key]
            share = -1
            if key.stat == "slice_missing":
                share = self.add(Key(key.slice.partition("=")[0], "slice_share", key.slice))
            self.keys.append(key)
            self.stats.append(STAT_CODES.get(key.stat, -1))
            self.sliced.append(bool(key.slice))
            self.shares.append(share)
            self.numbers[key] = len(self.keys) - 1  # last: who finds the number finds the rest
            return self.numbers[key]


_KNOWN = _Known()


def numbers_of(keys: Iterable[Key]) -> Numbers:
    """The numbers of statistics, in their order."""
    known = _KNOWN.numbers
    return np.array([known[key] if key in known else _KNOWN.add(key) for key in keys], dtype=np.intp)


def number_of(key: Key) -> int:
    """The number of a statistic, -1 when none of that name was ever met."""
    return _KNOWN.numbers.get(key, -1)


def keys_of(numbers: Numbers) -> list[Key]:
    """The statistics of those numbers."""
    return [_KNOWN.keys[number] for number in numbers.tolist()]


def codes_of(numbers: Numbers) -> Numbers:
    """Which kind each statistic is of: its place among ``STATS``."""
    return np.array(_KNOWN.stats, dtype=np.intp)[numbers]


def whole(numbers: Numbers) -> npt.NDArray[np.bool_]:
    """Which statistics are of all rows."""
    return ~np.array(_KNOWN.sliced, dtype=np.bool_)[numbers]


def shares_of(numbers: Numbers) -> Numbers:
    """Of what a slice lacks, the number of that slice's share; -1 for other statistics."""
    return np.array(_KNOWN.shares, dtype=np.intp)[numbers]


def floors_of(codes: Numbers) -> Floats:
    """The smallest departure worth a word, by kind."""
    return np.asarray(_FLOORS[codes], dtype=np.float64)


def families_of(codes: Numbers) -> Numbers:
    """Which statistics share one threshold, by kind."""
    return np.asarray(_FAMILIES[codes], dtype=np.intp)


def places(numbers: Numbers) -> Numbers:
    """Where each number stands, -1 for those that are not among them; as long as there are numbers."""
    found = np.full(len(_KNOWN.keys), -1, dtype=np.intp)
    found[numbers] = np.arange(numbers.size)
    return found
