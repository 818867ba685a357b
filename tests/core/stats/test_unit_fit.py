"""Unit changes that lie near each other are told apart by the numbers themselves and by the days before."""

from __future__ import annotations

import numpy as np

from core.stats.sketch_numbers import Histogram
from core.stats.unit_fit import by_days, by_values, contradicted, fits_source


def test_fahrenheit_in_celsius_is_not_feet_in_metres() -> None:
    rng = np.random.default_rng(1)
    month = np.round(rng.normal(60, 12, 8000).clip(35, 93))
    today = np.round(rng.normal(68, 5, 900).clip(50, 80))  # warmer and narrower than the month
    found = by_values(Histogram.of((today - 32) / 1.8), Histogram.of(month))
    assert found is not None
    assert (found.name, found.sure) == ("Celsius for Fahrenheit", True)
    assert contradicted(Histogram.of((today - 32) / 1.8), Histogram.of(month), 1 / 3.2808399, 0.0)
    assert by_values(Histogram.of(today), Histogram.of(month)) is None


def test_a_day_unlike_the_month_is_held_against_days() -> None:
    rng = np.random.default_rng(2)
    days = [Histogram.of(rng.normal(level, 4, 300)) for level in (58, 60, 62, 66, 70, 64)]
    month = days[0]
    for day in days[1:]:
        month = month.merge(day)
    found = by_days(Histogram.of(rng.normal(66, 4, 300) * 60), days, month)
    assert found is not None
    assert (found.factor, found.sure) == (60.0, True)
    assert by_days(Histogram.of(rng.normal(66, 4, 300)), days, month) is None


def test_minutes_of_a_clock_are_no_kelvin() -> None:
    clock = Histogram.of(np.arange(300.0, 1440.0))
    assert not fits_source("Celsius for Kelvin", clock)
    assert by_values(Histogram.of(np.arange(0.0, 1140.0)), clock) is None
