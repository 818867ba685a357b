"""What a count of rare events tells of their rate."""

from __future__ import annotations


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson count (Garwood, 1936).

    >>> [round(bound, 2) for bound in poisson_interval(3)], round(poisson_interval(0)[1], 2)
    ([0.62, 8.77], 3.69)
    """
    from scipy.stats import chi2

    rest = (1 - level) / 2
    low = float(chi2.ppf(rest, 2 * count)) / 2 if count else 0.0
    return low, float(chi2.ppf(1 - rest, 2 * count + 2)) / 2
