"""Latency: the 95th percentile of the time a prediction took, in milliseconds. Down is good; no labels are needed.

Kept as counts in bins that grow by 2 % from 0.001 ms on, so that windows merge; the value is within 1 % of the exact
one, and the interval spans the bins of the binomial range of its rank. Negative times are left out.
"""

from __future__ import annotations

import math

from core.metrics.base import Metric, Reading, Sample, State, missing
from core.stats.intervals import Z95

SMALLEST = 0.001
GROWTH = math.log(1.02)
QUANTILE = 0.95


def sums(sample: Sample) -> State:
    """Rows per bin; only bins that hold a row are kept."""
    import numpy as np

    times = sample.latency[np.isfinite(sample.latency) & (sample.latency >= 0)]
    held = np.floor(np.log(np.maximum(times, SMALLEST) / SMALLEST) / GROWTH).astype(np.int64)
    bins, counts = np.unique(held, return_counts=True)
    return {"bin": bins.tolist(), "n": counts.tolist()}


def merge(a: State, b: State) -> State:
    """The counts of both."""
    total: dict[int, int] = {}
    for state in (a, b):
        for held, n in zip(state["bin"], state["n"], strict=True):
            total[held] = total.get(held, 0) + n
    ordered = sorted(total)
    return {"bin": ordered, "n": [total[held] for held in ordered]}


def read(state: State) -> Reading:
    """The 95th percentile with the interval of its rank."""
    import numpy as np

    rows = int(sum(state["n"]))
    if rows == 0:
        return missing(0, "no latencies")
    upto = np.cumsum(state["n"])
    half = Z95 * math.sqrt(rows * QUANTILE * (1 - QUANTILE))

    def at(rank: float) -> float:
        place = int(np.searchsorted(upto, min(max(math.ceil(rank), 1), rows)))
        return SMALLEST * math.exp((state["bin"][place] + 0.5) * GROWTH)

    centre = QUANTILE * rows
    return Reading(at(centre), at(centre - half), at(centre + half), rows)


METRIC = Metric(
    name="latency",
    tasks=("binary", "multiclass", "regression"),
    direction="down",
    needs_labels=False,
    unit="ms",
    meaning="95th percentile of the time a prediction took",
    sums=sums,
    merge=merge,
    read=read,
    kind="ops",
)
