"""Mean absolute error, in the unit of the label. From 0 up, down is good."""

from __future__ import annotations

from core.metrics import average
from core.metrics.base import REGRESSION, Metric, Sample, State


def sums(sample: Sample) -> State:
    """Moments of each labelled row's absolute error."""
    import numpy as np

    predicted, true = sample.labelled()
    return average.sums(np.abs(predicted - true))


METRIC = Metric(
    name="mae",
    tasks=REGRESSION,
    direction="down",
    needs_labels=True,
    unit="of the label",
    meaning="mean absolute error",
    sums=sums,
    merge=average.merge,
    read=average.read,
    default_for=REGRESSION,
)
