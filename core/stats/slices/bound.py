"""Scores of a slice, and the bound that lets the search leave out whole branches without losing a slice.

Write ``N`` for the **rows** of the table and ``E > 0`` for the sum of its signal, ``n`` and ``t`` for rows and sum of
a slice.

- SliceLine (Sagadeeva and Boehm, SIGMOD 2021): ``a * ((t / n) / (E / N) - 1) - (1 - a) * (N / n - 1)``.
- Mean difference: ``t / n - E / N``; any signal.

**The bound.** Let the slice S be any conjunction that extends all of the known slices P1, P2, ... (its parents), with
``n >= m`` rows. Claim: its score is at most ``max f(x)`` over ``x`` in ``[m, M]`` where ``f(x) = score(x, min(T, x *
W))``, ``M`` is the least of the parents' rows, ``T`` the least of their sums of *positive parts* and ``W`` the least
of their greatest row values.

Proof. The rows of S are rows of every parent, so ``n <= M``. The sum of S is at most the sum of its positive parts,
which is at most the same sum over a parent, all of whose further terms are >= 0: ``t <= T``. Each of the ``n`` rows of
S is worth at most W: ``t <= n * W``. So ``t <= min(T, n * W)``. Both scores rise with ``t`` for fixed ``n`` (``a >=
0``, ``E > 0``), so ``score(n, t) <= f(n)``, and ``n`` lies in ``[m, M]``. Parents of parents bound no better, since a
parent's rows, sum and greatest value are at most theirs. []

**Where the maximum is.** On a stretch of x where ``min(T, x W)`` is linear, ``p + q x``, both scores have the form
``A + B / x`` with constants A, B: monotone. ``f`` is continuous, and its pieces meet at ``x = T / W``. So the maximum
over the interval is at ``m``, at ``M``, or at ``T / W`` clipped to it, and three values are looked at. For real x this
is at least the maximum over whole n.

The N of the bound is the number of rows, as in the score itself. The published code of SliceLine (the paper's R,
SystemDS, PyPI 0.3.0) passes the number of one-hot columns here: with fewer columns than rows the bound is loose and
the search slow, with more (identifiers) it is too tight and the true first slice is lost.

Comparisons with a bound leave :data:`SLACK` for rounding, so that slices equal to the k-th are never cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.stats.slices.table import Counts, Numbers

SLACK = 1e-9


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

    def bound(self, least: Numbers, most: Numbers, total: Numbers, top: Numbers, whole: tuple[int, float]) -> Numbers:
        """The greatest score of a slice of ``least`` to ``most`` rows, sum at most ``total``, rows at most ``top``."""
        with np.errstate(divide="ignore", invalid="ignore"):
            corner = np.where(top > 0, total / top, least)
        corner = np.clip(corner, least, most)
        best = np.full(len(most), -np.inf)
        for rows in (least, most, corner):
            best = np.maximum(best, self.of(rows, np.minimum(total, rows * top), whole))
        return best


SLICELINE = Score(0.95)
MEAN = Score(None)
