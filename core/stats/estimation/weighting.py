"""Weights that make labelled rows look like a batch: their codes' shares agree with the batch's, column by column.

Raking (Deming and Stephan 1940; Deville, Särndal and Sautory 1993): of all weights that give these shares, the ones
nearest to equal in relative entropy, which is a density ratio that is a product over columns. It needs only counts of
the batch. Kish's effective sample size says how many equal rows the weighted ones are worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.stats.estimation.rows import Codes, Floats

ROUNDS = 20
CLOSE = 1e-3
"""Shares that agree within this are equal."""
PRIOR = 20.0
"""A batch's shares are mixed with so many rows of the labelled ones, so that an empty cell does not erase rows."""
LEAST_ROWS = 500
"""Rows that weights must be worth."""
MOST_UNCOVERED = 0.05


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of labelled rows with a mean of 1.

    Attributes:
        effective: rows of equal weight that they are worth, in [1, n].
        uncovered: largest share of the batch's rows, over columns, in codes that no labelled row has.
    """

    values: Floats
    effective: float
    uncovered: float

    @property
    def usable(self) -> bool:
        """Whether enough rows carry the weight, and the batch lies where labelled rows are."""
        return self.effective >= LEAST_ROWS and self.uncovered <= MOST_UNCOVERED


def shares(codes: Codes, sizes: Sequence[int]) -> tuple[npt.NDArray[np.int64], ...]:
    """Rows per code, for each column: all that weighting needs to know of a batch."""
    return tuple(np.bincount(line, minlength=size) for line, size in zip(codes, sizes, strict=True))


def rake(codes: Codes, counts: Sequence[npt.NDArray[np.int64]]) -> Weights:
    """Weights of the labelled rows ``codes`` (k, n) under which their shares agree with ``counts`` of a batch."""
    n = codes.shape[1]
    weights = np.full(n, 1 / n)
    targets, uncovered = [], 0.0
    for line, rows in zip(codes, counts, strict=True):
        own = np.bincount(line, minlength=len(rows))
        total = float(rows.sum())
        uncovered = max(uncovered, float(rows[own == 0].sum()) / total if total else 0.0)
        wanted = np.where(own > 0, rows + PRIOR * own / n, 0.0)
        targets.append(wanted / wanted.sum())
    for _ in range(ROUNDS):
        furthest = 0.0
        for line, wanted in zip(codes, targets, strict=True):
            now = np.bincount(line, weights=weights, minlength=len(wanted))
            furthest = max(furthest, float(np.abs(now - wanted).max()))
            weights = weights * (wanted / np.maximum(now, 1e-300))[line]
        if furthest < CLOSE:
            break
    weights = weights / weights.sum()
    return Weights(weights * n, float(1 / (weights @ weights)), uncovered)
