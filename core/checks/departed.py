"""How far one statistic departed, and the departures of all of them as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.checks.key_numbers import STAT_CODES, Numbers, codes_of, keys_of, number_of, numbers_of, places, whole
from core.checks.statistics import Key
from core.stats.sketch_numbers import Floats


@dataclass(frozen=True, slots=True)
class Departure:
    """One statistic today.

    Attributes:
        value: as measured; ``expected`` from its past, or the reference's own value.
        scale: the departure that would still be ordinary.
        ratio: ``|value - expected| / scale`` over its family's threshold: from 1.0 on it stands out.
    """

    value: float
    expected: float
    scale: float
    ratio: float

    @property
    def rise(self) -> float:
        """How far it rose, negative for a fall."""
        return self.value - self.expected

    @property
    def bound(self) -> float:
        """The value at which it begins to stand out, on the side where it lies."""
        step = abs(self.rise) / self.ratio if self.ratio else self.scale
        return self.expected + math.copysign(step, self.rise)


class DeparturesTable(Mapping[Key, Departure]):
    """Departures of the statistics of ``numbers``; ``figures`` are the four attributes of each, attribute by attribute.

    >>> table = DeparturesTable.of({Key("spend", "mean"): Departure(1.0, 0.0, 0.5, 2.0)})
    >>> table[Key("spend", "mean")].ratio
    2.0
    """

    def __init__(self, numbers: Numbers, figures: Floats) -> None:
        self.numbers, self._figures = numbers, figures
        self._places, self._codes = places(numbers), codes_of(numbers)

    @staticmethod
    def of(found: Mapping[Key, Departure]) -> DeparturesTable:
        """The same departures as a table."""
        if isinstance(found, DeparturesTable):
            return found
        figures = [(d.value, d.expected, d.scale, d.ratio) for d in found.values()]
        return DeparturesTable(numbers_of(found), np.array(figures, dtype=np.float64).reshape(-1, 4).T)

    def __getitem__(self, key: Key) -> Departure:
        number = number_of(key)
        place = int(self._places[number]) if 0 <= number < self._places.size else -1
        if place < 0:
            raise KeyError(key)
        return Departure(*self._figures[:, place].tolist())

    def get(self, key: Key, default: object = None) -> Departure | None:  # type: ignore[override]
        """That statistic, None when it could not be measured."""
        number = number_of(key)
        place = int(self._places[number]) if 0 <= number < self._places.size else -1
        return Departure(*self._figures[:, place].tolist()) if place >= 0 else None

    def __iter__(self) -> Iterator[Key]:
        return iter(keys_of(self.numbers))

    def __len__(self) -> int:
        return int(self.numbers.size)

    def ratios(self, stat: str) -> list[tuple[Key, float]]:
        """Statistics of one kind with their ratios, the furthest departed first."""
        at = self._ordered(stat)
        return list(zip(keys_of(self.numbers[at]), self._figures[3, at].tolist(), strict=True))

    def of_stat(self, stat: str) -> list[tuple[Key, Departure]]:
        """Statistics of one kind, the furthest departed first."""
        return self._listed(self._ordered(stat))

    def of_rows(self) -> list[tuple[Key, Departure]]:
        """The statistics that are of all rows and not of a slice."""
        return self._listed(np.flatnonzero(whole(self.numbers)))

    def furthest(self, stat: str) -> float | None:
        """The largest ratio among statistics of one kind, None when there is none."""
        at = np.flatnonzero(self._codes == STAT_CODES[stat])
        return float(self._figures[3, at].max()) if at.size else None

    def _ordered(self, stat: str) -> Numbers:
        at = np.flatnonzero(self._codes == STAT_CODES[stat])
        return at[np.argsort(-self._figures[3, at], kind="stable")]

    def _listed(self, at: Numbers) -> list[tuple[Key, Departure]]:
        told = (Departure(*figures) for figures in self._figures[:, at].T.tolist())
        return list(zip(keys_of(self.numbers[at]), told, strict=True))
