"""Scores of a slice, and the bound that lets the search leave out whole branches without losing a slice.

Write ``N`` for the **rows** of the table and ``E > 0`` for the sum of its signal, ``n`` and ``t`` for rows and sum of
a slice.

- SliceLine (Sagadeeva and Boehm, SIGMOD 2021): ``a * ((t / n) / (E / N) - 1) - (1 - a) * (N / n - 1)``.
- Mean difference: ``t / n - E / N``; any signal.

**The bound.** Let S be any conjunction of at least ``m`` rows that extends (or is) each of the slices P1, P2, ... Let
``M`` be the least of their rows, ``T`` the least of their sums of *positive parts*, ``W`` the least of their greatest
row values and, for some numbers v (the levels), ``X(v)`` the sum of ``max(value - v, 0)`` over the rows of one of
them. Claim: the score of S is at most ``max f(x)`` over real ``x`` in ``[m, M]``, where ``f(x) = score(x, min(T, W x,
X(v) + v x for each v))``.

Proof. The rows of S are rows of every Pi, so ``n <= M``. The sum of S is at most the sum of its positive parts, which
is at most the same sum over Pi, all of whose further terms are >= 0: ``t <= T``. Each of the ``n`` rows of S is worth
at most W: ``t <= W n``. And ``t = sum of (value - v) + v n <= sum of max(value - v, 0) + v n <= X(v) + v n``, the last
step because all further terms of X(v) are >= 0. Both scores rise with ``t`` for fixed ``n`` (alpha >= 0, and ``E > 0``
is required), hence ``score(n, t) <= f(n)``, and n lies in the interval. []

T is X(0). Levels near the value that a row of a slice must be worth to lift it above the k-th score cut deepest:
against ``score >= s`` SliceLine's ``v = (s + 2 alpha - 1) E / (N alpha)`` is the multiplier of Lagrange, and no bound
that knows only the values of the rows of S cuts more. Rows are in falling order of their values, so X(v) needs the
first words only.

A larger m is better. Besides the minimum support, S = ABC has at least ``|AB| + |AC| - |A|`` rows: of the rows of A,
``|A| - |AB|`` are not in B and ``|A| - |AC|`` not in C; likewise with B and C. This holds for S alone, not for its
extensions, so it serves before S is counted but not to decide whether S is extended.

**Where the maximum is.** Where the minimum of the lines is ``p + q x``, both scores have the form ``A + B / x`` with
constants A and B: monotone. f is continuous and its pieces meet only where two of the lines do. So its maximum over the
interval is at an end or where two lines meet (clipped to the interval, which adds nothing above the maximum), and these
places are looked at. Over real x it is at least the maximum over whole n.

The N of the bound is the number of rows, as in the score itself. The published code of SliceLine (the paper's R,
SystemDS, PyPI 0.3.0) passes the number of one-hot columns here: with fewer columns than rows the bound is loose and
the search slow, with more (identifiers) it is too tight and the true first slice is lost.

Comparisons with a bound leave :data:`SLACK` for rounding, so that slices equal to the k-th are never cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.stats.slices.blocks import Counts, Numbers

SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known of the conjunctions whose scores are bounded: one array entry each.

    Attributes:
        least, most: of the rows; least is at least 1.
        total: upper end of the sum of positive parts.
        top: upper end of each row's value.
        lines: further upper ends of the sum, each ``p + q * rows`` with an array p and a number q.
    """

    least: Numbers
    most: Numbers
    total: Numbers
    top: Numbers
    lines: tuple[tuple[Numbers, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """How slices are ranked: SliceLine's score with ``alpha`` in (0, 1], or, when None, the mean difference."""

    alpha: float | None = 0.95

    def of(self, rows: Counts | Numbers, total: Numbers, whole: tuple[int, float]) -> Numbers:
        """Scores of slices with these rows (> 0) and sums, in a table of ``whole`` = rows and sum.

        >>> Score(0.5).of(np.array([50]), np.array([20.0]), (100, 20.0)).tolist()
        [0.0]
        """
        everything, overall = whole
        mean = overall / everything
        if self.alpha is None:
            return np.asarray(total / rows - mean, dtype=np.float64)
        gain = self.alpha * (total / rows / mean - 1.0)
        return np.asarray(gain - (1.0 - self.alpha) * (everything / rows - 1.0), dtype=np.float64)

    def bound(self, within: Limits, whole: tuple[int, float]) -> Numbers:
        """The greatest score of a slice within these limits; -inf where no number of rows is left."""
        zero = np.zeros(1)
        lines = [(within.total, zero), (zero, within.top)]
        lines += [(p, zero + q) for p, q in within.lines]
        candidates = [within.least, within.most]
        with np.errstate(divide="ignore", invalid="ignore"):
            for (p, q), (r, s) in combinations(lines, 2):
                meet = (r - p) / (q - s)
                candidates.append(np.clip(np.where(np.isfinite(meet), meet, within.least), within.least, within.most))
        best = np.full(len(within.most), -np.inf)
        for rows in candidates:
            sums = np.minimum.reduce([p + q * rows for p, q in lines])
            best = np.maximum(best, self.of(rows, sums, whole))
        return np.where(within.least <= within.most, best, -np.inf)

    def level(self, kth: float, whole: tuple[int, float]) -> float:
        """The row value that cuts deepest against slices with a score of at least ``kth``."""
        mean = whole[1] / whole[0]
        return mean + kth if self.alpha is None else (kth + 2.0 * self.alpha - 1.0) * mean / self.alpha


SLICELINE = Score(0.95)
MEAN = Score(None)
