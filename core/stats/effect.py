"""Sizes of effects and of the noise that sampling alone makes."""

from __future__ import annotations

import math

import numpy as np

from core.stats.sketch_numbers import Floats, Histogram

UNITS: tuple[tuple[str, float, float], ...] = (
    ("minutes for hours, or seconds for minutes (x 60)", 60.0, 0.0),
    ("hours for minutes, or minutes for seconds (/ 60)", 1 / 60, 0.0),
    ("seconds for hours (x 3600)", 3600.0, 0.0),
    ("hours for seconds (/ 3600)", 1 / 3600, 0.0),
    ("hours for days (x 24)", 24.0, 0.0),
    ("days for hours (/ 24)", 1 / 24, 0.0),
    ("x 10", 10.0, 0.0),
    ("/ 10", 0.1, 0.0),
    ("per cent for a share, or cents for whole units (x 100)", 100.0, 0.0),
    ("a share for per cent, or whole units for cents (/ 100)", 0.01, 0.0),
    ("thousandths (x 1000)", 1000.0, 0.0),
    ("thousands (/ 1000)", 1e-3, 0.0),
    ("x 1,000,000", 1e6, 0.0),
    ("/ 1,000,000", 1e-6, 0.0),
    ("kilometres for miles (x 1.609)", 1.609344, 0.0),
    ("miles for kilometres (/ 1.609)", 1 / 1.609344, 0.0),
    ("pounds for kilograms (x 2.205)", 2.2046226, 0.0),
    ("kilograms for pounds (/ 2.205)", 1 / 2.2046226, 0.0),
    ("feet for metres (x 3.281)", 3.2808399, 0.0),
    ("metres for feet (/ 3.281)", 1 / 3.2808399, 0.0),
    ("centimetres for inches (x 2.54)", 2.54, 0.0),
    ("inches for centimetres (/ 2.54)", 1 / 2.54, 0.0),
    ("inches of mercury for hectopascals (x 0.02953)", 0.0295299831, 0.0),
    ("hectopascals for inches of mercury (x 33.86)", 33.8638867, 0.0),
    ("Celsius for Fahrenheit", 5 / 9, -160 / 9),
    ("Fahrenheit for Celsius", 9 / 5, 32.0),
    ("Kelvin for Celsius", 1.0, 273.15),
    ("Celsius for Kelvin", 1.0, -273.15),
    ("the sign turned (x -1)", -1.0, 0.0),
)
"""What a unit change is called, its factor and its offset: new = factor * old + offset."""

QUANTILES = np.array([0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95])


def share_noise(share: float, rows: float, reference_rows: float = math.inf) -> float:
    """Standard error of the difference of two shares, with one imagined row of each kind so that it is never 0.

    >>> round(share_noise(0.5, 100), 3)
    0.05
    """
    n = max(rows, 1.0)
    p = (min(max(share, 0.0), 1.0) * n + 1) / (n + 2)  # a share that a trend foretells may lie outside
    return math.sqrt(p * (1 - p) * (1 / n + 1 / max(reference_rows, 1.0)))


def best_unit(current: Histogram, reference: Histogram) -> tuple[str, float, float, float, float] | None:
    """The unit change that lays ``reference`` on ``current`` best: name, factor, offset, misfit, misfit of none.

    The misfit is the mean distance between equal quantiles over the reference's spread after the change (5 % to 95 %).
    None when a side is empty or the reference has no spread.
    """
    if not current.keys.size or not reference.keys.size:
        return None
    now, before = current.quantile(QUANTILES), reference.quantile(QUANTILES)
    plain = _misfit(now, before)
    if not math.isfinite(plain):
        return None
    found = []
    for name, factor, offset in UNITS:
        expected = factor * before + offset
        found.append(
            (_misfit(now, expected if factor > 0 else -reference.quantile(1 - QUANTILES)), name, factor, offset)
        )
    misfit, name, factor, offset = min(found)
    return name, factor, offset, misfit, plain


def _misfit(now: Floats, expected: Floats) -> float:
    """Mean distance of two rows of quantiles over the larger spread of both."""
    spread = max(float(expected[-1] - expected[0]), float(now[-1] - now[0]))
    return float(np.mean(np.abs(now - expected))) / spread if spread > 0 else math.inf


def log_score(ratio: float) -> float:
    """A ratio (1.0 at the threshold) on the scale that ranks findings: linear below 1, growing with the log above.

    >>> log_score(0.5), log_score(1.0), round(log_score(10.0), 2)
    (0.5, 1.0, 3.3)
    """
    if not math.isfinite(ratio):
        return 10.0 if ratio > 0 else 0.0
    return max(ratio, 0.0) if ratio <= 1 else min(1.0 + math.log(ratio), 10.0)


def ratio_of(score: float) -> float:
    """The ratio that :func:`log_score` was given; of a score of 10 the least that it can have been, e to the 9th.

    >>> ratio_of(log_score(0.5)), round(ratio_of(log_score(3.0)), 6)
    (0.5, 3.0)
    """
    return score if score <= 1 else math.exp(score - 1)
