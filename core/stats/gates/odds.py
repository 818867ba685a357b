"""Events of two arms, look by look: an exact test of the odds ratio that may be read after every look.

A look is a stratum: candidate and control in the same window. Given how many events it has in all, only the odds ratio
``psi`` says how many of them fall on the candidate (:mod:`core.stats.gates.hypergeometric`), so neither a base rate
that drifts from look to look nor a share of traffic that changes can be taken for harm. With ``L(psi)`` the sum of the
looks' log-likelihood ratios against ``psi = 1``:

- harm (null hypothesis: no look has ``psi > 1``): ``E = sum over psi > 1 of w(psi) exp(L(psi))``;
- promotion (null hypothesis: every look has ``psi >= m``): ``E = sum over psi < m of w(psi) exp(L(psi) - L(m))``;
- interval at ``1 - alpha``: all ``psi`` with ``L(psi) >= ln(sum of w exp(L)) + ln(alpha)``.

Each ``E`` is a nonnegative supermartingale that starts at 1, by the monotone likelihood ratio of the law, so the
chance that it ever reaches ``1 / alpha`` is at most ``alpha``, however often one looks (Ville 1939; Ramdas, Gruenwald,
Vovk, Shafer 2023, Statistical Science 38, 576-601). For events that are good, ``harm="down"`` mirrors both.

Ratios of a look are rounded to multiples of 2**-32 and added as whole numbers: the sum cannot depend on the order of
looks, on when they were seen, or on how parts were merged. One look over two windows is another stratum than two looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from core.stats.gates.exact import log_sum, whole
from core.stats.gates.hypergeometric import Floats, Points, log_mean_power

Harm = Literal["up", "down"]

STEP = 0.08
GRID: Points = tuple(round(STEP * i, 10) for i in range(-30, 31))
"""Logarithms of the odds ratios that are weighed: 61 from -2.4 to 2.4."""

SPREAD = 0.7
"""Standard deviation, in ``ln(psi)``, of the half-normal weights of harm and of the interval's normal ones."""

SPREAD_PROMOTE = 0.15
"""Standard deviation of the normal weights about "no difference" that are held against a margin.

A candidate worth promoting differs little: for margins of 1.15 to 2 it passes 15 to 20 % sooner than under half-normal
weights that begin at the margin.
"""

_UNIT = 2.0**-32


def log_likelihood(
    canary: int, canary_events: int, control: int, control_events: int, extra: Iterable[float] = ()
) -> Floats:
    """Log-likelihood ratio of one look against ``psi = 1`` at each point of the grid; zeros when an arm is empty.

    Args:
        extra: logarithms of odds ratios beside the grid's; the points are sorted together.

    Raises:
        ValueError: a count is negative, no whole number, or there are more events than units.
    """
    return _ratio(*_checked(canary, canary_events, control, control_events), points_with(extra))


def points_with(extra: Iterable[float] = ()) -> Points:
    """The grid with further points, sorted.

    >>> len(points_with()), len(points_with([0.0, math.log(1.3)]))
    (61, 62)
    """
    return tuple(sorted({*GRID, *extra}))


def points_for(*margins: float) -> Points:
    """The grid with both mirror images of each margin, an odds ratio of 1 or more.

    Raises:
        ValueError: a margin is below 1 or not finite.
    """
    for margin in margins:
        if not (math.isfinite(margin) and margin >= 1.0):
            raise ValueError(f"margin {margin}: an odds ratio of 1 or more is needed")
    return points_with(sign * math.log(m) for m in margins for sign in (1, -1) if m > 1.0)


