"""Paired differences: every analytic interval agrees with leaving out one row at a time."""

import math

import numpy as np
import pytest

from core.metrics.base import Metric, Sample
from core.metrics.registry import METRICS
from core.stats.intervals import t_point
from core.suites.differences import ANALYTIC, RESAMPLED, difference, taken

ROWS = 160
SEED = "0123456789abcdef"


def samples(task: str) -> tuple[Sample, Sample]:
    rng = np.random.default_rng(3)
    if task == "regression":
        truth = rng.normal(0, 5, ROWS)
        return (Sample("regression", truth + rng.normal(1, s, ROWS), truth) for s in (2.0, 3.0))  # type: ignore[return-value]
    truth = (rng.random(ROWS) < 0.4).astype(float)
    logits = 2 * (truth - 0.5) + rng.normal(0, 1, ROWS)
    scores = [1 / (1 + np.exp(-(logits + rng.normal(0, s, ROWS)))) for s in (0.3, 0.9)]
    return (Sample("binary", score, truth) for score in scores)  # type: ignore[return-value]


SMOOTH = [metric for metric in METRICS if metric.name not in ("latency", "calibration")]


@pytest.mark.parametrize("metric", SMOOTH, ids=lambda metric: metric.name)
def test_the_interval_is_that_of_leaving_rows_out(metric: Metric) -> None:
    a, b = samples(metric.tasks[0] if metric.tasks[0] != "multiclass" else "binary")
    told, method = difference(metric, a, b, SEED)

    def value(rows: np.ndarray) -> float:
        size = abs if metric.direction == "zero" else float
        one, other = (metric.read(metric.sums(taken(s, rows))).value for s in (a, b))
        return size(one) - size(other)

    everything = np.arange(ROWS)
    left = np.array([value(np.delete(everything, i)) for i in range(ROWS)])
    error = math.sqrt((ROWS - 1) / ROWS * ((left - left.mean()) ** 2).sum())
    assert method == ANALYTIC
    assert told.value == pytest.approx(value(everything))
    assert told.high is not None
    assert (told.high - told.value) / t_point(ROWS - 1) == pytest.approx(error, rel=0.05)


def test_what_has_no_influence_is_resampled_in_pairs_and_always_alike() -> None:
    calibration = next(m for m in METRICS if m.name == "calibration")
    a, b = samples("binary")
    told, method = difference(calibration, a, b, SEED)
    assert method == RESAMPLED
    assert told == difference(calibration, a, b, SEED)[0]
    assert told.low is not None
    assert told.low < told.value < told.high
    same, _ = difference(calibration, a, a, SEED)
    assert (same.value, same.low, same.high) == (0, 0, 0)
