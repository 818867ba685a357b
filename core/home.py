"""One line a model: what is live, whether it is well, what came in last, what is open, and what nobody watches.

Split in two on purpose: :func:`lines` is a handful of indexed queries, for the first paint; :func:`health` reads metric
histories and imports the metrics.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from storage.clock import from_text
from storage.records.batches import Batch, LabelCoverage
from storage.records.changes import Change
from storage.records.models import Model
from storage.tables import alerts, batches, models

if TYPE_CHECKING:
    from core.measure import TrendPoint
    from core.objectives import Objective
    from storage.records.estimates import Estimate

SILENT_AFTER = 3
"""A model has no data when its next batch is this many times its usual distance late, unless its file says when."""

SHORTEST_GRACE = timedelta(minutes=10)
TREND = 30

_LIVE = "SELECT stage, version, traffic, at FROM live WHERE model_id = ? ORDER BY at DESC"
_INCIDENTS = (
    "SELECT detected_at, key FROM incidents WHERE model_id = ? AND detected_at >= ? ORDER BY detected_at LIMIT 8"
)
_FALLBACKS = "SELECT count(*) FROM versions WHERE model_id = ? AND role = 'fallback'"


@dataclass(frozen=True, slots=True)
class ModelLine:
    """What is known of a model at a glance.

    Attributes:
        live: version and stage that serve users, None when nothing was recorded or seen; ``others`` are the rest.
        every: the usual distance between batches, None under three of them.
        silent: the next batch is overdue; no data is neither good nor zero.
        last: up to when there is data; of a model that never had any its registration.
        grace: how long after ``last`` it has no data; None while nobody knows how often batches come.
        heard: when something last came in; later than ``last`` where history was taken in late.
        overdue: the pipeline brings nothing: also ``heard`` is longer ago than the grace.
        firing: number of firing groups per tier.
        gaps: what is not monitored, in words.
    """

    model: Model
    live: tuple[str, str] | None
    others: tuple[tuple[str, str], ...]
    newest: Batch | None
    coverage: LabelCoverage | None
    every: timedelta | None
    silent: bool
    firing: dict[str, int]
    gaps: tuple[str, ...]
    last: datetime | None = None
    grace: timedelta | None = None
    heard: datetime | None = None
    overdue: bool = False

    @property
    def status(self) -> Literal["data", "no_data", "none yet"]:
        """Whether anything can be said of the model at all."""
        return "no_data" if self.silent else "data" if self.newest is not None else "none yet"


@dataclass(frozen=True, slots=True)
class Health:
    """Where a model's first objective stands, its recent readings, and what was altered since the first of them.

    ``estimate`` is that of the newest batch, while its labels are not in.
    """

    model_id: int
    objective: Objective
    trend: tuple[TrendPoint, ...]
    changes: tuple[Change, ...]
    incidents: tuple[tuple[datetime, str], ...]
    estimate: Estimate | None = None


def lines(db: sqlite3.Connection, now: datetime) -> list[ModelLine]:
    """One line a model, those in trouble first."""
    found = [line(db, model, now) for model in models.list_all(db)]
    return sorted(found, key=lambda x: (-x.firing.get("page", 0), -x.firing.get("ticket", 0), x.model.name))


def line(db: sqlite3.Connection, model: Model, now: datetime) -> ModelLine:
    """The line of one model."""
    newest = batches.newest(db, model.id)
    rows = [(row["version"], row["stage"]) for row in db.execute(_LIVE, (model.id,))]
    full = next((pair for pair in rows if pair[1] == model.file.full_stage), None)
    seen = (newest.version, newest.stage or "seen") if newest and newest.version else None
    live = full or (rows[0] if rows else seen)
    every = cadence(db, model.id)
    usual = every or model.file.cadence
    late = max(SHORTEST_GRACE, SILENT_AFTER * usual) if usual is not None else None
    grace = model.file.alerts.no_data_after or late
    last = newest.window_end or newest.arrived_at if newest else model.registered_at
    heard = max(last, newest.arrived_at) if newest else last
    return ModelLine(
        model=model,
        live=live,
        others=tuple(pair for pair in rows if pair != live),
        newest=newest,
        coverage=batches.coverage(db, newest.id) if newest else None,
        every=every,
        silent=grace is not None and now - last > grace,
        firing=alerts.firing(db, now, model.id),
        gaps=gaps(db, model),
        last=last,
        grace=grace,
        heard=heard,
        overdue=grace is not None and now - heard > grace,
    )


def cadence(db: sqlite3.Connection, model_id: int) -> timedelta | None:
    """The median distance between the ends of the last batches, None under three of them."""
    ends = [b.window_end for b in batches.page(db, model_id=model_id, limit=12) if b.window_end and b.role == "serving"]
    steps = sorted(a - b for a, b in pairwise(ends) if a > b)
    return steps[len(steps) // 2] if len(steps) >= 2 else None


def gaps(db: sqlite3.Connection, model: Model) -> tuple[str, ...]:
    """What is missing for a quiet night, in words."""
    file = model.file
    missing = []
    if file.rollback is None:
        missing.append("no way to roll back")
    elif file.rollback.fallback is None and not db.execute(_FALLBACKS, (model.id,)).fetchone()[0]:
        missing.append("no fallback")
    if not any(metric.slo for metric in file.metrics):
        missing.append("no objective")
    if not any(metric.kind == "business" for metric in file.metrics) and not file.waiver:
        missing.append("no business metric")
    if file.columns.id is None or file.columns.label is None:
        missing.append("no labels")
    if file.owner is None:
        missing.append("no owner")
    return tuple(missing)


def health(db: sqlite3.Connection, model: Model, now: datetime) -> Health:
    """Where the first objective stands, with the readings, changes and incidents to draw it with."""
    from core.changes import feed as changes
    from core.estimates.waiting import waiting
    from core.measure import trend
    from core.objectives import slo_state

    objective = slo_state(db, model, now)
    points = trend(db, model, objective.metric, TREND, now=now)
    since = points[0].window_start if points else now - timedelta(days=30)
    text = f"{since:%Y-%m-%dT%H:%M:%S}"
    altered = changes.between(db, model.id, since, now + timedelta(microseconds=1))
    incidents = tuple((from_text(r["detected_at"]), r["key"]) for r in db.execute(_INCIDENTS, (model.id, text)))
    estimate = next((one for one in waiting(db, model, now) if one.metric == objective.metric), None)
    return Health(model.id, objective, points, tuple(altered), incidents, estimate)
