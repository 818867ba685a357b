"""Numbers of two arms, look by look: a stratified test of the difference of means that may be read after every look.

Look ``j`` gives the difference ``D_j`` of the arms' means and the weight ``w_j = n_c n_b / (n_c + n_b)`` (Cochran,
Mantel, Haenszel), which the counts alone decide. Then ``d = sum(w_j D_j) / sum(w_j)``, and its variance is
``(s_c^2 sum(w_j^2 / n_c,j) + s_b^2 sum(w_j^2 / n_b,j)) / sum(w_j)^2`` with ``s^2`` of each arm from the sums of squares
within looks: a base that drifts, or a share of traffic that changes, adds nothing. The smaller arm's ``s^2`` counts as
at least the larger's: a small arm of skewed numbers has mostly not met its tail yet, is low in mean and spread at once,
and would otherwise be sure of it. Evidence and interval are those of :mod:`core.stats.gates.mixture` with
``tau = 0.2 sd``.

It is asymptotic: a small arm of skewed numbers whose spread is truly larger than the control's still seems lower than
it is, so a rule asks for a least number of units before it believes that a number fell ("no worse than the margin" says
that too). Heavy tails are capped at a quantile of the reference, chosen before the first look, or ranked
(:mod:`core.stats.gates.ranks`).

With a covariate known before the prediction (CUPED: Deng, Xu, Kohavi, Walker 2013, WSDM), numbers are replaced by
``y - b x``. ``b`` is the slope within looks and arms, pooled, so no difference between arms can enter it; as ``x`` is
known before the arms part, ``E(D_x) = 0`` and any ``b`` leaves the difference of means what it is.

Sums are exact (:mod:`core.stats.gates.exact`): the order of looks cannot change one bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from core.stats.gates.exact import units, value_of, whole
from core.stats.gates.mixture import log_evidence, reach

Harm = Literal["up", "down"]

TAU = 0.2
"""Standard deviation of the differences that are weighed, in standard deviations of the number itself."""

LEAST_FREEDOM = 20
"""Degrees of freedom within looks before a covariate's slope is used."""


class Sums(Protocol):
    """Sums of one arm in one look; a covariate's are 0.0 where there is none."""

    @property
    def n(self) -> int:
        """Units."""

    @property
    def total(self) -> float:
        """Of the number."""

    @property
    def squares(self) -> float:
        """Of its square."""

    @property
    def covariate(self) -> float:
        """Of the covariate."""

    @property
    def covariate_squares(self) -> float:
        """Of its square."""

    @property
    def product(self) -> float:
        """Of number times covariate."""


@dataclass(frozen=True, slots=True)
class Within:
    """Sums about the means of looks, of one arm, in exact units: of squares and products; ``freedom`` is ``n - 1``.

    ``weights`` is the sum of ``w_j**2 / n_j``.
    """

    freedom: int = 0
    squares: int = 0
    covariate: int = 0
    product: int = 0
    weights: int = 0

    def plus(self, other: Within) -> Within:
        """Both together."""
        return Within(
            self.freedom + other.freedom,
            self.squares + other.squares,
            self.covariate + other.covariate,
            self.product + other.product,
            self.weights + other.weights,
        )

    def variance(self, slope: float) -> float:
        """Of ``y - slope x`` within looks; NaN while there is nothing to tell it from."""
        freedom = self.freedom - (slope != 0.0)
        if freedom < 1:
            return math.nan
        about = value_of(self.squares) - 2 * slope * value_of(self.product) + slope**2 * value_of(self.covariate)
        return max(0.0, about) / freedom


