"""Count, mean and squared deviations of a stream: the smallest summary from which a mean and its interval merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Moments:
    """``n`` values, their ``mean``, and ``m2``, the sum of squared deviations from it (stable, unlike squares)."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    @property
    def variance(self) -> float:
        """The sample variance, 0.0 under two values."""
        return self.m2 / (self.n - 1) if self.n > 1 else 0.0


def moments(values: npt.NDArray[Any]) -> Moments:
    """The moments of an array of finite numbers.

    >>> import numpy as np
    >>> moments(np.array([1.0, 2.0, 3.0]))
    Moments(n=3, mean=2.0, m2=2.0)
    """
    if values.size == 0:
        return Moments()
    mean = float(values.mean())
    return Moments(int(values.size), mean, float(((values - mean) ** 2).sum()))


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of both streams together (Chan, Golub and LeVeque 1983).

    >>> import numpy as np
    >>> merge(moments(np.array([1.0, 2.0])), moments(np.array([3.0])))
    Moments(n=3, mean=2.0, m2=2.0)
    """
    n = a.n + b.n
    if n == 0 or a.n == 0:
        return b
    delta = b.mean - a.mean
    return Moments(n, a.mean + delta * b.n / n, a.m2 + b.m2 + delta * delta * a.n * b.n / n)
