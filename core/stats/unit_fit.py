"""Which unit change it was, of several that would be near: by the numbers themselves, and by the days before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.stats.effect import QUANTILES, UNITS
from core.stats.sketch_numbers import Floats, Histogram

SOURCE_RANGES: dict[str, tuple[float, float]] = {
    "Celsius for Fahrenheit": (-150.0, 1000.0),
    "Fahrenheit for Celsius": (-100.0, 600.0),
    "Kelvin for Celsius": (-100.0, 600.0),
    "Celsius for Kelvin": (150.0, 900.0),
}
"""Where numbers of the unit that the reference is in may lie, for changes that move zero."""

FOUND = 0.7
"""Share of the new numbers that must be numbers of the reference once converted back."""

FEW = 5
"""Fewer distinct new numbers than this prove nothing."""

RIVAL = 2.0
"""How much worse the next best change must fit for the best one to be told by its name."""


@dataclass(frozen=True, slots=True)
class UnitFit:
    """A unit change; ``misfit`` is 0 where it explains everything, ``sure`` says that no other comes near."""

    name: str
    factor: float
    offset: float
    misfit: float
    sure: bool


def fits_source(name: str, reference: Histogram) -> bool:
    """Whether the reference can be in the unit that the change begins with: clock minutes are no Kelvin.

    >>> fits_source("Celsius for Kelvin", Histogram.of(np.array([300.0, 1439.0])))
    False
    """
    if name not in SOURCE_RANGES or not reference.keys.size:
        return True
    low, high = SOURCE_RANGES[name]
    return low <= float(reference.edges()[0][0]) and float(reference.edges()[1][-1]) <= high


def by_values(current: Histogram, reference: Histogram) -> UnitFit | None:
    """The change that turns numbers never seen into numbers of the reference; None where numbers can't tell.

    Both must be exact counts. A measured number comes from a grid, and only the true change leads back to it.
    """
    if not (current.exact and reference.exact and current.keys.size and reference.keys.size):
        return None
    known, values = reference.edges()[0], current.edges()[0]
    new = ~_among(values, known)
    rows = current.counts[new]
    if int(new.sum()) < FEW or rows.sum() < 0.02 * current.n:
        return None
    found = []
    for name, factor, offset in UNITS:
        if factor < 0:
            continue
        hit = _among((values[new] - offset) / factor, known)
        found.append((float(rows[hit].sum() / rows.sum()), name, factor, offset))
    found.sort(reverse=True)
    best, name, factor, offset = found[0]
    if best < FOUND or found[1][0] > best / RIVAL:
        return None
    return UnitFit(name, factor, offset, 1 - best, sure=True)


def contradicted(current: Histogram, reference: Histogram, factor: float, offset: float) -> bool:
    """Whether hardly one number never seen becomes one of the reference's by undoing the change.

    False where numbers can't tell: too few new ones, or bins that are not single numbers.
    """
    if not (current.exact and reference.exact and current.keys.size and reference.keys.size) or not factor:
        return False
    known, values = reference.edges()[0], current.edges()[0]
    new = ~_among(values, known)
    rows = current.counts[new]
    if int(new.sum()) < FEW:
        return False
    return float(rows[_among((values[new] - offset) / factor, known)].sum() / rows.sum()) < 1 - FOUND


def by_days(current: Histogram, days: Sequence[Histogram], reference: Histogram) -> UnitFit | None:
    """The change of all rows that leaves a batch most like one of ``days`` when it is undone.

    Level and spread are both weighed: the mean distance of nine quantiles from those of the nearest day, over that
    day's spread or half of the reference's, whichever is larger. None when that is no small part of the distance
    without a change.
    """
    days = [day for day in days if day.keys.size] or [reference]
    if not current.keys.size or not reference.keys.size:
        return None
    past = np.array([day.quantile(QUANTILES) for day in days])
    now, whole = current.quantile(QUANTILES), reference.quantile(QUANTILES)
    room = np.maximum(past[:, -1] - past[:, 0], 0.5 * float(whole[-1] - whole[0]))
    if not (room > 0).all():
        return None
    plain = _nearest(now, past, room)
    found = sorted(
        (_nearest((now - offset) / factor, past, room), name, factor, offset)
        for name, factor, offset in UNITS
        if factor > 0 and fits_source(name, reference)
    )
    misfit, name, factor, offset = found[0]
    if misfit > 0.15 * plain or misfit > 0.3:
        return None
    return UnitFit(name, factor, offset, misfit, sure=found[1][0] > RIVAL * max(misfit, 0.02))


def _nearest(quantiles: Floats, past: Floats, room: Floats) -> float:
    apart = np.abs(quantiles - past).mean(axis=1) / room
    wide = abs(float(quantiles[-1] - quantiles[0])) + 1e-12
    spread = np.abs(np.log(wide / np.maximum(past[:, -1] - past[:, 0], 1e-12)))
    return float((apart + 0.1 * np.minimum(spread, math.log(100.0))).min())


def known_rows(current: Histogram, reference: Histogram) -> float | None:
    """Share of numbers that the reference holds too; None unless both are exact counts.

    >>> known_rows(Histogram.of(np.array([1.0, 2.0])), Histogram.of(np.array([2.0, 3.0])))
    0.5
    """
    if not (current.exact and reference.exact and current.keys.size and reference.keys.size):
        return None
    return float(current.counts[_among(current.edges()[0], reference.edges()[0])].sum() / current.n)


def _among(values: Floats, known: Floats) -> npt.NDArray[np.bool_]:
    """Which of ``values`` are among the ascending ``known``, up to the rounding of a conversion."""
    at = np.searchsorted(known, values)
    left, right = known[np.clip(at - 1, 0, known.size - 1)], known[np.clip(at, 0, known.size - 1)]
    near = np.minimum(np.abs(values - left), np.abs(right - values))
    return np.asarray(near <= 1e-7 * np.maximum(np.abs(values), 1.0), dtype=np.bool_)
