"""Whether the labels of a batch can be believed, from the sums that the store keeps of it and of earlier batches."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

from core.measure import mature
from core.metrics.registry import spec_of, specs
from core.stats.auc import BINS, area
from core.stats.label_sanity import LabelRate, LabelVerdict, Ranking, judge
from storage.records.models import Model
from storage.records.results import MetricPoint
from storage.tables import metrics

if TYPE_CHECKING:
    from core.stats.auc import Counts

HISTORY = 60
"""How many earlier batches make the history of the base rate."""

STAYED = 0.25
"""Predictions whose mean left its past by less than this many standard deviations (on the logit scale) stayed."""


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
    past = [p for p in points[max(0, here - HISTORY) : here] if mature(p, spec, model.file, now)]
    reading = points[here].reading
    return judge(
        _rate(points[here]),
        [_rate(p) for p in past],
        auc_high=reading.high,
        n_auc=reading.n,
        ranking=_ranking(points[here], past),
    )


def _ranking(now: MetricPoint, past: list[MetricPoint]) -> Ranking | None:
    """The AUC of a batch beside that of all earlier ones, from counts per bin; None where a side has one class only."""
    import numpy as np

    if not now.reading.state:
        return None
    pos, neg = _counts([now])
    past_pos, past_neg = _counts(past)
    own, before = area(pos, neg), area(past_pos, past_neg)
    if own is None or before is None:
        return None
    places = np.arange(len(pos))
    counts, past_counts = pos + neg, past_pos + past_neg
    mean, past_mean = (float(np.average(places, weights=c)) for c in (counts, past_counts))
    spread = float(np.average((places - past_mean) ** 2, weights=past_counts)) ** 0.5
    moved = abs(mean - past_mean) > STAYED * max(spread, 1e-9)
    return Ranking(own.value, before.value, (own.error**2 + before.error**2) ** 0.5, moved)


def _counts(points: list[MetricPoint]) -> tuple[Counts, Counts]:
    """Positive and negative labels per bin of the score, over all of these batches."""
    import numpy as np

    positives, negatives = np.zeros(BINS, dtype=np.int64), np.zeros(BINS, dtype=np.int64)
    for point in points:
        if state := point.reading.state:
            np.add.at(positives, state["bin"], state["pos"])
            np.add.at(negatives, state["bin"], state["neg"])
    return positives, negatives


def _rate(point: MetricPoint) -> LabelRate:
    state = point.reading.state or {"pos": [], "neg": []}
    positive = sum(state["pos"])
    return LabelRate(positive + sum(state["neg"]), positive)
