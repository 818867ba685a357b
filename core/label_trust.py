"""Whether the labels of a batch can be believed, from the sums that the store keeps of it and of earlier batches."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.measure import mature, spec_of
from core.metrics.registry import specs
from core.stats.label_sanity import LabelRate, LabelVerdict, judge
from storage.records.models import Model
from storage.records.results import MetricPoint
from storage.tables import metrics

HISTORY = 60
"""How many earlier batches make the history of the base rate."""


def label_verdict(db: sqlite3.Connection, model: Model, batch_id: int, now: datetime) -> LabelVerdict:
    """Judge the labels of a serving batch: base rate against earlier mature batches, and AUC against one half.

    Both come from the AUC's counts, so a model without the metric ``auc`` has no verdict.
    """
    if not any(spec.name == "auc" for spec in specs(model.file)):
        return LabelVerdict("no_data", (f"{model.name} does not measure auc, whose counts tell the base rate",))
    spec = spec_of(model.file, "auc")
    points = metrics.history(db, model.id, "auc", end=now)
    here = next((i for i, point in enumerate(points) if point.batch_id == batch_id), None)
    if here is None:
        return LabelVerdict("no_data", ("the batch was not measured",))
    past = [_rate(p) for p in points[max(0, here - HISTORY) : here] if mature(p, spec, model.file, now)]
    reading = points[here].reading
    return judge(_rate(points[here]), past, auc_high=reading.high, n_auc=reading.n)


def _rate(point: MetricPoint) -> LabelRate:
    state = point.reading.state or {"pos": [], "neg": []}
    positive = sum(state["pos"])
    return LabelRate(positive + sum(state["neg"]), positive)
