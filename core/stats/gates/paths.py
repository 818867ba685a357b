"""Evidence after each look of many simulated rollouts at once, with the numbers of the classes that take one look.

For planning and for proving: arrays have one axis of simulations and, last, one of looks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.stats.gates.hypergeometric import Floats, Points, log_ratios
from core.stats.gates.mixture import log_evidence
from core.stats.gates.odds import Harm, harm_weights, promote_weights

Counts = NDArray[np.int64]


def harm_path(
    canary: Counts, canary_events: Counts, control: Counts, control_events: Counts, points: Points, harm: Harm = "up"
) -> Floats:
    """``ln`` of the e-value against "not worse" after each look; the last axis is of looks.

    Counts are taken as valid; sizes may lack the axis of simulations.
    """
    held = np.array([w > -np.inf for w in harm_weights(points, harm)])
    chosen = tuple(x for x, keep in zip(points, held, strict=True) if keep)
    weights = np.array(harm_weights(points, harm))[held]
    sums = np.cumsum(log_ratios(canary, canary_events, control, control_events, chosen), axis=-2)
    return log_mean(sums + weights)


def promote_path(
    canary: Counts,
    canary_events: Counts,
    control: Counts,
    control_events: Counts,
    points: Points,
    margin: float,
    harm: Harm = "up",
) -> Floats:
    """``ln`` of the e-value against "worse by the margin or more" after each look; the last axis is of looks.

    Raises:
        ValueError: the margin is not among the points.
    """
    weights, place = promote_weights(points, margin, harm)
    sums = np.cumsum(log_ratios(canary, canary_events, control, control_events, points), axis=-2)
    return log_mean(sums - sums[..., place : place + 1] + np.array(weights))


def log_mean(logs: Floats) -> Floats:
    """``ln(sum(exp(logs)))`` over the last axis."""
    top = logs.max(axis=-1, keepdims=True)
    answer: Floats = top[..., 0] + np.log(np.exp(logs - top).sum(axis=-1))
    return answer


def mean_scores(canary: tuple[Floats, Floats, Floats], control: tuple[Floats, Floats, Floats]) -> tuple[Floats, Floats]:
    """Score and information of :class:`core.stats.gates.means.Means` after each look.

    Each arm: units, sums and sums of squares of each look, no look empty; the last axis is of looks.
    """
    (n_c, y_c, q_c), (n_b, y_b, q_b) = canary, control
    w = n_c * n_b / (n_c + n_b)
    weight = np.cumsum(w, axis=-1)
    difference = np.cumsum(w * (y_c / n_c - y_b / n_b), axis=-1)
    freedom_c, freedom_b = np.cumsum(n_c - 1.0, axis=-1), np.cumsum(n_b - 1.0, axis=-1)
    own_c = np.cumsum(q_c - y_c * y_c / n_c, axis=-1) / np.maximum(freedom_c, 1.0)
    own_b = np.cumsum(q_b - y_b * y_b / n_b, axis=-1) / np.maximum(freedom_b, 1.0)
    s_c = np.where(freedom_c < freedom_b, np.maximum(own_c, own_b), own_c)
    s_b = np.where(freedom_b < freedom_c, np.maximum(own_c, own_b), own_b)
    spread = s_c * np.cumsum(w * w / n_c, axis=-1) + s_b * np.cumsum(w * w / n_b, axis=-1)
    known = np.broadcast_to(spread > 0.0, spread.shape)
    per = np.divide(1.0, spread, out=np.zeros(spread.shape), where=known)
    return difference * weight * per, weight * weight * per


def rank_scores(canary: Floats, control: Floats, auc: Floats, ties: Floats) -> tuple[Floats, Floats]:
    """Score (of the distance from one half) and information of :class:`core.stats.gates.ranks.Ranks` at each look."""
    w = canary * control / (canary + control + 1.0)
    variance = np.cumsum(w * w * (canary + control + 1.0 - ties) / (12.0 * canary * control), axis=-1)
    weight = np.cumsum(w, axis=-1)
    return np.cumsum(w * (auc - 0.5), axis=-1) * weight / variance, weight * weight / variance


def mixture_path(score: Floats, information: Floats, tau: float) -> Floats:
    """``ln`` of the e-value of :mod:`core.stats.gates.mixture` at each entry."""
    answer: Floats = np.frompyfunc(lambda s, i: log_evidence(s, i, tau), 2, 1)(score, information).astype(np.float64)
    return answer
