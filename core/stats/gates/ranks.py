"""Ranks of two arms, look by look: for numbers with tails so heavy that their mean says little.

Look ``j`` gives ``D_j``, the chance that a unit of the candidate has the larger number, less one half (Wilcoxon, Mann
and Whitney). While the arms do not differ, its variance is ``V_j = (N + 1 - ties) / (12 n_c n_b)`` whatever the law of
the numbers is (``N = n_c + n_b``; Lehmann 1975, "Nonparametrics", 1.4). Looks are weighed by ``n_c n_b / (N + 1)``, the
locally best weights of van Elteren (1960, Bulletin of the ISI 37, 351-361). Evidence and interval are those of
:mod:`core.stats.gates.mixture`; the differences that are weighed are what a shift of 0.2 standard deviations of a
normal law does to ``D``.

What is tested is whether numbers tend to be larger, not whether their mean is: a few huge losses more move it little.
The variance is that without a difference, so evidence for promotion at a margin far from one half is approximate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from core.stats.gates.exact import units, value_of, whole
from core.stats.gates.mixture import log_evidence, reach

Harm = Literal["up", "down"]

TAU = 0.2 / (2.0 * math.sqrt(math.pi))
"""Standard deviation of the differences from one half that are weighed."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Everything that looks at ranks have shown so far; adding a look makes a new one.

    Attributes:
        looks: how many had units in both arms; ``canary`` and ``control`` are the units in them.
        weight, difference, variance: sums of ``w_j``, ``w_j D_j`` and ``w_j**2 V_j``, in exact units.

    >>> ranks = Ranks().add(100, 900, auc=0.6, ties=0.0).add(100, 900, auc=0.58, ties=0.0)
    >>> round(ranks.estimate, 2), round(ranks.log_harm(), 2)
    (0.59, 7.29)
    """

    looks: int = 0
    canary: int = 0
    control: int = 0
    weight: int = 0
    difference: int = 0
    variance: int = 0

    def add(self, canary: int, control: int, auc: float, ties: float) -> Ranks:
        """With one more look. A look with an empty arm says nothing and changes nothing.

        Args:
            auc: chance that a unit of the candidate has the larger number, ties counted half.
            ties: sum of ``t**3 - t`` over groups of ``t`` equal numbers, divided by ``N (N - 1)``: 0 without ties,
                ``N + 1`` when all are equal.

        Raises:
            ValueError: a count is no count, ``auc`` is not within 0 and 1, or ``ties`` not within 0 and ``N + 1``.
        """
        n_c, n_b = whole(canary, "units of the candidate"), whole(control, "units of the control")
        if not n_c or not n_b:
            return self
        n = n_c + n_b
        if not 0.0 <= auc <= 1.0:
            raise ValueError(f"chance of the larger number {auc}: from 0 to 1 is needed")
        if not 0.0 <= ties <= (n + 1) * (1 + 1e-9):
            raise ValueError(f"ties {ties}: from 0 to {n + 1} is needed for {n} units")
        w = n_c * n_b / (n + 1)
        variance = max(0.0, n + 1 - ties) / (12.0 * n_c * n_b)
        return replace(
            self,
            looks=self.looks + 1,
            canary=self.canary + n_c,
            control=self.control + n_b,
            weight=self.weight + units(w),
            difference=self.difference + units(w * (auc - 0.5)),
            variance=self.variance + units(w * w * variance),
        )

    def merge(self, other: Ranks) -> Ranks:
        """Looks of both together; the same bits whatever the order."""
        return Ranks(
            self.looks + other.looks,
            self.canary + other.canary,
            self.control + other.control,
            self.weight + other.weight,
            self.difference + other.difference,
            self.variance + other.variance,
        )

    @property
    def estimate(self) -> float:
        """Chance that a unit of the candidate has the larger number, 0 to 1; NaN without data."""
        return 0.5 + value_of(self.difference) / value_of(self.weight) if self.weight else math.nan

    @property
    def information(self) -> float:
        """One over the variance of the estimate; 0.0 while all numbers are equal."""
        return value_of(self.weight) ** 2 / value_of(self.variance) if self.variance else 0.0

    def log_harm(self, harm: Harm = "up") -> float:
        """``ln`` of the e-value against "not worse"; 0.0 without data. Harm is shown from ``ln(1 / alpha)`` on."""
        return self._log_evidence(0.0, 1.0 if harm == "up" else -1.0)

    def log_promote(self, margin: float, harm: Harm = "up") -> float:
        """``ln`` of the e-value against "the chance to be worse is one half plus ``margin``, or more".

        Raises:
            ValueError: the margin is not within 0 and 0.5.
        """
        if not 0.0 <= margin < 0.5:
            raise ValueError(f"margin {margin}: a distance from one half, from 0 to 0.5, is needed")
        sign = 1.0 if harm == "up" else -1.0
        return self._log_evidence(sign * margin, -sign)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Chances that are not refuted, valid at every look together with chance ``1 - alpha``; (0, 1) without data.

        Raises:
            ValueError: ``alpha`` is not between 0 and 1.
        """
        half = reach(self.information, TAU, alpha)
        return (0.0, 1.0) if math.isinf(half) else (max(0.0, self.estimate - half), min(1.0, self.estimate + half))

    def _log_evidence(self, null: float, sign: float) -> float:
        information = self.information
        if information <= 0.0:
            return 0.0
        return log_evidence(sign * (self.estimate - 0.5 - null) * information, information, TAU)
