"""Metrics as they are expected from each row's chance of the positive class, or from its expected loss.

With the true labels as chances (0 or 1) these are the measured metrics. Standard errors are those of drawing labels
with these chances: what remains when chances are exact.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from core.stats.auc import BINS, bins
from core.stats.estimation.rows import Floats, Rows

BINARY = ("auc", "accuracy", "precision", "recall", "log_loss", "brier")
REGRESSION = ("mae", "rmse", "bias")


@dataclass(frozen=True, slots=True)
class Expected:
    """A metric and the standard error that drawing labels leaves it."""

    value: float
    error: float


def expected(rows: Rows, chances: Floats) -> dict[str, Expected]:
    """The metrics of :data:`BINARY` over rows with these (n,) chances; one that can't be told is left out.

    >>> rows = Rows(np.array([0.2, 0.8]), np.array([False, True]), np.zeros((1, 2), np.uint8), np.full(2, np.nan))
    >>> round(expected(rows, rows.scores)["accuracy"].value, 3)
    0.8
    """
    n = len(rows)
    if n == 0:
        return {}
    scores = np.clip(rows.scores, sys.float_info.epsilon, 1 - sys.float_info.epsilon)
    doubt = chances * (1 - chances)
    right = np.where(rows.decided, chances, 1 - chances)
    found = {"accuracy": Expected(float(right.mean()), math.sqrt(float(doubt.sum())) / n)}
    positive, negative = -np.log(scores), -np.log1p(-scores)
    loss = chances * positive + (1 - chances) * negative
    found["log_loss"] = Expected(float(loss.mean()), math.sqrt(float(doubt @ (positive - negative) ** 2)) / n)
    squares = chances * (1 - scores) ** 2 + (1 - chances) * scores**2
    found["brier"] = Expected(float(squares.mean()), math.sqrt(float(doubt @ (1 - 2 * scores) ** 2)) / n)
    chosen, positives = int(np.count_nonzero(rows.decided)), float(chances.sum())
    if chosen:
        hits = chances[rows.decided]
        found["precision"] = Expected(float(hits.mean()), math.sqrt(float(doubt[rows.decided].sum())) / chosen)
        if positives > 0:
            share = min(1.0, float(hits.sum()) / positives)
            found["recall"] = Expected(share, math.sqrt(share * (1 - share) / positives))
    if area := _area(rows.scores, chances):
        found["auc"] = area
    return found


def _area(scores: Floats, chances: Floats) -> Expected | None:
    """The area and DeLong's error, from shares of a row in both classes; see :func:`core.stats.auc.area`."""
    held = bins(scores)
    positives = np.bincount(held, weights=chances, minlength=BINS)
    negatives = np.bincount(held, weights=1 - chances, minlength=BINS)
    p, n = float(positives.sum()), float(negatives.sum())
    if p < 1e-9 or n < 1e-9:
        return None
    above = (p - np.cumsum(positives) + 0.5 * positives) / p
    below = (np.cumsum(negatives) - 0.5 * negatives) / n
    value = float(positives @ below) / p
    spread = float(positives @ (below - value) ** 2) / p**2 + float(negatives @ (above - value) ** 2) / n**2
    return Expected(min(1.0, max(0.0, value)), math.sqrt(spread))


def residuals(rows: Rows, name: str) -> Floats:
    """(n,) what a metric of :data:`REGRESSION` averages: signed, absolute or squared errors."""
    error = rows.scores - rows.truth
    return error if name == "bias" else np.abs(error) if name == "mae" else error**2


def of_losses(name: str, mean: float, error: float) -> Expected:
    """A metric of :data:`REGRESSION` from the mean of its losses and that mean's error; a negative mean counts as 0."""
    if name == "bias":
        return Expected(mean, error)
    mean = max(0.0, mean)
    if name == "mae":
        return Expected(mean, error)
    root = math.sqrt(mean)
    return Expected(root, error / (2 * root) if root > 0 else math.sqrt(error))
