"""Precision: of the labelled rows predicted positive, the share that is. In [0, 1], up is good."""

from __future__ import annotations

from core.metrics import proportion
from core.metrics.base import BINARY, Metric, Reading, Sample, State


def sums(sample: Sample) -> State:
    """True positives and predicted positives."""
    import numpy as np

    _, labels = sample.labelled()
    claimed = sample.positive()[sample.judged()]
    return {"hits": int(np.count_nonzero(claimed & (labels == 1))), "n": int(np.count_nonzero(claimed))}


def read(state: State) -> Reading:
    """The share with Wilson's interval; ``n`` counts the rows predicted positive."""
    return proportion.read(state, "no labelled row was predicted positive")


METRIC = Metric(
    name="precision",
    tasks=BINARY,
    direction="up",
    needs_labels=True,
    unit="",
    meaning="of the rows predicted positive, the share that is",
    sums=sums,
    merge=proportion.merge,
    read=read,
)
