"""Accuracy: the share of labelled rows whose predicted class is the true one. In [0, 1], up is good.

A binary row counts as positive where the log says so, else from the metric's threshold on; a multiclass prediction is
compared as a class.
"""

from __future__ import annotations

from core.metrics import proportion
from core.metrics.base import Metric, Reading, Sample, State


def sums(sample: Sample) -> State:
    """Right rows and labelled rows."""
    import numpy as np

    scores, labels = sample.labelled()
    binary = sample.task == "binary"
    right = sample.positive()[sample.judged()] == (labels == 1) if binary else scores == labels
    return {"hits": int(np.count_nonzero(right)), "n": int(labels.size)}


def read(state: State) -> Reading:
    """The share with Wilson's interval."""
    return proportion.read(state, "no labels")


METRIC = Metric(
    name="accuracy",
    tasks=("binary", "multiclass"),
    direction="up",
    needs_labels=True,
    unit="",
    meaning="share of labelled rows whose predicted class is the true one",
    sums=sums,
    merge=proportion.merge,
    read=read,
    default_for=("multiclass",),
)
