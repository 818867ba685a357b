"""What columns tell beyond the prediction: the chance of the positive class, or the loss, of each row by its codes.

A score that is calibrated over all rows is not so for each kind of row: where the kinds change their shares, an
estimate that knows the score alone is off. The model here is linear in one indicator a code (log odds for classes, the
loss itself for numbers), and for classes each code also has a slope on the log odds of the score. Its penalty says that
a code moves the log odds by about 0.3; it is kept only where it is better by cross-validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.stats.estimation.calibration import EDGE, Calibration, expit, log_odds
from core.stats.estimation.rows import Codes, Floats, Rows

if TYPE_CHECKING:
    import numpy.typing as npt

PENALTY = 10.0
"""One over the variance of a coefficient."""
SCALE = 3.0
"""Log odds are divided by it, so that slopes and steps are penalised alike."""


@dataclass(frozen=True, slots=True)
class ColumnChances:
    """Coefficients of the log odds: per code of each column a step and a slope on the score's log odds.

    Attributes:
        sizes: codes of each column, in the order of :attr:`Rows.codes`.
        steps, slopes: one number a code, the columns one after the other.
    """

    sizes: tuple[int, ...]
    intercept: float
    slope: float
    steps: tuple[float, ...]
    slopes: tuple[float, ...]

    def chances(self, rows: Rows, base: Calibration) -> Floats:
        """(n,) chance of the positive class of each row."""
        odds = log_odds(base.chances(rows.scores)) / SCALE
        steps = _look_up(rows.codes, self.sizes, np.asarray(self.steps))
        slopes = _look_up(rows.codes, self.sizes, np.asarray(self.slopes))
        return np.clip(expit(self.intercept + steps + odds * (self.slope + slopes)), EDGE, 1 - EDGE)


@dataclass(frozen=True, slots=True)
class ColumnLoss:
    """Coefficients of the loss itself: a step per code of each column."""

    sizes: tuple[int, ...]
    intercept: float
    steps: tuple[float, ...]

    def losses(self, rows: Rows) -> Floats:
        """(n,) expected loss of each row."""
        return self.intercept + _look_up(rows.codes, self.sizes, np.asarray(self.steps))


def fit_chances(rows: Rows, sizes: Sequence[int], base: Calibration) -> ColumnChances:
    """Learn from labelled rows of both classes; ``base`` is the calibration that it corrects."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    odds = log_odds(base.chances(rows.scores)) / SCALE
    steps = _design(rows.codes, sizes)
    design = sparse.hstack([steps, steps.multiply(odds[:, None]).tocsr(), sparse.csr_matrix(odds[:, None])]).tocsr()
    found = LogisticRegression(C=1 / PENALTY, max_iter=300, tol=1e-4).fit(design, rows.truth)
    coefficients, width = np.asarray(found.coef_[0], np.float64), sum(sizes)
    return ColumnChances(
        tuple(sizes),
        float(found.intercept_[0]),
        float(coefficients[-1]),
        tuple(coefficients[:width].tolist()),
        tuple(coefficients[width : 2 * width].tolist()),
    )


def fit_losses(rows: Rows, sizes: Sequence[int], losses: Floats) -> ColumnLoss:
    """Learn the expected loss; the penalty is that of about :data:`PENALTY` rows a code."""
    from sklearn.linear_model import Ridge

    centre = float(losses.mean())
    found = Ridge(alpha=PENALTY, fit_intercept=True, solver="lsqr", tol=1e-6).fit(
        _design(rows.codes, sizes), losses - centre
    )
    return ColumnLoss(tuple(sizes), centre + float(found.intercept_), tuple(np.asarray(found.coef_).tolist()))


def _offsets(sizes: Sequence[int]) -> npt.NDArray[np.intp]:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)


def _look_up(codes: Codes, sizes: Sequence[int], values: Floats) -> Floats:
    total = np.zeros(codes.shape[1])
    for line, start in zip(codes, _offsets(sizes), strict=True):
        total += values[start + line.astype(np.intp)]
    return total


def _design(codes: Codes, sizes: Sequence[int]) -> Any:
    """(n, sum of sizes) sparse indicators of each row's codes."""
    from scipy import sparse

    k, n = codes.shape
    columns = (codes.astype(np.intp) + _offsets(sizes)[:, None]).T.ravel()
    return sparse.csr_matrix((np.ones(k * n), columns, np.arange(0, k * n + 1, k)), shape=(n, int(sum(sizes))))
