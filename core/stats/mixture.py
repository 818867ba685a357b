"""Part of the numbers in another unit: the batch as a mixture of the reference and of the reference converted."""

from __future__ import annotations

import numpy as np

from core.stats.effect import UNITS
from core.stats.sketch_numbers import Floats, Histogram
from core.stats.unit_fit import fits_source

MINIMUM_SHARE = 0.05
NEAR = 0.35
"""Largest distance left over, as a part of the distance without a unit change."""


def plausible(current: Histogram, reference: Histogram, factor: float, offset: float, share: float) -> bool:
    """Whether as many rows left the reference's range as ``share`` converted ones would, and went where those lie."""
    low, high = reference.edges()[0][0], reference.edges()[1][-1]
    far = sorted((factor * low + offset, factor * high + offset))
    stay = np.sort((np.array([low, high]) - offset) / factor)
    expected = share * (1 - float(np.diff(reference.cdf(stay))[0]))
    tiny = 1e-9 * max(abs(float(low)), abs(float(high)), 1.0)
    lows, highs = current.edges()
    outside = (highs < low - tiny) | (lows > high + tiny)
    there = outside & (highs >= far[0] - tiny) & (lows <= far[1] + tiny)
    left, arrived = (float(current.counts[chosen].sum()) / current.n for chosen in (outside, there))
    return abs(arrived - expected) <= 0.35 * expected + 0.02 and left - arrived <= 0.2 * left + 0.02


def mixed_unit(
    current: Histogram, reference: Histogram, usual: float = 0.0
) -> tuple[str, float, float, float, bool] | None:
    """Name, factor, offset and share (0 to 1) of the unit change that explains ``current`` best; None when none does.

    The last is whether the next best leaves at least half as much again unexplained, and a little more.

    The share is the least-squares weight of the converted cumulative shares. A unit counts only when converted numbers
    lie mostly apart from the others (Kolmogorov distance of a half), else any drift would look like one. ``usual`` is
    the distance that clean batches have from the reference.
    """
    if not current.keys.size or not reference.keys.size:
        return None
    shares = np.linspace(0.01, 0.99, 49)
    own = reference.quantile(shares)
    found: list[tuple[float, str, float, float, float]] = []
    for name, factor, offset in UNITS:
        if factor < 0 or not fits_source(name, reference):
            continue
        points = np.unique(np.concatenate([own, factor * own + offset]))
        before, now = reference.cdf(points), current.cdf(points)
        converted: Floats = reference.cdf((points - offset) / factor)
        step, gap = converted - before, now - before
        whole = float(np.abs(gap).max())
        if float(np.abs(step).max()) < 0.5 or whole < MINIMUM_SHARE:
            continue
        share = float(np.clip(np.dot(step, gap) / max(float(np.dot(step, step)), 1e-12), 0.0, 1.0))
        left = float(np.abs(gap - share * step).max())
        if share >= MINIMUM_SHARE and max(0.0, left - usual) <= NEAR * (whole - usual):
            found.append((left / whole, name, factor, offset, share))
    if not found:
        return None
    found.sort()
    best, name, factor, offset, share = found[0]
    return name, factor, offset, share, len(found) == 1 or found[1][0] > 1.5 * best + 0.01
