"""The statistics of one batch as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain

import numpy as np

from core.checks.key_numbers import Numbers, keys_of, numbers_of, places, shares_of
from core.checks.statistics import Key, Reading
from core.stats.sketch_numbers import Floats


class ReadingsTable(Mapping[Key, Reading]):
    """Readings in the order they were told; ``numbers`` are those of their statistics (float64 values and noises).

    >>> table = ReadingsTable.of({Key("spend", "mean"): Reading(0.5, 0.01)})
    >>> table[Key("spend", "mean")]
    Reading(value=0.5, noise=0.01)
    """

    def __init__(self, numbers: Numbers, values: Floats, noises: Floats) -> None:
        self.numbers, self.values_told, self.noises = numbers, values, noises

    @staticmethod
    def of(readings: Mapping[Key, Reading]) -> ReadingsTable:
        """The same readings as a table."""
        if isinstance(readings, ReadingsTable):
            return readings
        values, noises = columns(readings.values())
        return ReadingsTable(numbers_of(readings), values, noises)

    @cached_property
    def _place(self) -> Mapping[Key, int]:
        return {key: place for place, key in enumerate(keys_of(self.numbers))}

    def __getitem__(self, key: Key) -> Reading:
        place = self._place[key]
        return Reading(float(self.values_told[place]), float(self.noises[place]))

    def __iter__(self) -> Iterator[Key]:
        return iter(keys_of(self.numbers))

    def __len__(self) -> int:
        return int(self.numbers.size)

    def __repr__(self) -> str:
        return f"ReadingsTable({dict(self)!r})"

    def without(self, gone: Iterable[Key]) -> ReadingsTable:
        """The table less some statistics."""
        kept = ~np.isin(self.numbers, numbers_of(gone))
        return ReadingsTable(self.numbers[kept], self.values_told[kept], self.noises[kept])


def joined(tables: Sequence[ReadingsTable]) -> ReadingsTable:
    """Several tables, of different statistics, one after another; at least one."""
    return ReadingsTable(
        np.concatenate([table.numbers for table in tables]),
        np.concatenate([table.values_told for table in tables]),
        np.concatenate([table.noises for table in tables]),
    )


def columns(readings: Iterable[Reading]) -> tuple[Floats, Floats]:
    """Values and noises of readings."""
    both = np.fromiter(chain.from_iterable(readings), np.float64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def history(days: Sequence[ReadingsTable], now: ReadingsTable) -> tuple[Floats, Floats]:
    """Days x statistics of ``now``: values (NaN where a day has none) and noises (today's own where a day has none).

    A slice that was there and lacked nothing has no reading of what it lacked: that is 0.
    """
    shares = shares_of(now.numbers)
    lacking = np.flatnonzero(shares >= 0)
    at = places(now.numbers)
    values = np.full((len(days), len(now)), math.nan)
    noises = np.tile(now.noises, (len(days), 1))
    for row, day in enumerate(days):
        place = at[day.numbers]
        known = place >= 0
        values[row, place[known]] = day.values_told[known]
        told = day.noises[known]
        noises[row, place[known]] = np.where(np.isnan(told), noises[row, place[known]], told)
        there = np.zeros(at.size, dtype=np.bool_)
        there[day.numbers] = True
        of_slices = lacking[there[shares[lacking]]]
        values[row, of_slices] = np.nan_to_num(values[row, of_slices])
    return values, noises