@dataclass(frozen=True, slots=True)
class Means:
    """Everything that looks at numbers have shown so far; adding a look makes a new one.

    Attributes:
        sd: standard deviation of the number in the reference, which scales the differences that are weighed.
        covariate: whether looks bring a covariate.
        looks: how many had units in both arms; ``canary`` and ``control`` are the units in them.
        weight, difference, shift: sums of ``w_j``, ``w_j D_j`` and of the covariate's ``w_j D_j``, in exact units.
    """

    sd: float
    covariate: bool = False
    looks: int = 0
    canary: int = 0
    control: int = 0
    weight: int = 0
    difference: int = 0
    shift: int = 0
    of_canary: Within = Within()
    of_control: Within = Within()
    paired: bool = False

    @classmethod
    def empty(cls, sd: float, covariate: bool = False) -> Means:
        """Nothing seen yet.

        Raises:
            ValueError: ``sd`` is not a positive number.
        """
        if not (math.isfinite(sd) and sd > 0.0):
            raise ValueError(f"standard deviation {sd}: a positive number is needed")
        return cls(float(sd), covariate)

    def add(self, canary: Sums, control: Sums) -> Means:
        """With one more look. A look with an empty arm says nothing and changes nothing.

        Raises:
            ValueError: a count is no count, a sum is not finite or comes from no numbers, or looks were pairs so far.
        """
        n_c, n_b = whole(canary.n, "units of the candidate"), whole(control.n, "units of the control")
        here, there = _within(canary, n_c, "candidate"), _within(control, n_b, "control")
        if not n_c or not n_b:
            return self
        if self.paired:
            raise ValueError("looks so far were pairs, this one has two arms")
        w = n_c * n_b / (n_c + n_b)
        shift = canary.covariate / n_c - control.covariate / n_b if self.covariate else 0.0
        return replace(
            self,
            looks=self.looks + 1,
            canary=self.canary + n_c,
            control=self.control + n_b,
            weight=self.weight + units(w),
            difference=self.difference + units(w * (canary.total / n_c - control.total / n_b)),
            shift=self.shift + units(w * shift),
            of_canary=self.of_canary.plus(replace(here, weights=units(w * w / n_c))),
            of_control=self.of_control.plus(replace(there, weights=units(w * w / n_b))),
        )

    def add_differences(self, pairs: int, total: float, squares: float) -> Means:
        """With one more look at requests that both answered: number of pairs, sum of differences and of their squares.

        Raises:
            ValueError: as for two arms, or looks had two arms so far.
        """
        n = whole(pairs, "pairs")
        about = _about(n, squares, total, total, "pairs")
        if not n:
            return self
        if self.looks and not self.paired:
            raise ValueError("looks so far had two arms, this one is of pairs")
        return replace(
            self,
            paired=True,
            looks=self.looks + 1,
            canary=self.canary + n,
            control=self.control + n,
            weight=self.weight + units(float(n)),
            difference=self.difference + units(total),
            of_canary=self.of_canary.plus(Within(n - 1, units(about), weights=units(float(n)))),
        )

    def merge(self, other: Means) -> Means:
        """Looks of both together; the same bits whatever the order.

        Raises:
            ValueError: they differ in scale, covariate, or in being pairs.
        """
        if (self.sd, self.covariate) != (other.sd, other.covariate):
            raise ValueError("the two were made for different numbers")
        if self.looks and other.looks and self.paired != other.paired:
            raise ValueError("one is of pairs, the other of two arms")
        return Means(
            self.sd,
            self.covariate,
            self.looks + other.looks,
            self.canary + other.canary,
            self.control + other.control,
            self.weight + other.weight,
            self.difference + other.difference,
            self.shift + other.shift,
            self.of_canary.plus(other.of_canary),
            self.of_control.plus(other.of_control),
            self.paired or other.paired,
        )

    @property
    def slope(self) -> float:
        """Of the number on the covariate, within looks and arms; 0.0 without one or while there is too little."""
        both = self.of_canary.plus(self.of_control)
        if not self.covariate or both.freedom < LEAST_FREEDOM or both.covariate <= 0:
            return 0.0
        return value_of(both.product) / value_of(both.covariate)

    @property
    def estimate(self) -> float:
        """Candidate's mean minus the control's, adjusted by the covariate; NaN without data."""
        if not self.weight:
            return math.nan
        return (value_of(self.difference) - self.slope * value_of(self.shift)) / value_of(self.weight)

    @property
    def information(self) -> float:
        """One over the variance of the estimate; 0.0 while that is unknown or no number differs from another."""
        if not self.weight:
            return 0.0
        slope = self.slope
        canary, control = self.of_canary.variance(slope), self.of_control.variance(slope)
        if self.paired:
            spread = canary * value_of(self.of_canary.weights)
        else:
            canary, control = settled(canary, control, self.of_canary.freedom, self.of_control.freedom)
            spread = canary * value_of(self.of_canary.weights) + control * value_of(self.of_control.weights)
        return value_of(self.weight) ** 2 / spread if spread > 0.0 else 0.0

    def log_harm(self, harm: Harm = "up") -> float:
        """``ln`` of the e-value against "not worse"; 0.0 without data. Harm is shown from ``ln(1 / alpha)`` on."""
        return self._log_evidence(0.0, 1.0 if harm == "up" else -1.0)

    def log_promote(self, margin: float, harm: Harm = "up") -> float:
        """``ln`` of the e-value against "worse by ``margin`` (in the number's unit, 0 or more) or more".

        Raises:
            ValueError: the margin is negative or not finite.
        """
        if not (math.isfinite(margin) and margin >= 0.0):
            raise ValueError(f"margin {margin}: a number of 0 or more is needed")
        sign = 1.0 if harm == "up" else -1.0
        return self._log_evidence(sign * margin, -sign)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Differences that are not refuted, valid at every look together with chance ``1 - alpha``; infinite at first.

        Raises:
            ValueError: ``alpha`` is not between 0 and 1.
        """
        half = reach(self.information, TAU * self.sd, alpha)
        return (-math.inf, math.inf) if math.isinf(half) else (self.estimate - half, self.estimate + half)

    def _log_evidence(self, null: float, sign: float) -> float:
        information = self.information
        if information <= 0.0:
            return 0.0
        return log_evidence(sign * (self.estimate - null) * information, information, TAU * self.sd)


def settled(canary: float, control: float, freedom_canary: int, freedom_control: int) -> tuple[float, float]:
    """Variances of the arms as they count: the one that rests on less is at least the other.

    >>> settled(0.1, 1.0, 9, 99), settled(4.0, 1.0, 9, 99), settled(4.0, 1.0, 99, 9)
    ((1.0, 1.0), (4.0, 1.0), (4.0, 4.0))
    """
    larger = max((s for s in (canary, control) if not math.isnan(s)), default=math.nan)
    if freedom_canary < freedom_control:
        return larger, control
    return canary, (larger if freedom_control < freedom_canary else control)


def _about(n: int, squares: float, left: float, right: float, arm: str, same: bool = True) -> float:
    """Sum of products about the means; of squares when ``same``, then checked and never negative."""
    for value in (squares, left, right):
        if not math.isfinite(value):
            raise ValueError(f"{arm}: a sum is {value}")
    if not n:
        return 0.0
    about = squares - left * right / n
    if not same:
        return about
    if squares < 0.0 or about < -1e-6 * squares:
        raise ValueError(f"{arm}: a sum of squares of {squares} cannot come from {n} numbers that add up to {left}")
    return max(0.0, about)


def _within(sums: Sums, n: int, arm: str) -> Within:
    squares = _about(n, sums.squares, sums.total, sums.total, arm)
    covariate = _about(n, sums.covariate_squares, sums.covariate, sums.covariate, arm)
    product = _about(n, sums.product, sums.total, sums.covariate, arm, same=False)
    return Within(max(0, n - 1), units(squares), units(covariate), units(product))
