"""The metric of kept slices, batch by batch, against a floor and the slice's own past; labels may come late.

Such an alert stands until the slice is well again in its newest judged batch: the batches that came in the meantime
know nothing of the labels it rests on.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.alert_raising import raise_standing, resolve_standing
from core.checks.departures import NOISE, PAST, seasons
from core.checks.kept_slice import CAUSE, CHECK, SURE, tier_of
from core.metrics.registry import direction, specs
from core.stats.effect import log_score
from core.stats.expectation import MINIMUM_PAST, expectations
from core.stats.intervals import Z95
from storage.db import transaction
from storage.logs.predicates import predicate_sql, words
from storage.records.alerts import Alert, AlertDraft
from storage.records.kept_slices import KeptSlice, SliceMetric
from storage.records.models import MetricSpec, Model, ModelFile
from storage.records.results import Finding
from storage.tables import kept_slices, results

HISTORY = 1_000
"""The newest batches among which a slice's metric is judged; labels later than that change the record alone."""

LEAST = 0.05
"""The smallest fall worth a word, as a share of the metric's usual value."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be said of a slice's metric in one batch.

    Attributes:
        ratio: from 1.0 on it is worse than its past or its floor allows; 0.0 when nothing can be held against it.
        message: what is wrong, empty when nothing is.
        threshold: the value at which it begins.
    """

    ratio: float
    message: str = ""
    threshold: float | None = None


def primary(file: ModelFile) -> MetricSpec:
    """The metric that a kept slice is held to: the model's primary one."""
    known = specs(file)
    return next((spec for spec in known if spec.primary), known[0])


def worse(spec: MetricSpec, file: ModelFile, value: float, than: float) -> float:
    """By how much ``value`` is worse than another value; negative when it is better, 0 without a good side."""
    way = direction(spec, file)
    if way == "zero":
        return abs(value) - abs(than)
    return {"up": than - value, "down": value - than}.get(way, 0.0)


def watch_slices(db: sqlite3.Connection, model: Model, batch_ids: Sequence[int], now: datetime) -> list[Alert]:
    """Judge the metric of every kept slice in these batches, raise what is worse and resolve what is well again."""
    kept = kept_slices.listing(db, model.id)
    if not kept:
        return []
    spec, raised = primary(model.file), []
    unseen = {stage.name for stage in model.file.stages if stage.kind in ("test", "shadow")}  # gates judge these
    for one in kept:
        told = kept_slices.metrics(db, one.id, spec.name, limit=HISTORY, states=False)
        history = [m for m in told if m.reading.value is not None and m.stage not in unseen]
        for place, metric in enumerate(history):
            if metric.batch_id in batch_ids:
                verdict = judge(one, spec, model.file, metric, history[:place])
                raised += _tell(db, model, one, metric, verdict, place == len(history) - 1, now)
    return raised


def judge(
    kept: KeptSlice, spec: MetricSpec, file: ModelFile, metric: SliceMetric, before: Sequence[SliceMetric]
) -> Judged:
    """Hold a reading against the floor, then against the batches before it (from five on)."""
    value = metric.reading.value
    if value is None:
        return Judged(0.0)
    if kept.floor is not None and worse(spec, file, value, kept.floor) > 0:
        sure = all(worse(spec, file, edge, kept.floor) > 0 for edge in _edges(metric))
        return Judged(SURE if sure else 1.0, f"{spec.name} {value:.4g} is beyond its floor {kept.floor:g}", kept.floor)
    past = list(before)[-PAST:]
    if len(past) < MINIMUM_PAST:
        return Judged(0.0)
    readings = np.array([[m.reading.value] for m in past], dtype=np.float64)
    usual = float(np.median(readings))
    noise = float(np.median([_error(m) for m in past]))
    floor = np.array([LEAST * abs(usual) + NOISE * max(noise, _error(metric))])
    numbers, season = seasons(metric.window_start, [m.window_start for m in past])
    told = expectations(readings, np.array([value]), floor, numbers, season)
    expected, ratio = float(told.expected[0]), float(told.ratio[0])
    if ratio < 1 or worse(spec, file, value, expected) <= 0:
        return Judged(0.0)
    bound = expected + math.copysign(float(told.scale[0]), value - expected)
    return Judged(ratio, f"{spec.name} {value:.4g}, {expected:.4g} expected of it", bound)


def _tell(
    db: sqlite3.Connection,
    model: Model,
    kept: KeptSlice,
    metric: SliceMetric,
    judged: Judged,
    newest: bool,
    now: datetime,
) -> list[Alert]:
    key = hashlib.sha256("\x1f".join((model.name, CAUSE, kept.name, "metric")).encode()).hexdigest()[:16]
    if not judged.message:
        if newest:
            resolve_standing(db, model, key, now, f"{kept.name} is well again")
        return []
    kind = "critical " if kept.kind == "critical" else ""
    finding = Finding(
        check=CHECK.name,
        error_class=CHECK.error_class,
        tier=tier_of(kept.kind, judged.ratio),
        status="fail",
        message=f"{kind}slice {kept.name!r}: {judged.message} ({metric.reading.n:,} labels)",
        slice=kept.name,
        value=metric.reading.value,
        threshold=judged.threshold,
        score=log_score(judged.ratio),
        evidence={
            "cause": CAUSE,
            "columns": [],
            "metric": metric.reading.metric,
            "low": metric.reading.low,
            "high": metric.reading.high,
            "labelled": metric.labelled,
            "rows": metric.reading.rows,
            "rows_sql": predicate_sql(kept.predicates),
            "where": words(kept.predicates),
            "response": CHECK.response,
            "rationale": CHECK.rationale,
        },
    )
    draft = AlertDraft(
        key, key, finding.tier, finding.error_class, CAUSE, finding.message, (), finding.score, findings=(0,)
    )
    with transaction(db):
        known = [r.finding for r in results.of_batch(db, metric.batch_id, status="fail")]
        if any(f.message == finding.message for f in known):
            return []
        ids = results.insert(db, metric.batch_id, [finding], now)
        alert = raise_standing(db, model, draft, now, result_ids=ids)
    return [alert] if alert else []


def _edges(metric: SliceMetric) -> tuple[float, ...]:
    reading = metric.reading
    return tuple(edge for edge in (reading.low, reading.high) if edge is not None) or (reading.value or 0.0,)


def _error(metric: SliceMetric) -> float:
    """The standard error that the interval tells, 0.0 without one."""
    low, high = metric.reading.low, metric.reading.high
    return 0.0 if low is None or high is None else (high - low) / (2 * Z95)
