"""CUSUM for small drops that stay: each window against the windows before it, in units of their own noise.

Self-starting (Hawkins 1987, Journal of the Royal Statistical Society D 36, 299-316): a window's value is standardised
with mean and deviation of all earlier ones and carried to an exact standard normal through Student's t, so that an
estimated baseline doesn't inflate the false alarms. With the reference value ``K`` = 0.5 and the bound ``H`` = 4.77 the
average run between false alarms is about 740 windows (Siegmund 1985); scores are cut at 3 deviations, so that one
blip can't reach the bound alone, which only lengthens it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.stats.intervals import normal_score

K = 0.5
"""Half of the shift, in deviations, that is found fastest."""

H = 4.77
"""The bound of the sum."""

CUT = 3.0
"""One window counts for at most so many deviations."""

LEAST_BASELINE = 8
"""Fewer earlier windows than this are no baseline."""


@dataclass(frozen=True, slots=True)
class Drop:
    """What CUSUM says of a series of windows.

    Attributes:
        status: ``fail`` found a persistent worsening, ``no_data`` had too few windows or no noise to measure against.
        value: the highest sum since the onset, in deviations; ``threshold`` is the bound it is held against.
        found: index of the window at which the sum crossed the bound.
        onset: index of the window at which the worsening is estimated to have begun.
        before, after: mean of the metric before the onset and from it on.
    """

    status: Literal["pass", "fail", "no_data"]
    message: str
    value: float | None = None
    threshold: float = H
    found: int | None = None
    onset: int | None = None
    before: float | None = None
    after: float | None = None


def run_length(h: float = H, k: float = K) -> float:
    """The average number of windows between false alarms (Siegmund's approximation).

    >>> round(run_length())
    743
    """
    b = h + 1.166
    return (math.exp(2 * k * b) - 2 * k * b - 1) / (2 * k * k)


def drop(
    values: Sequence[float], *, good: Literal["up", "down", "zero"], errors: Sequence[float | None] | None = None
) -> Drop:
    """Whether the metric has worsened and stayed worse, in a series of mature windows in order of time.

    From the moment a worsening is found, its windows leave the baseline, so that it does not become the new normal;
    it is over once the sum has fallen back under half of the bound.

    Args:
        values: one per window, finite.
        good: the metric's direction; ``zero`` judges the distance from zero.
        errors: the windows' own standard errors, None where unknown: one that rests on few labels isn't held to the
            noise of larger ones.
    """
    if len(values) <= LEAST_BASELINE:
        return Drop("no_data", f"{len(values)} mature windows: more than {LEAST_BASELINE} are needed")
    walk = _Walk(-1.0 if good == "up" else 1.0)
    for i, value in enumerate(values):
        walk.step(abs(value) if good == "zero" else value, (errors[i] or 0.0) if errors else 0.0)
    if not any(score is not None for score in walk.scores):
        return Drop("no_data", "the windows so far don't vary: there is no noise to measure a drop against")
    if walk.found is None:
        return Drop("pass", "no persistent worsening", value=walk.peak)
    before, after = _mean(values[: walk.start]), _mean(values[walk.start :])
    message = f"worse since {len(values) - walk.start} windows: {before:.4g} before, {after:.4g} since"
    return Drop("fail", message, walk.peak, H, walk.found, walk.start, before, after)


class _Walk:
    """The sum as it goes over the windows.

    ``start`` is the first window of the current excursion from zero, ``found`` the one at which it crossed the bound.
    """

    def __init__(self, sign: float) -> None:
        self.sign = sign
        self.baseline: list[float] = []
        self.scores: list[float | None] = []
        self.total = self.peak = 0.0
        self.start = 0
        self.pending = 0
        self.found: int | None = None

    def step(self, value: float, error: float) -> None:
        """Take in one window."""
        score = self._score(value, error)
        self.scores.append(score)
        here = len(self.scores) - 1
        if score is None and self.total == 0.0:
            self.start = here + 1
        if score is not None:
            self.total = max(0.0, self.total + min(max(self.sign * score, -CUT), CUT) - K)
            if self.found is not None and self.total < H / 2:
                self.found, self.total = None, 0.0
            if self.total == 0.0:
                self.start, self.peak, self.pending = here + 1, 0.0, 0
            self.peak = max(self.peak, self.total)
            if self.total > H and self.found is None:
                self.found = here
                del self.baseline[len(self.baseline) - self.pending :]
            self.total = min(self.total, H)
        if self.found is None:
            self.baseline.append(value)
            self.pending += self.total > 0.0

    def _score(self, value: float, error: float) -> float | None:
        """The window's standard normal score against the baseline, None while that is none."""
        n = len(self.baseline)
        if n < LEAST_BASELINE:
            return None
        mean = _mean(self.baseline)
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in self.baseline) / (n - 1))
        noise = max(deviation, error)
        if noise <= 1e-12 * max(1.0, abs(mean)):
            return None
        return _normal((value - mean) / noise * math.sqrt(n / (n + 1)), n - 1)


def _normal(t: float, freedom: int) -> float:
    from scipy.special import stdtr

    # The upper tail keeps its precision through the lower one of the mirrored value.
    return normal_score(float(stdtr(freedom, t))) if t <= 0 else -normal_score(float(stdtr(freedom, -t)))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