@dataclass(frozen=True, slots=True)
class Odds:
    """Everything that looks at events have shown so far; adding a look makes a new one.

    Attributes:
        points: logarithms of odds ratios, ascending.
        sums: ``L`` at each of them, in units of 2**-32.
        looks: how many had units in both arms (paired: any pair that differs).
        canary, control: units in those looks.

    >>> start = Odds.empty(margin=1.5)
    >>> odds = start.add(1_000, 100, 9_000, 450).add(1_000, 90, 9_000, 460)
    >>> round(odds.log_harm(), 2), round(odds.estimate, 2), odds.looks
    (27.21, 1.97, 2)
    """

    points: Points
    sums: tuple[int, ...]
    looks: int = 0
    canary: int = 0
    control: int = 0

    @classmethod
    def empty(cls, margin: float = 1.0, margins: Iterable[float] = ()) -> Odds:
        """Nothing seen yet; every margin that will be asked for must be named here.

        Raises:
            ValueError: a margin is below 1.
        """
        points = points_for(margin, *margins)
        return cls(points, (0,) * len(points))

    def add(self, canary: int, canary_events: int, control: int, control_events: int) -> Odds:
        """With one more look: units and events of both arms. A look with an empty arm says nothing and changes nothing.

        Raises:
            ValueError: a count is negative, no whole number, or there are more events than units.
        """
        n_c, k_c, n_b, k_b = _checked(canary, canary_events, control, control_events)
        if not n_c or not n_b:
            return self
        return self._with(_ratio(n_c, k_c, n_b, k_b, self.points), n_c, n_b)

    def add_paired(self, only_canary: int, only_control: int, pairs: int | None = None) -> Odds:
        """With one more look at requests that both versions answered: those where only one of them had the event.

        Of pairs that differ, the candidate has the event in a share ``psi / (1 + psi)`` (McNemar 1947, Psychometrika
        12, 153-157): the others say nothing. ``pairs`` is only counted.

        Raises:
            ValueError: a count is negative or no whole number, or more pairs differ than there are.
        """
        b, c = (
            whole(only_canary, "pairs with the event in the candidate only"),
            whole(only_control, "pairs with the event in the control only"),
        )
        n = b + c if pairs is None else whole(pairs, "pairs")
        if b + c > n:
            raise ValueError(f"{b + c} pairs differ, of {n}")
        if not n:
            return self
        x = np.array(self.points)
        # ln((1 + psi) / 2) = x / 2 + ln(cosh(x / 2)), which is exactly 0 at 0.
        return self._with((b - c) * x / 2 - (b + c) * np.log(np.cosh(x / 2)), n, n)

    def merge(self, other: Odds) -> Odds:
        """Looks of both together; the same bits whatever the order.

        Raises:
            ValueError: they were made for different margins.
        """
        if self.points != other.points:
            raise ValueError("the two were made for different margins")
        return Odds(
            self.points,
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            self.looks + other.looks,
            self.canary + other.canary,
            self.control + other.control,
        )

    def log_harm(self, harm: Harm = "up") -> float:
        """``ln`` of the e-value against "not worse"; 0.0 without data. Harm is shown from ``ln(1 / alpha)`` on."""
        return log_sum([w + s for w, s in zip(harm_weights(self.points, harm), self._logs(), strict=True)])

    def log_promote(self, margin: float, harm: Harm = "up") -> float:
        """``ln`` of the e-value against "worse by the margin or more"; 0.0 without data.

        Args:
            margin: an odds ratio of 1 or more; for ``harm="down"`` the null hypothesis is ``psi <= 1 / margin``.

        Raises:
            ValueError: the margin was not named when this was made.
        """
        weights, place = promote_weights(self.points, margin, harm)
        logs = self._logs()
        return log_sum([w + s - logs[place] for w, s in zip(weights, logs, strict=True)])

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Odds ratios that are not refuted, low and high, valid at every look together with the chance ``1 - alpha``.

        (0, inf) without data. ``L`` is concave in ``ln(psi)``, so chords through neighbouring points bound it from
        above: the interval between points is never shorter than the exact one.

        Raises:
            ValueError: ``alpha`` is not between 0 and 1.
        """
        if not 0.0 < alpha < 1.0:
            raise ValueError(f"alpha {alpha}: between 0 and 1 is needed")
        logs = self._logs()
        weights = _both_weights(self.points)
        level = log_sum([w + s for w, s in zip(weights, logs, strict=True)]) + math.log(alpha)
        down = [-x for x in reversed(self.points)]
        low = -_edge(down, logs[::-1], level)
        return math.exp(low), math.exp(_edge(list(self.points), logs, level))

    @property
    def estimate(self) -> float:
        """The most likely odds ratio, within the grid's 0.09 to 11; NaN without an event that tells the arms apart."""
        if not any(self.sums):
            return math.nan
        logs = self._logs()
        top = max(range(len(logs)), key=lambda i: logs[i])
        if top in (0, len(logs) - 1):
            return math.exp(self.points[top])
        (x0, x1, x2), (y0, y1, y2) = self.points[top - 1 : top + 2], logs[top - 1 : top + 2]
        rise, fall = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
        if rise <= fall:
            return math.exp(x1)
        # The parabola's slope is `rise` halfway to the left neighbour and `fall` halfway to the right one.
        left, right = (x0 + x1) / 2, (x1 + x2) / 2
        return math.exp(left + (right - left) * rise / (rise - fall))

    def _with(self, ratio: Floats, canary: int, control: int) -> Odds:
        steps = np.rint(ratio / _UNIT).astype(np.int64).tolist()
        return replace(
            self,
            sums=tuple(a + b for a, b in zip(self.sums, steps, strict=True)),
            looks=self.looks + 1,
            canary=self.canary + canary,
            control=self.control + control,
        )

    def _logs(self) -> list[float]:
        return [s * _UNIT for s in self.sums]


