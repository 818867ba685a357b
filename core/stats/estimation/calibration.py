"""From a score to the chance that its row is positive, learned where labels are known.

Three candidates: the score as it is, a logistic line through its log odds (Platt 1999) and isotonic regression
(Zadrozny and Elkan 2002). The simplest is kept unless another is better by cross-validation: not by the error of single
rows, which favours whatever varies least, but by how far groups of rows are off, since an estimate is a mean over rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from core.stats.auc import BINS as BINS_OF_SCORE
from core.stats.auc import bins
from core.stats.estimation.rows import Codes, Floats, Places

Kind = Literal["raw", "logistic", "isotonic"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FOLDS = 5
EDGE = 1e-6
"""Chances are kept this far from 0 and 1."""
BINS = 15


@dataclass(frozen=True, slots=True)
class Calibration:
    """A map from scores to chances, piecewise linear between ``knots`` (of the score) at ``heights``.

    ``slope`` and ``intercept`` are those of the logistic line; the raw score needs nothing.
    """

    kind: Kind
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[float, ...] = ()
    heights: tuple[float, ...] = ()

    def chances(self, scores: Floats) -> Floats:
        """(n,) chance of the positive class of each score."""
        if self.kind == "isotonic":
            return np.clip(np.interp(scores, self.knots, self.heights), EDGE, 1 - EDGE)
        if self.kind == "logistic":
            return np.clip(expit(self.slope * log_odds(scores) + self.intercept), EDGE, 1 - EDGE)
        return np.clip(scores, EDGE, 1 - EDGE)


def log_odds(scores: Floats) -> Floats:
    """Log odds of chances, finite: they are kept ``EDGE`` away from 0 and 1."""
    kept = np.clip(scores, EDGE, 1 - EDGE)
    return np.log(kept) - np.log1p(-kept)


def expit(odds: Floats) -> Floats:
    """Chances of log odds."""
    from scipy.special import expit as sigmoid

    return np.asarray(sigmoid(odds), dtype=np.float64)


def folds(n: int, parts: int = FOLDS) -> Iterator[tuple[Places, Places]]:
    """Rows to learn from and rows to try on: every ``parts``-th row is tried, so that both are alike.

    >>> [held.tolist() for _, held in folds(4, 2)]
    [[0, 2], [1, 3]]
    """
    places = np.arange(n, dtype=np.intp)
    for part in range(parts):
        yield places[places % parts != part], places[places % parts == part]


def fit(kind: Kind, scores: Floats, labels: Floats, weights: Floats | None = None) -> Calibration:
    """One candidate. Rows of one class only leave the score as it is."""
    if kind == "raw" or not 0 < labels.sum() < len(labels):
        return Calibration("raw")
    if kind == "logistic":
        slope, intercept = _line(log_odds(scores), labels, np.ones_like(labels) if weights is None else weights)
        return Calibration("logistic", slope, intercept)
    return _steps(scores, labels, np.ones_like(labels) if weights is None else weights)


def learn(scores: Floats, labels: Floats) -> tuple[Calibration, Floats]:
    """The candidate to use, and the (n,) chances it gives to rows that it was not learned from."""
    tried = {kind: np.empty_like(scores) for kind in KINDS}
    for learned, held in folds(len(scores)):
        for kind in KINDS:
            tried[kind][held] = fit(kind, scores[learned], labels[learned]).chances(scores[held])
    best: Kind = "raw"
    for kind in KINDS[1:]:
        if calibration_error(tried[kind], labels, by=scores) < calibration_error(tried[best], labels, by=scores):
            best = kind
    return fit(best, scores, labels), tried[best]


def calibration_error(chances: Floats, labels: Floats, parts: int = BINS, *, by: Floats | None = None) -> float:
    """Root mean squared distance of chances from what came true, over bins of equal numbers of rows, in [0, 1].

    A bin's squared distance leans upwards by its own variance, which is taken off (Kumar, Liang and Ma 2019, Verified
    Uncertainty Calibration): without that, few rows look uncalibrated whatever the chances are.

    Args:
        by: what rows are sorted into bins by, the chances themselves by default.

    >>> even = np.tile([0.0, 1.0], 500)
    >>> calibration_error(np.full(1000, 0.5), even), round(calibration_error(np.full(1000, 0.9), even), 2)
    (0.0, 0.4)
    """
    order = np.argsort(chances if by is None else by, kind="stable")
    groups = np.empty(len(order), np.uint8)
    groups[order] = np.arange(len(order)) * parts // max(1, len(order))
    return group_error(labels - chances, groups[None, :], (parts,))


def group_error(residuals: Floats, groups: Codes | Places, sizes: Sequence[int]) -> float:
    """Root mean square of the mean residual of groups of rows, less what chance gives them; weighted by rows.

    Args:
        groups: (k, n) k ways to group the rows, each a group below its size.
    """
    total = 0.0
    for line, size in zip(groups, sizes, strict=True):
        rows = np.bincount(line, minlength=size)
        held = rows > 1
        mean = np.bincount(line, weights=residuals, minlength=size)[held] / rows[held]
        square = np.bincount(line, weights=residuals**2, minlength=size)[held] / rows[held]
        total += float(rows[held] @ (mean**2 - (square - mean**2) / (rows[held] - 1)))
    return math.sqrt(max(0.0, total / max(1, len(sizes) * len(residuals))))


def _steps(scores: Floats, labels: Floats, weights: Floats) -> Calibration:
    """Isotonic regression over the bins of :mod:`core.stats.auc`: their counts are all that it needs."""
    from scipy.optimize import isotonic_regression

    held = bins(np.clip(scores, 0.0, 1.0))
    mass = np.bincount(held, weights=weights, minlength=BINS_OF_SCORE)
    there = np.flatnonzero(mass > 0)
    middle = np.bincount(held, weights=weights * scores, minlength=BINS_OF_SCORE)[there] / mass[there]
    share = np.bincount(held, weights=weights * labels, minlength=BINS_OF_SCORE)[there] / mass[there]
    heights = np.asarray(isotonic_regression(share, weights=mass[there]).x, np.float64)
    turns = np.flatnonzero(np.diff(heights) > 0)  # only the ends of steps are kept: the line between them is level
    kept = np.unique(np.concatenate([[0], turns, turns + 1, [len(there) - 1]])).astype(np.intp)
    return Calibration("isotonic", 1.0, 0.0, tuple(middle[kept].tolist()), tuple(heights[kept].tolist()))


def _line(odds: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and intercept of the logistic line by Newton's method, with a little shrinkage towards the score itself."""
    parameters, prior = np.array([1.0, 0.0]), np.array([1.0, 0.0])
    design = np.stack([odds, np.ones_like(odds)])
    for _ in range(50):
        chance = expit(parameters @ design)
        gradient = design @ (weights * (chance - labels)) + (parameters - prior)
        curvature = (design * (weights * chance * (1 - chance))) @ design.T + np.eye(2)
        step: Floats = np.linalg.solve(curvature, gradient)
        parameters = parameters - step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(parameters[0]), float(parameters[1])
