"""Recall: of the rows labelled positive, the share predicted so. In [0, 1], up is good."""

from __future__ import annotations

from core.metrics import proportion
from core.metrics.base import BINARY, Metric, Reading, Sample, State


def sums(sample: Sample) -> State:
    """True positives and labelled positives."""
    import numpy as np

    _, labels = sample.labelled()
    true = labels == 1
    return {"hits": int(np.count_nonzero(true & sample.positive()[sample.judged()])), "n": int(np.count_nonzero(true))}


def read(state: State) -> Reading:
    """The share with Wilson's interval; ``n`` counts the rows labelled positive."""
    return proportion.read(state, "no row is labelled positive")


METRIC = Metric(
    name="recall",
    tasks=BINARY,
    direction="up",
    needs_labels=True,
    unit="",
    meaning="of the rows labelled positive, the share predicted so",
    sums=sums,
    merge=proportion.merge,
    read=read,
)
