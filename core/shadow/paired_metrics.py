"""Metrics of two versions over the same labelled requests, and their paired difference.

A metric that is a mean over rows is compared row by row (Student's interval of the mean difference); the root mean
square by the delta method on the squared errors. Of any other the difference is left out group by group (the
delete-a-group jackknife over :data:`GROUPS` groups of requests, Student's t; Shao and Tu 1995, 2.3): it needs nothing
but the metric's own sums, and keeps what both versions share.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.metrics.base import Direction, Metric, Sample, State
from core.metrics.log_loss import EPSILON
from core.shadow.comparison import MetricGap
from core.stats.intervals import mean_interval, t_point
from core.stats.moments import moments

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

GROUPS = 32


def gap(metric: Metric, candidate: Sample, baseline: Sample, names: tuple[str, str]) -> MetricGap:
    """One metric of both versions; row ``i`` of both samples is the same request.

    Requests that one version can't be judged in are left out of both.
    """
    import numpy as np

    both = candidate.judged() & baseline.judged()
    a, b = _kept(candidate, both), _kept(baseline, both)
    n = int(np.count_nonzero(both))
    here, there = metric.read(metric.sums(a)), metric.read(metric.sums(b))
    if here.value is None or there.value is None:
        note = here.note or there.note or "no value"
        return MetricGap(metric.name, metric.direction, here, there, None, None, None, n, None, note)
    difference = here.value - there.value
    found = _interval(metric, a, b)
    low, high = found or (None, None)
    sure = found and better(metric.direction, here.value, there.value, found, names)
    return MetricGap(metric.name, metric.direction, here, there, difference, low, high, n, sure or None)


def _interval(metric: Metric, a: Sample, b: Sample) -> tuple[float, float] | None:
    """95 % of the difference; None with too few requests."""
    import numpy as np

    rows = [_rows(metric.name, sample) for sample in (a, b)]
    if rows[0] is not None and rows[1] is not None:
        told = moments(rows[0] - rows[1])
        return mean_interval(told.mean, told.variance, told.n)
    if metric.name == "rmse":
        errors = [(sample.scores - sample.labels) ** 2 for sample in (a, b)]
        roots = [math.sqrt(float(np.mean(squares))) for squares in errors]
        if not all(roots):
            return None
        told = moments(errors[0] / (2 * roots[0]) - errors[1] / (2 * roots[1]))
        return mean_interval(roots[0] - roots[1], told.variance, told.n)
    return _jackknife(metric, a, b)


def _rows(name: str, sample: Sample) -> Array | None:
    """The values whose mean a metric is, None where it is not such a mean."""
    import numpy as np

    scores, labels = sample.scores, sample.labels
    found: Array | None = None
    if name == "accuracy":
        right = sample.positive() == (labels == 1) if sample.task == "binary" else scores == labels
        found = right.astype(np.float64)
    elif name == "mae":
        found = np.abs(scores - labels)
    elif name == "bias":
        found = scores - labels
    elif name == "log_loss":
        clipped = np.clip(scores, EPSILON, 1 - EPSILON)
        found = -np.log(np.where(labels == 1, clipped, 1 - clipped))
    return found


def _jackknife(metric: Metric, a: Sample, b: Sample) -> tuple[float, float] | None:
    """The interval from the differences without each group of requests in turn."""
    import numpy as np

    if len(a.scores) < 2 * GROUPS:
        return None
    places = np.arange(len(a.scores)) % GROUPS
    sums = [[metric.sums(_kept(sample, places == group)) for group in range(GROUPS)] for sample in (a, b)]
    without = [[metric.read(state).value for state in _without_each(metric, one)] for one in sums]
    told = [x - y for x, y in zip(*without, strict=True) if x is not None and y is not None]
    whole = [metric.read(metric.sums(sample)).value for sample in (a, b)]
    if len(told) < GROUPS or whole[0] is None or whole[1] is None:
        return None
    mean = math.fsum(told) / GROUPS
    error = math.sqrt((GROUPS - 1) / GROUPS * math.fsum((one - mean) ** 2 for one in told))
    centre, half = whole[0] - whole[1], t_point(GROUPS - 1) * error
    return centre - half, centre + half


def _without_each(metric: Metric, states: list[State]) -> list[State]:
    """The sums of all groups but one, for each group: from the sums before it and those behind it."""
    before: list[State | None] = [None]
    for state in states[:-1]:
        before.append(_both(metric, before[-1], state))
    behind: list[State | None] = [None]
    for state in states[:0:-1]:
        behind.append(_both(metric, state, behind[-1]))
    found = (_both(metric, one, other) for one, other in zip(before, reversed(behind), strict=True))
    return [state for state in found if state is not None]


def _both(metric: Metric, a: State | None, b: State | None) -> State | None:
    if a is None or b is None:
        return b if a is None else a
    return metric.merge(a, b)


def _kept(sample: Sample, rows: npt.NDArray[np.bool_]) -> Sample:
    classes = sample.classes[rows] if sample.classes.size else sample.classes
    return Sample(sample.task, sample.scores[rows], sample.labels[rows], threshold=sample.threshold, classes=classes)


def better(way: Direction, a: float, b: float, interval: tuple[float, float], names: tuple[str, str]) -> str | None:
    """Which of two versions is better for certain; where near zero is good, only of values on one side of it.

    >>> better("zero", 5.4, 2.7, (2.5, 3.0), ("v2", "v1")), better("up", 0.8, 0.7, (-0.1, 0.3), ("v2", "v1"))
    ('v1', None)
    """
    low, high = interval
    if low <= 0 <= high or way == "none" or (way == "zero" and a * b <= 0):
        return None
    upwards = way == "up" or (way == "zero" and a < 0)
    return names[0] if (low > 0) == upwards else names[1]
