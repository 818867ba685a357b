"""How far two distributions lie apart, as effect sizes: the answer does not grow with the number of rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from core.stats.sketch_numbers import Floats, Histogram

SMOOTHING = 1e-4


def psi(left: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Population stability index of two vectors of counts over the same bins: 0 for equal shares, unbounded above.

    Shares are smoothed by ``SMOOTHING``, so that an empty bin counts as rare instead of infinitely far. Under 0.1 is
    usually called stable, over 0.25 shifted (Lewis, 1994).

    >>> round(psi([50, 50], [80, 20]), 3)
    0.416
    """
    a, b = _shares(left), _shares(right)
    a, b = (a + SMOOTHING) / (1 + SMOOTHING * a.size), (b + SMOOTHING) / (1 + SMOOTHING * b.size)
    return float(np.sum((a - b) * np.log(a / b)))


def jensen_shannon(left: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Jensen-Shannon distance of two vectors of counts over the same bins: 0 equal, 1 disjoint (base 2, the root).

    >>> jensen_shannon([1, 0], [0, 1]), jensen_shannon([1, 1], [5, 5])
    (1.0, 0.0)
    """
    a, b = _shares(left), _shares(right)
    middle = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(a > 0, a * np.log2(a / middle), 0.0) + np.where(b > 0, b * np.log2(b / middle), 0.0)
    return float(np.sqrt(max(0.0, float(terms.sum()) / 2)))


def total_variation(left: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Share of rows that would have to change their bin, 0 to 1.

    >>> round(total_variation([50, 50], [80, 20]), 3)
    0.3
    """
    return float(np.abs(_shares(left) - _shares(right)).sum() / 2)


def variation_noise(reference: npt.ArrayLike, rows: float, reference_rows: float) -> float:
    """Total variation to be expected from sampling alone, rows of both sides drawn from ``reference``.

    A bin's share has standard error ``sqrt(p (1 - p) (1 / n + 1 / m))`` and mean absolute error ``sqrt(2 / pi)`` of it.
    """
    share = _shares(reference)
    scale = 1.0 / max(rows, 1.0) + 1.0 / max(reference_rows, 1.0)
    return float(np.sqrt(share * (1 - share) * scale).sum() * np.sqrt(2 / np.pi) / 2)


def kolmogorov(left: Histogram, right: Histogram) -> float:
    """Largest difference of the two cumulative shares, 0 to 1; NaN when a side is empty.

    >>> round(kolmogorov(Histogram.of(np.arange(100.0)), Histogram.of(np.arange(50.0, 150.0))), 2)
    0.5
    """
    if not left.keys.size or not right.keys.size:
        return float("nan")
    bits = min(left.bits, right.bits)
    points, a, b = aligned(left, right, bits)
    difference = np.cumsum(_shares(a)) - np.cumsum(_shares(b))
    return float(np.abs(difference).max()) if points.size else 0.0


def wasserstein(left: Histogram, right: Histogram, points: int = 101) -> float:
    """Mean distance between equal quantiles, in the unit of the numbers; NaN when a side is empty."""
    shares = (np.arange(points) + 0.5) / points
    return float(np.mean(np.abs(left.quantile(shares) - right.quantile(shares))))


def aligned(left: Histogram, right: Histogram, bits: int) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Both histograms over the union of their bins at ``bits``: the keys, and the counts of each side."""
    parts = [(side.keys >> (side.bits - bits), side.counts) for side in (left, right)]
    keys = np.unique(np.concatenate([parts[0][0], parts[1][0]]))
    counts = [np.bincount(np.searchsorted(keys, k), weights=c, minlength=keys.size) for k, c in parts]
    return keys, counts[0].astype(np.float64), counts[1].astype(np.float64)


def quantile_counts(current: Histogram, reference: Histogram, bins: int = 10) -> tuple[Floats, Floats]:
    """Counts of both over bins that hold equal shares of the reference (fewer when values repeat), ends open."""
    cuts = np.unique(reference.quantile(np.arange(1, bins) / bins))
    sides = []
    for side in (current, reference):
        upto = np.concatenate([[0.0], side.cdf(cuts), [1.0]]) * side.n
        sides.append(np.diff(upto))
    return sides[0], sides[1]


def value_counts(current: Mapping[str, int], reference: Mapping[str, int]) -> tuple[Floats, Floats, list[str]]:
    """Counts of both over the union of their values, in the order of the text."""
    names = sorted({*current, *reference})
    left = np.array([current.get(name, 0) for name in names], dtype=np.float64)
    right = np.array([reference.get(name, 0) for name in names], dtype=np.float64)
    return left, right, names


def frequent_counts(current: Mapping[str, int], reference: Mapping[str, int], most: int = 30) -> tuple[Floats, Floats]:
    """Counts of both over the reference's ``most`` frequent values, its other values, and values that are new."""
    top = sorted(reference, key=lambda v: (-reference[v], v))[:most]
    sides = []
    for side in (current, reference):
        named = [side.get(value, 0) for value in top]
        new = sum(rows for value, rows in side.items() if value not in reference)
        sides.append(np.array([*named, sum(side.values()) - sum(named) - new, new], dtype=np.float64))
    return sides[0], sides[1]


def _shares(counts: npt.ArrayLike) -> Floats:
    values = np.asarray(counts, dtype=np.float64)
    total = float(values.sum())
    return values / total if total > 0 else values
