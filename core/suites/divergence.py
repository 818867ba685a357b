"""Whether the metric that everybody is held to still goes with what the business counts."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.measure import mature, serving
from core.metrics.registry import direction, specs
from core.suites.rotation import effective_primary
from storage.records.models import MetricSpec, Model, ModelFile
from storage.tables import metrics

BATCHES = 90
"""The newest batches that are looked at."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The ML metric and one business metric over the batches of a model, better being up for both.

    Attributes:
        past, recent: rank correlations over ``past_n`` and ``recent_n`` batches; None where they can't be told.
        flipped: the sign has turned, surely.
    """

    metric: str
    business: str
    past: float | None
    recent: float | None
    past_n: int
    recent_n: int
    flipped: bool
    sentence: str


def divergences(db: sqlite3.Connection, model: Model, *, now: datetime) -> tuple[Divergence, ...]:
    """One a business metric, against the ML metric in force (or the first one, when a business metric is in force)."""
    known = specs(model.file)
    held = effective_primary(db, model, now).metric
    if held.kind == "business":
        held = next((spec for spec in known if spec.kind == "ml"), held)
    others = [spec for spec in known if spec.kind == "business"]
    return tuple(_divergence(db, model, held, other, now) for other in others if other is not held)


def _divergence(db: sqlite3.Connection, model: Model, held: MetricSpec, other: MetricSpec, now: datetime) -> Divergence:
    import numpy as np

    from core.stats.sign_flip import LEAST, sign_flip

    mine, others = (_values(db, model, spec, now) for spec in (held, other))
    shared = [key for key in mine if key in others]
    a, b = (np.array([values[key] for key in shared]) for values in (mine, others))
    told = sign_flip(_better(held, model.file) * a, _better(other, model.file) * b)
    past, recent = (None if math.isnan(value) else value for value in (told.past, told.recent))
    if past is None or recent is None:
        sentence = (
            f"{held.name} and {other.name} share {len(shared)} batches: too few, or without spread, to be held together"
            f" ({2 * LEAST} at the least)"
        )
    elif told.flipped:
        sentence = (
            f"{held.name} and {other.name} part ways: they correlated {past:+.2f} over {told.past_n} batches, and"
            f" {recent:+.2f} over the last {told.recent_n}"
        )
    else:
        sentence = f"{held.name} and {other.name} correlate {recent:+.2f} over the last {told.recent_n} batches"
        sentence += f", {past:+.2f} over the {told.past_n} before"
    return Divergence(held.name, other.name, past, recent, told.past_n, told.recent_n, told.flipped, sentence)


def _values(db: sqlite3.Connection, model: Model, spec: MetricSpec, now: datetime) -> dict[int, float]:
    """The metric of each batch that users saw and whose labels are in, in order of time."""
    points = serving(model.file, metrics.history(db, model.id, spec.name, limit=BATCHES))
    return {
        point.batch_id: point.reading.value
        for point in points
        if point.reading.value is not None and mature(point, spec, model.file, now)
    }


def _better(spec: MetricSpec, file: ModelFile) -> float:
    return -1.0 if direction(spec, file) in ("down", "zero") else 1.0
