"""How good forecasts were: discrimination, squared error, and whether they came true as often as they said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SURE = 1.96
"""Standard deviations beyond which probabilities are held to be off."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts of about one size: how many, their mean, and how often they came true."""

    n: int
    said: float
    came_true: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How good forecasts of a yes or no were.

    Attributes:
        n, positives: forecasts, and how many came true.
        auc: chance that one that came true was forecast higher than one that did not; None without both.
        brier: mean squared error of the forecasts, 0 at best (Brier 1950, Monthly Weather Review 78, 1-3).
        z: Spiegelhalter's statistic, standard normal where forecasts come true as often as they say (Statistics in
            Medicine 5, 1986, 421-433); 99 at most.
        bins: about as many forecasts in each, in order of size.
    """

    n: int
    positives: int
    auc: float | None
    brier: float
    z: float
    bins: tuple[Bin, ...]

    @property
    def calibrated(self) -> bool:
        """Whether nothing shows that the forecasts are off; few forecasts show little."""
        return self.n > 0 and abs(self.z) <= SURE


def reliability(said: Sequence[float], came_true: Sequence[bool], bins: int = 5) -> Reliability:
    """Judge forecasts in [0, 1] by what happened.

    >>> told = reliability([0.1, 0.2, 0.8, 0.9], [False, False, True, True], bins=2)
    >>> told.auc, round(told.brier, 3), told.calibrated
    (1.0, 0.025, True)
    >>> told.bins
    (Bin(n=2, said=0.15000000000000002, came_true=0.0), Bin(n=2, said=0.8500000000000001, came_true=1.0))
    """
    if not said:
        return Reliability(0, 0, None, 0.0, 0.0, ())
    n = len(said)
    error = sum((p - y) ** 2 for p, y in zip(said, came_true, strict=True)) / n
    above = sum((y - p) * (1 - 2 * p) for p, y in zip(said, came_true, strict=True))
    spread = math.sqrt(sum((1 - 2 * p) ** 2 * p * (1 - p) for p in said))
    z = above / spread if spread > 0 else 0.0 if abs(above) < 1e-12 else math.copysign(99.0, above)
    ranked = sorted(zip(said, came_true, strict=True))
    cuts = [round(n * k / bins) for k in range(bins + 1)]
    parts = [ranked[a:b] for a, b in pairwise(cuts) if b > a]
    told = tuple(
        Bin(len(part), sum(p for p, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in parts
    )
    return Reliability(n, sum(came_true), rank_area(said, came_true), error, z, told)


def rank_area(said: Sequence[float], came_true: Sequence[bool]) -> float | None:
    """Area under the ROC curve, ties for half; None without both outcomes.

    >>> rank_area([0.2, 0.5, 0.5], [False, True, False])
    0.75
    """
    positives = sum(came_true)
    negatives = len(said) - positives
    if not positives or not negatives:
        return None
    ranks = _ranks(said)
    total = sum(rank for rank, y in zip(ranks, came_true, strict=True) if y)
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks


def kept_at_least(lost: int, total: int, confidence: float) -> float:
    """The share kept that is beaten with this confidence when ``lost`` of ``total`` were lost (Clopper and Pearson).

    >>> round(kept_at_least(0, 45, 0.9), 3), kept_at_least(0, 0, 0.9)
    (0.95, 0.0)
    """
    if total == 0 or lost >= total:
        return 0.0
    if lost == 0:
        return float((1 - confidence) ** (1 / total))
    from scipy.stats import beta

    return float(beta.ppf(1 - confidence, total - lost, lost + 1))
