"""Root mean squared error, in the unit of the label. From 0 up, down is good."""

from __future__ import annotations

import math

from core.metrics import average
from core.metrics.base import REGRESSION, Metric, Reading, Sample, State


def sums(sample: Sample) -> State:
    """Moments of each labelled row's squared error."""
    predicted, true = sample.labelled()
    return average.sums((predicted - true) ** 2)


def read(state: State) -> Reading:
    """The root of the mean; the interval is the root of the mean's."""
    mean = average.read(state)
    if mean.value is None:
        return mean
    low, high = (None if bound is None else math.sqrt(max(0.0, bound)) for bound in (mean.low, mean.high))
    return Reading(math.sqrt(mean.value), low, high, mean.n)


METRIC = Metric(
    name="rmse",
    tasks=REGRESSION,
    direction="down",
    needs_labels=True,
    unit="of the label",
    meaning="root of the mean squared error",
    sums=sums,
    merge=average.merge,
    read=read,
    default_for=REGRESSION,
)
