"""Whether a part of the traffic is a good sample of the rest: how far its columns lie off, and values it hardly has.

A part is held against what drawing so few rows at random would give by itself, so that a small good sample passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.stats.drift import psi
from core.stats.intervals import normal_score, wilson
from core.stats.sketch_numbers import Floats

ALPHA = 0.01
"""Chance that a column of a good sample is called off, over all columns together."""
FAR = 0.1
"""PSI beyond sampling noise from which on a column is off."""
EXPECTED = 5.0
"""Rows that a bin is expected to hold at least on either side (Cochran, 1954); smaller bins are put together."""
SUPPORT = 0.01
"""Share of the rest that a value has at least to be missed."""
THIN = 0.5
"""A value is thin where its share is below this part of its share in the rest."""

Counts = tuple[Sequence[int], Sequence[int]]
"""Rows per value (or bin) of a column: of the part, and of the rest."""


@dataclass(frozen=True, slots=True)
class ColumnFit:
    """How far a column of the part lies off.

    Attributes:
        psi: over bins that hold enough rows; NaN where there are no two of them.
        noise: the PSI that sampling so many rows gives on average, ``(bins - 1) (1/n + 1/m)`` (Yurdakul, 2018).
        p_value: of the same counts, by the chi-squared test of homogeneity.
        off: far, and more than chance over all columns explains.
    """

    column: str
    psi: float
    noise: float
    p_value: float
    off: bool


@dataclass(frozen=True, slots=True)
class ThinValue:
    """A value that the part hardly has.

    Attributes:
        place: of the value in its column's counts.
        rows, share, interval: in the part, with the 95 % interval of the share.
        rest_share: of the rest of the traffic.
    """

    column: str
    place: int
    rows: int
    share: float
    interval: tuple[float, float]
    rest_share: float


@dataclass(frozen=True, slots=True)
class Representation:
    """What was found; ``columns`` the farthest first, ``thin`` the one with most traffic in the rest first."""

    rows: int
    rest_rows: int
    columns: tuple[ColumnFit, ...]
    thin: tuple[ThinValue, ...]

    @property
    def judged(self) -> bool:
        """Whether any column could be judged: with a handful of rows none can."""
        return any(not np.isnan(column.psi) for column in self.columns)

    @property
    def good(self) -> bool | None:
        """Whether the part is a good sample as far as its rows can tell; None where they can't."""
        if self.thin or any(column.off for column in self.columns):
            return False
        return True if self.judged else None


def representation(columns: Mapping[str, Counts]) -> Representation:
    """Hold a part of the traffic against the rest, column by column.

    Args:
        columns: rows per value, both sides over the same values, one after the other where they have an order.

    >>> ios_only = representation({"platform": ([200, 0], [5000, 5000])})
    >>> ios_only.good, round(ios_only.columns[0].psi, 1), ios_only.thin[0].place
    (False, 4.6, 1)
    >>> representation({"platform": ([14, 9], [5000, 5000])}).good
    True
    """
    tested = [_fit(column, here, rest, len(columns)) for column, (here, rest) in columns.items()]
    looked_at = sum(len(here) for here, _ in columns.values())
    thin = [value for column, (here, rest) in columns.items() for value in _thin(column, here, rest, looked_at)]
    return Representation(
        rows=max((int(sum(here)) for here, _ in columns.values()), default=0),
        rest_rows=max((int(sum(rest)) for _, rest in columns.values()), default=0),
        columns=tuple(sorted(tested, key=lambda fit: (np.isnan(fit.psi), -fit.psi, fit.column))),
        thin=tuple(sorted(thin, key=lambda value: (-value.rest_share, value.column, value.place))),
    )


def _fit(column: str, here: Sequence[int], rest: Sequence[int], tests: int) -> ColumnFit:
    """PSI and the chi-squared test of one column; Bonferroni over ``tests``."""
    from scipy.special import chdtrc

    merged = _merged(np.array([here, rest], dtype=np.float64))
    bins = merged.shape[1]
    if bins < 2:
        return ColumnFit(column, float("nan"), float("nan"), 1.0, False)
    rows = merged.sum(axis=1, keepdims=True)
    expected = rows * merged.sum(axis=0) / rows.sum()
    p_value = float(chdtrc(bins - 1, float(((merged - expected) ** 2 / expected).sum())))
    noise = (bins - 1) * float((1 / rows).sum())
    found = psi(merged[0], merged[1])
    return ColumnFit(column, found, noise, p_value, found - noise > FAR and p_value * tests <= ALPHA)


def _merged(counts: Floats) -> Floats:
    """Neighbouring bins put together until each is expected to hold enough rows of the smaller side."""
    rows = counts.sum(axis=1)
    if not rows.min():
        return counts[:, :0]
    share = rows.min() / rows.sum()
    bins: list[Floats] = []
    held = np.zeros(2)
    for one in counts.T:
        held = held + one
        if held.sum() * share >= EXPECTED:
            bins.append(held)
            held = np.zeros(2)
    if held.sum() and bins:
        bins[-1] = bins[-1] + held
    return np.array(bins).T if bins else counts[:, :0]


def _thin(column: str, here: Sequence[int], rest: Sequence[int], looked_at: int) -> list[ThinValue]:
    """Values whose share is beyond doubt, over all that were looked at, less than half of that in the rest."""
    rows, rest_rows = sum(here), sum(rest)
    if not rows or not rest_rows:
        return []
    z = normal_score(1 - ALPHA / (2 * max(looked_at, 1)))
    return [
        ThinValue(column, place, one, one / rows, wilson(one, rows), other / rest_rows)
        for place, (one, other) in enumerate(zip(here, rest, strict=True))
        if other >= SUPPORT * rest_rows and wilson(one, rows, z)[1] < THIN * wilson(other, rest_rows, z)[0]
    ]
