"""METRICS: every built-in metric, one line each. Adding one is a file here and a line below."""

from __future__ import annotations

import difflib

from core.metrics import (
    accuracy,
    auc,
    bias,
    calibration,
    latency,
    log_loss,
    mae,
    precision,
    prediction_rate,
    recall,
    rmse,
)
from core.metrics.base import Direction, Metric
from storage.errors import ModelFileError, UsageError
from storage.records.models import MetricSpec, ModelFile

METRICS: tuple[Metric, ...] = (
    auc.METRIC,
    log_loss.METRIC,
    accuracy.METRIC,
    precision.METRIC,
    recall.METRIC,
    calibration.METRIC,
    mae.METRIC,
    rmse.METRIC,
    bias.METRIC,
    prediction_rate.METRIC,
    latency.METRIC,
)


def metric(name: str, file: ModelFile) -> Metric:
    """The built-in metric of that name, if it fits the model's task.

    Raises:
        ModelFileError: there is none, or it doesn't fit; the hint names those that do.
    """
    fitting = [m.name for m in METRICS if file.task in m.tasks]
    if name in fitting:
        return next(m for m in METRICS if m.name == name)
    near = difflib.get_close_matches(name, fitting, n=1, cutoff=0.5)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"known: {', '.join(fitting)}; or give it kind = 'business' and sql"
    )
    raise ModelFileError(f"the model {file.name!r} names the metric {name!r}, which no {file.task} model has", hint)


def specs(file: ModelFile) -> tuple[MetricSpec, ...]:
    """The metrics of a model: those its model file lists, else the defaults of its task."""
    if file.metrics:
        return file.metrics
    chosen = [m for m in METRICS if file.task in m.default_for or (m.name == "latency" and file.columns.latency)]
    return tuple(MetricSpec(m.name, kind=m.kind, primary=i == 0) for i, m in enumerate(chosen))


def direction(spec: MetricSpec, file: ModelFile) -> Direction:
    """Which way is good: a business metric says so itself, for every other the registry does."""
    if spec.kind == "business":
        return spec.direction or "none"
    return metric(spec.name, file).direction


def spec_of(file: ModelFile, name: str) -> MetricSpec:
    """The metric of that name in the model file (or among its task's defaults).

    Raises:
        UsageError: the model has no such metric.
    """
    known = specs(file)
    found = next((spec for spec in known if spec.name == name), None)
    if found is None:
        raise UsageError(
            f"the model {file.name!r} has no metric {name!r}", f"it has {', '.join(s.name for s in known)}"
        )
    return found
