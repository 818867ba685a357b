"""Prediction rate: the share of rows predicted positive. In [0, 1]; neither way is better, and no labels are needed."""

from __future__ import annotations

from core.metrics import proportion
from core.metrics.base import BINARY, Metric, Reading, Sample, State


def sums(sample: Sample) -> State:
    """Rows predicted positive and rows with a usable prediction."""
    import numpy as np

    claimed = sample.positive()[sample.usable()]
    return {"hits": int(np.count_nonzero(claimed)), "n": int(claimed.size)}


def read(state: State) -> Reading:
    """The share with Wilson's interval."""
    return proportion.read(state, "no usable predictions")


METRIC = Metric(
    name="prediction_rate",
    tasks=BINARY,
    direction="none",
    needs_labels=False,
    unit="",
    meaning="share of rows predicted positive",
    sums=sums,
    merge=proportion.merge,
    read=read,
    default_for=BINARY,
)
