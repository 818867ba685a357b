"""Expected calibration error: how far scores are from the share that came true. In [0, 1], down is good.

Ten bins of equal width; the mean of |share - mean score| over bins, weighted by their rows (Naeini, Cooper and
Hauskrecht 2015). The interval adds up each bin's binomial error; the estimate itself leans upwards when bins are
small, by about 0.4 / sqrt(n) for a perfectly calibrated model spread over all bins, and the interval keeps that lean.
"""

from __future__ import annotations

import math

from core.metrics.base import BINARY, Metric, Reading, Sample, State, missing
from core.stats.intervals import Z95

BINS = 10


def sums(sample: Sample) -> State:
    """Rows, positives and the sum of scores per bin."""
    import numpy as np

    scores, labels = sample.labelled()
    held = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    return {
        "n": np.bincount(held, minlength=BINS).tolist(),
        "pos": np.bincount(held, weights=labels, minlength=BINS).tolist(),
        "score": np.bincount(held, weights=scores, minlength=BINS).tolist(),
    }


def merge(a: State, b: State) -> State:
    """The sums of both, bin by bin."""
    return {key: [x + y for x, y in zip(a[key], b[key], strict=True)] for key in ("n", "pos", "score")}


def read(state: State) -> Reading:
    """The error, with an interval from the binomial error of each bin."""
    total = int(sum(state["n"]))
    if total == 0:
        return missing(0, "no labels")
    value = variance = 0.0
    for n, positives, score in zip(state["n"], state["pos"], state["score"], strict=True):
        if n:
            share = positives / n
            value += abs(positives - score) / total
            variance += (n / total) ** 2 * share * (1 - share) / n
    half = Z95 * math.sqrt(variance)
    return Reading(value, max(0.0, value - half), min(1.0, value + half), total)


METRIC = Metric(
    name="calibration",
    tasks=BINARY,
    direction="down",
    needs_labels=True,
    unit="",
    meaning="mean distance of scores from the share that came true",
    sums=sums,
    merge=merge,
    read=read,
    default_for=BINARY,
)
