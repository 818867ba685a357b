"""95 % intervals of proportions and means, in closed form: no bootstrap, so that they merge like their sums."""

from __future__ import annotations

import math
from statistics import NormalDist

Z95 = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def wilson(successes: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, within [0, 1]; (0, 1) when ``n`` is 0.

    Reference: Wilson (1927), JASA 22, 209-212.

    >>> [round(bound, 4) for bound in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if n <= 0:
        return 0.0, 1.0
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high


def t_point(freedom: float) -> float:
    """The 97.5 % point of Student's t; the normal's from 1,000 degrees on (they differ by less than 0.13 %).

    >>> round(t_point(9), 4)
    2.2622
    """
    if freedom >= 1_000:
        return Z95
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def mean_interval(mean: float, variance: float, n: float) -> tuple[float, float] | None:
    """Student's interval of a mean from the sample variance; None under two values.

    >>> mean_interval(5.0, 4.0, 1) is None
    True
    >>> [round(bound, 3) for bound in mean_interval(5.0, 4.0, 10)]
    [3.569, 6.431]
    """
    if n < 2:
        return None
    half = t_point(n - 1) * math.sqrt(max(0.0, variance) / n)
    return mean - half, mean + half


def logit_interval(value: float, error: float, n: float) -> tuple[float, float]:
    """An interval of a value in (0, 1) from its standard error, symmetric on the logit scale so that it stays inside.

    At 0, at 1 and without a standard error it is Wilson's over ``n``, which is wider than the truth.

    >>> [round(bound, 3) for bound in logit_interval(0.9, 0.02, 200)]
    [0.853, 0.933]
    """
    if not 0.0 < value < 1.0 or error <= 0.0:
        return wilson(value * n, n)
    centre, half = math.log(value / (1 - value)), Z95 * error / (value * (1 - value))
    return _expit(centre - half), _expit(centre + half)


def normal_score(probability: float) -> float:
    """The standard normal quantile, kept finite at 0 and 1.

    >>> normal_score(0.5)
    0.0
    """
    return NormalDist().inv_cdf(min(max(probability, 1e-12), 1 - 1e-12))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def difference_interval(
    value: float, interval: tuple[float, float], other: float, other_interval: tuple[float, float]
) -> tuple[float, float]:
    """The interval of ``value - other`` of two independent samples, from the interval of each.

    The variance of either side is recovered from the bound that matters (MOVER; Zou and Donner 2008, Statistics in
    Medicine 27, 1693-1702); with Wilson's intervals it is Newcombe's method 10 (1998).

    >>> low, high = difference_interval(0.08, wilson(8, 100), 0.05, wilson(5, 100))
    >>> round(low, 4), round(high, 4)
    (-0.043, 0.1055)
    """
    (low, high), (least, most) = interval, other_interval
    centre = value - other
    return centre - math.hypot(value - low, most - other), centre + math.hypot(high - value, other - least)
