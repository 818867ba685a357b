"""The difference of one metric between two versions on the very same rows, with an interval that knows the pairs.

Metrics that are smooth in their rows have an influence of each row (Hampel 1974): the variance of the difference is
that of the difference of influences, over n. For means this is the paired t interval, for the area under the ROC curve
the paired one of DeLong, DeLong and Clarke-Pearson (1988); for others it is the delta method. Every other metric is
resampled, rows in pairs, with the hash of the suite as seed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.metrics.base import Metric, Reading, Sample
from core.stats.intervals import t_point

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.metrics.base import Array

    Bools = npt.NDArray[np.bool_]

RESAMPLES = 200
ROWS = 20_000
"""Rows of one resample, at the most."""

ANALYTIC = "paired, analytic"
RESAMPLED = f"paired bootstrap, {RESAMPLES} resamples, seeded by the suite"


def difference(metric: Metric, candidate: Sample, baseline: Sample, seed: str) -> tuple[Reading, str]:
    """Candidate minus baseline (of their sizes where near zero is good), and where its interval comes from.

    Both samples hold the same rows in the same order, all usable and (where the metric needs it) labelled.

    Args:
        seed: hexadecimal, at least 16 digits.
    """
    a, b = metric.read(metric.sums(candidate)), metric.read(metric.sums(baseline))
    n = int(candidate.scores.size)
    if a.value is None or b.value is None:
        return Reading(None, None, None, n, a.note or b.note), ""
    size = abs if metric.direction == "zero" else float
    value = size(a.value) - size(b.value)
    mine, others = influence(metric, candidate, a.value), influence(metric, baseline, b.value)
    if mine is None or others is None:
        low, high = _resampled(metric, candidate, baseline, value, seed)
        return Reading(value, low, high, n), RESAMPLED
    half = half_width(mine - others)
    if half is None:
        return Reading(value, None, None, n), ANALYTIC
    return Reading(value, value - half, value + half, n), ANALYTIC


def half_width(values: Array) -> float | None:
    """Half of Student's 95 % interval of a mean; None under two values."""
    n = int(values.size)
    if n < 2:
        return None
    return t_point(n - 1) * math.sqrt(float(values.var(ddof=1)) / n)


def influence(metric: Metric, sample: Sample, value: float) -> Array | None:
    """How much each row moves the metric, up to a constant; None for a metric that this is not known of."""
    import numpy as np

    s, y = sample.scores, sample.labels
    told: Array | None = None
    match metric.name:
        case "mae":
            told = np.abs(s - y)
        case "bias":
            told = math.copysign(1.0, value) * (s - y)
        case "rmse":
            told = (s - y) ** 2 / (2 * value) if value > 0 else np.zeros(s.size)
        case "log_loss":
            kept = np.clip(s, np.finfo(float).eps, 1 - np.finfo(float).eps)
            told = -np.log(np.where(y == 1, kept, 1 - kept))
        case "accuracy":
            right = sample.positive() == (y == 1) if sample.task == "binary" else s == y
            told = right.astype(float)
        case "prediction_rate":
            told = sample.positive().astype(float)
        case "precision":
            claimed = sample.positive()
            told = _share(claimed & (y == 1), claimed, value)
        case "recall":
            told = _share(sample.positive() & (y == 1), y == 1, value)
        case "auc":
            told = _placements(s, y == 1, value)
    return told


def _share(hits: Bools, of: Bools, value: float) -> Array:
    """A quotient of two sums: (hit - value x member) over the share of members."""
    import numpy as np

    members = np.asarray(of, dtype=float)
    share = float(members.mean())
    told: Array = (np.asarray(hits, dtype=float) - value * members) / share if share else np.zeros(members.size)
    return told


def _placements(scores: Array, positive: Bools, value: float) -> Array:
    """DeLong's structural components, from the same bins as the area itself."""
    import numpy as np

    from core.stats.auc import BINS, bins

    held = bins(scores)
    positives, negatives = (np.bincount(held[who], minlength=BINS) for who in (positive, ~positive))
    p, n = int(positives.sum()), int(negatives.sum())
    below = (np.cumsum(negatives) - 0.5 * negatives) / n
    above = (p - np.cumsum(positives) + 0.5 * positives) / p
    total = scores.size
    told: Array = np.where(positive, (below[held] - value) * total / p, (above[held] - value) * total / n)
    return told


def _resampled(metric: Metric, a: Sample, b: Sample, centre: float, seed: str) -> tuple[float | None, float | None]:
    """The middle 95 % over resampled rows; (None, None) when too few of them can be read.

    Of many rows only :data:`ROWS` are drawn at a time, and the interval shrinks by the root of their share (the m out
    of n bootstrap: Bickel, Götze and van Zwet 1997).
    """
    import numpy as np

    rng = np.random.default_rng(int(seed[:16], 16))
    n = int(a.scores.size)
    m = min(n, ROWS)
    size = abs if metric.direction == "zero" else float
    found = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, n, m)
        one, other = (metric.read(metric.sums(taken(sample, rows))).value for sample in (a, b))
        if one is not None and other is not None:
            found.append(size(one) - size(other))
    if len(found) < RESAMPLES // 2:
        return None, None
    low, high = np.quantile(found, [0.025, 0.975])
    if m == n:
        return float(low), float(high)
    middle, shrink = float(np.mean(found)), math.sqrt(m / n)
    return centre + shrink * (float(low) - middle), centre + shrink * (float(high) - middle)


def taken(sample: Sample, rows: Bools | npt.NDArray[np.int64]) -> Sample:
    """The sample of these rows: a mask or an array of places."""

    def pick(values: Array) -> Array:
        told: Array = values[rows] if values.size else values
        return told

    return Sample(
        sample.task, pick(sample.scores), pick(sample.labels), pick(sample.latency), sample.threshold,
        pick(sample.classes),
    )  # fmt: skip
