"""Bias: the mean of prediction minus label, in the unit of the label. Near zero is good."""

from __future__ import annotations

from core.metrics import average
from core.metrics.base import REGRESSION, Metric, Sample, State


def sums(sample: Sample) -> State:
    """Moments of each labelled row's error."""
    predicted, true = sample.labelled()
    return average.sums(predicted - true)


METRIC = Metric(
    name="bias",
    tasks=REGRESSION,
    direction="zero",
    needs_labels=True,
    unit="of the label",
    meaning="mean of prediction minus label",
    sums=sums,
    merge=average.merge,
    read=average.read,
    default_for=REGRESSION,
)
