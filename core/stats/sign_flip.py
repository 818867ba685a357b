"""Whether two series that went together go apart now: a rank correlation whose sign turns against its own past.

Neighbouring values are seldom independent, so that each correlation counts fewer of them than there are: n is cut to
``n (1 - a b) / (1 + a b)`` by the autocorrelations ``a`` and ``b`` of the two series (Bartlett 1935). Two correlations
are compared on Fisher's scale with Spearman's variance 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEAST = 8
"""Values in either window, at the least."""

RECENT = 12
"""The newest values, which are held against all before them."""

SURE = 2.5758293035489004
"""How many standard errors apart the two correlations must lie: one per cent, both sides."""

VARIANCE = 1.06


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Two rank correlations in [-1, 1] and how far they lie apart.

    Attributes:
        past, recent: of the values before and of the newest; NaN with too few of them, or without any spread.
        z: their distance in standard errors; NaN where it can't be told.
        flipped: the signs differ, and it is sure that the correlations do.
    """

    past: float
    recent: float
    past_n: int
    recent_n: int
    z: float
    flipped: bool


def sign_flip(a: Floats, b: Floats, recent: int = RECENT) -> SignFlip:
    """Compare the correlation of the newest values with that of all before.

    Args:
        a, b: two series of one length, oldest first, finite.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=40)
    >>> sign_flip(x, np.r_[x[:28], -x[28:]] + 0.1 * rng.normal(size=40)).flipped
    True
    >>> sign_flip(x, x).flipped
    False
    """
    n = int(a.size)
    before, after = max(n - recent, 0), min(recent, n)
    past, past_effective = correlation(a[:before], b[:before])
    now, now_effective = correlation(a[before:], b[before:])
    z = math.nan
    if past_effective > 3 and now_effective > 3 and not math.isnan(past + now):
        spread = math.sqrt(VARIANCE / (past_effective - 3) + VARIANCE / (now_effective - 3))
        z = (_fisher(now) - _fisher(past)) / spread
    return SignFlip(past, now, before, after, z, past * now < 0 and abs(z) > SURE)


def correlation(a: Floats, b: Floats) -> tuple[float, float]:
    """Spearman's rank correlation, and how many independent values it counts for; NaN under :data:`LEAST`."""
    import numpy as np

    if a.size < LEAST:
        return math.nan, 0.0
    one, other = (_ranks(values) for values in (a, b))
    if one.std() == 0 or other.std() == 0:
        return math.nan, 0.0
    shared = max(0.0, _following(one)) * max(0.0, _following(other))
    return float(np.corrcoef(one, other)[0, 1]), float(a.size * (1 - shared) / (1 + shared))


def _ranks(values: Floats) -> Floats:
    """Ranks from 1 on, equal values sharing the mean of theirs."""
    import numpy as np

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - 0.5 * (counts - 1))[place]
    return ranks


def _following(ranks: Floats) -> float:
    """The correlation of each value with the next one."""
    centred = ranks - ranks.mean()
    return float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())


def _fisher(value: float) -> float:
    return math.atanh(max(-0.999, min(0.999, value)))
