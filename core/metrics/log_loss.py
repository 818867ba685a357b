"""Log loss: the mean of -log of the probability given to what came true. In [0, 36.05], down is good.

Scores are kept 2.2e-16 away from 0 and 1, as in scikit-learn, so that one certain mistake costs 36 and not infinity.
"""

from __future__ import annotations

import sys

from core.metrics import average
from core.metrics.base import BINARY, Metric, Sample, State

EPSILON = sys.float_info.epsilon


def sums(sample: Sample) -> State:
    """Moments of each labelled row's loss."""
    import numpy as np

    scores, labels = sample.labelled()
    clipped = np.clip(scores, EPSILON, 1 - EPSILON)
    return average.sums(-np.log(np.where(labels == 1, clipped, 1 - clipped)))


METRIC = Metric(
    name="log_loss",
    tasks=BINARY,
    direction="down",
    needs_labels=True,
    unit="nats",
    meaning="mean of -log of the probability given to what came true",
    sums=sums,
    merge=average.merge,
    read=average.read,
)