@lru_cache(maxsize=64)
def harm_weights(points: Points, harm: Harm) -> tuple[float, ...]:
    """Logarithms of the weights of harm: on the grid's points alone, so that margins change nothing."""
    sign = 1.0 if harm == "up" else -1.0
    return _normed([x if x in GRID and sign * x > 0 else None for x in points], SPREAD)


@lru_cache(maxsize=64)
def _both_weights(points: Points) -> tuple[float, ...]:
    return _normed([x if x in GRID else None for x in points], SPREAD)


@lru_cache(maxsize=256)
def promote_weights(points: Points, margin: float, harm: Harm) -> tuple[tuple[float, ...], int]:
    """Logarithms of the weights on the good side of a margin, and the margin's place among the points.

    Raises:
        ValueError: the margin is not among the points.
    """
    sign = 1.0 if harm == "up" else -1.0
    edge = sign * math.log(margin) if margin >= 1.0 else math.nan
    if edge not in points:
        raise ValueError(f"margin {margin} was not named when the evidence was begun")
    good = [x if x in GRID and sign * (edge - x) > 0 else None for x in points]
    return _normed(good, SPREAD_PROMOTE), points.index(edge)


def _normed(distances: list[float | None], spread: float) -> tuple[float, ...]:
    logs = [-math.inf if d is None else -0.5 * (d / spread) ** 2 for d in distances]
    total = log_sum(logs)
    return tuple(one - total for one in logs)


def _edge(points: list[float], logs: list[float], level: float) -> float:
    """The largest point at which a concave function, known at ``points``, may reach ``level``; infinity off the end."""
    last = max(i for i, y in enumerate(logs) if y >= level or y == max(logs))
    if last == len(points) - 1:
        return math.inf
    out = last + 1
    bounds = [points[out]]
    if last > 0:
        slope = (logs[last] - logs[last - 1]) / (points[last] - points[last - 1])
        if slope < 0:
            bounds.append(points[last] + (level - logs[last]) / slope)
    if out + 1 < len(points):
        slope = (logs[out + 1] - logs[out]) / (points[out + 1] - points[out])
        if slope < 0:
            bounds.append(points[out] + (level - logs[out]) / slope)
    return min(bounds)


def _checked(canary: float, canary_events: float, control: float, control_events: float) -> tuple[int, int, int, int]:
    n_c, k_c = whole(canary, "units of the candidate"), whole(canary_events, "events of the candidate")
    n_b, k_b = whole(control, "units of the control"), whole(control_events, "events of the control")
    for arm, n, k in (("candidate", n_c, k_c), ("control", n_b, k_b)):
        if k > n:
            raise ValueError(f"{arm}: {k} events in {n} units")
    return n_c, k_c, n_b, k_b


def _ratio(n_c: int, k_c: int, n_b: int, k_b: int, points: Points) -> Floats:
    if not n_c or not n_b:
        return np.zeros(len(points))
    answer: Floats = k_c * np.array(points) - log_mean_power(n_c, n_b, k_c + k_b, points)
    return answer
