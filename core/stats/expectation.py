"""What is to be expected of today, from a statistic's own past, and how far off is far.

Several tiny forecasters compete for each statistic by their error on past days. The scale is the largest of the
greatest past error, three robust deviations of them, and a floor that the caller knows (sampling noise and the
smallest effect worth a word). A family of statistics then gets one threshold from the past days' own largest ratios,
so that many statistics do not alarm every day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.stats.sketch_numbers import Floats

MINIMUM_PAST = 5
WINDOW = 28


@dataclass(frozen=True, slots=True)
class Expectations:
    """What is expected of each statistic today, and how far off it is.

    Attributes:
        expected: of today.
        scale: the error that would be at the edge of what was seen.
        ratio: today's error over the scale.
        past_ratios: days x statistics, each past day's error over the scale that the other days give.
    """

    expected: Floats
    scale: Floats
    ratio: Floats
    past_ratios: Floats


def expectations(
    past: Floats, today: Floats, floor: Floats, seasons: npt.NDArray[np.int64], season: int
) -> Expectations:
    """Judge ``today`` (statistics) by ``past`` (days x statistics, in the order of time, at least ``MINIMUM_PAST``).

    ``floor`` is the smallest scale per statistic. ``seasons`` numbers each past day's season (its weekday, say) and
    ``season`` today's; all equal means none. A NaN in ``past`` is taken as the median of the statistic's other days.
    """
    days = past.shape[0]
    if days < MINIMUM_PAST:
        raise ValueError(f"{days} past days, {MINIMUM_PAST} are needed")
    past = np.where(np.isnan(past), np.nanmedian(past, axis=0), past)
    low, high = np.minimum(past.min(axis=0), today), np.maximum(past.max(axis=0), today)
    moving = np.flatnonzero(high - low > floor)
    expected, scale = np.median(past, axis=0), np.array(floor, dtype=np.float64)
    first = min(max(3, days // 3), 7)
    past_ratios = np.abs(past[first:] - expected) / scale
    if moving.size:
        found = _forecast(past[:, moving], floor[moving], seasons, season, first)
        expected[moving], scale[moving], past_ratios[:, moving] = found
    return Expectations(expected, scale, np.abs(today - expected) / scale, past_ratios)


def _forecast(
    past: Floats, floor: Floats, seasons: npt.NDArray[np.int64], season: int, first: int
) -> tuple[Floats, Floats, Floats]:
    """Expected value, scale and past ratios of statistics that moved by more than their floor."""
    days = past.shape[0]
    told = np.stack([_forecasts(past[:day], seasons[:day], int(seasons[day])) for day in range(first, days)])
    errors = np.abs(told - past[first:, None, :])
    best = np.argmin(errors.mean(axis=0), axis=0)
    chosen = np.take_along_axis(errors, best[None, None, :], axis=1)[:, 0, :]
    expected = np.take_along_axis(_forecasts(past, seasons, season), best[None, :], axis=0)[0]
    few = 1.0 + 2.0 / chosen.shape[0]
    deviation = 3 * 1.4826 * np.median(chosen, axis=0)
    scale = np.maximum(np.maximum(chosen.max(axis=0), deviation) * few, floor)
    order = np.sort(chosen, axis=0)
    others = np.where(chosen >= order[-1], order[-2] if order.shape[0] > 1 else order[-1], order[-1])
    past_scale = np.maximum(np.maximum(others, deviation) * few, floor)
    return expected, scale, chosen / past_scale


def family_threshold(past_ratios: Floats) -> float:
    """Ratio beyond which a day stands out of its family.

    ``exp(median + 2 robust deviations)`` of the log of the days' largest ratios, 1.0 at least and 3.0 at most, so that
    one odd day does not blind the rest.
    """
    if past_ratios.size == 0:
        return 1.0
    largest = np.log(np.maximum(past_ratios.max(axis=1), 1e-3))
    middle = float(np.median(largest))
    deviation = 1.4826 * float(np.median(np.abs(largest - middle)))
    return min(max(math.exp(middle + 2 * deviation), 1.0), 3.0)


def _forecasts(past: Floats, seasons: npt.NDArray[np.int64], season: int) -> Floats:
    """Forecasters x statistics: medians of 28 and 7, mean of 3, same season, season's effect whole and half, last."""
    window = past[-WINDOW:]
    same = seasons[-WINDOW:] == season
    median, level = np.median(window, axis=0), np.median(past[-7:], axis=0)
    if same.any() and not same.all():
        alike = window[same][-4:].mean(axis=0)
        effect = (window[same] - median).mean(axis=0)
    else:
        alike, effect = median, np.zeros_like(median)
    return np.stack([median, level, past[-3:].mean(axis=0), alike, median + effect, level + effect / 2, past[-1]])
