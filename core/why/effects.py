"""Which findings came with which drops of the metric, learned from a model's own batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.measure import mature, serving
from core.metrics.registry import direction, spec_of
from core.why.episode import SIGNAL_OF
from storage.records.models import Model
from storage.tables import metrics, results

LOOKED_AT = 200
"""How many measured batches are looked at: the latest."""

LEAST = 3
"""Batches with a finding, and without any, under which nothing is said of its effect."""

CLEAR = 2.0
"""Robust deviations of clean batches from which the metric moved with a finding."""

_LOUD = ("page", "ticket", "digest")


@dataclass(frozen=True, slots=True)
class Effect:
    """What the metric was on batches that had a finding of one kind, against batches that had none.

    Attributes:
        signal: the kind of finding, as a signal; ``batches`` is how many had it.
        value, clean: median of the metric with it and without any finding.
        worse: by how many robust deviations of clean batches the metric was worse; negative when it was better.
        moves: whether the metric fell with it; None under :data:`LEAST` batches of either kind.
    """

    signal: str
    metric: str
    batches: int
    value: float
    clean: float
    worse: float
    moves: bool | None

    @property
    def words(self) -> str:
        """One sentence."""
        seen = f"batches with {self.signal} ({self.batches}): {self.metric} {self.value:.4g}, {self.clean:.4g} without"
        return f"{seen}; " + {None: "too few to tell", True: "it falls with it", False: "no effect on it"}[self.moves]


def effects(db: sqlite3.Connection, model: Model, now: datetime) -> Mapping[str, Effect]:
    """The table, by signal; recomputed from the store at each call, empty without a metric that has a better side."""
    primary = model.file.primary_metric
    if primary is None:
        return {}
    spec = spec_of(model.file, primary.name)
    good = direction(spec, model.file)
    points = serving(model.file, metrics.history(db, model.id, spec.name, end=now, limit=LOOKED_AT))
    found: dict[str, list[float]] = {}
    clean: list[float] = []
    for point in points:
        if point.reading.value is None or not mature(point, spec, model.file, now) or good == "none":
            continue
        kinds = {
            signal
            for r in results.of_batch(db, point.batch_id, status="fail")
            if r.finding.tier in _LOUD and (signal := SIGNAL_OF.get(str(r.finding.evidence.get("cause"))))
        }
        for kind in kinds:
            found.setdefault(kind, []).append(point.reading.value)
        if not kinds:
            clean.append(point.reading.value)
    if not clean:
        return {}
    centre = float(np.median(clean))
    spread = max(1.4826 * float(np.median(np.abs(np.array(clean) - centre))), 0.005 * abs(centre), 1e-9)
    sign = 1.0 if good == "up" else -1.0
    told = {}
    for kind, values in found.items():
        value = float(np.median(values))
        worse = sign * (centre - value) / spread
        enough = len(values) >= LEAST and len(clean) >= LEAST
        told[kind] = Effect(kind, spec.name, len(values), value, centre, worse, worse >= CLEAR if enough else None)
    return told
