"""Metrics of a batch, of a window of batches, and over time.

A batch is read once into mergeable sums, which the store keeps; a window is the merge of its batches. Labels that
came late belong to the batch that holds their ids, whenever they came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.estimates.estimate import estimate_batch, standing
from core.kept.measures import columns_of, slice_metrics
from core.metrics.batch_sums import built_in, business_states, floored, merge, needs_labels, plans, read, value_of
from core.metrics.registry import spec_of, specs
from core.served_rows import served_rows
from storage.db import transaction
from storage.records.batches import Batch, LabelCoverage
from storage.records.labels import LabelFile
from storage.records.models import MetricSpec, Model, ModelFile
from storage.records.results import MetricPoint, MetricValue
from storage.tables import estimates, kept_slices, labels, metrics

if TYPE_CHECKING:
    from storage.logs.join import Workspace
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class Window:
    """A metric over all batches of a span of time.

    Attributes:
        n: labels (or rows) it rests on; ``rows`` is how many the batches have, ``labelled`` how many have a label.
        batches: how many batches were merged; ``immature`` ones were left out.
    """

    metric: str
    start: datetime
    end: datetime
    value: float | None
    low: float | None
    high: float | None
    n: int
    rows: int
    labelled: int
    batches: int
    immature: int
    note: str | None = None

    @property
    def coverage(self) -> float:
        """Share of rows that have a label, 0.0 without rows."""
        return self.labelled / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A metric of one batch, as sparks and charts show it.

    Attributes:
        coverage: share of the batch's rows that have a label, None when never measured.
        immature: younger than the label lag: more labels will come.
    """

    batch_id: int
    window_start: datetime
    value: float | None
    low: float | None
    high: float | None
    n: int
    coverage: float | None
    immature: bool
    version: str | None
    stage: str | None
    note: str | None


def measure_batch(
    db: sqlite3.Connection,
    model: Model,
    batch: Batch,
    source: LogSource,
    now: datetime,
    *,
    within: Workspace | None = None,
    arriving: tuple[LabelFile, int] | None = None,
) -> tuple[MetricValue, ...]:
    """Compute every metric of a batch, and of each kept slice in it, from its rows and all labels known for it.

    What was learned from labelled batches estimates each metric besides, once and without the batch's own labels.
    Where users saw some of the rows only, these count; a batch of which they saw none is measured for itself.

    Args:
        source: the batch's own log, open.
        within: a workspace that may hold label files already; one is made when None.
        arriving: a label file that is being joined with this batch, and how many ids they share; recorded with the
            values, so that a crash leaves either both or none.

    Raises:
        SourceError: a label file that was joined with this batch is gone or has changed; business SQL failed.
        ModelFileError: the model file names a metric that there is none of, or business SQL that is not allowed.
    """
    from storage.logs.join import workspace

    with ExitStack() as stack:
        room = within or stack.enter_context(workspace())
        known = labels.files_of(db, batch.id)
        if arriving is not None:
            known = sorted([*known, arriving[0]], key=lambda file: (file.arrived_at, file.id))
        source = stack.enter_context(served_rows(source, model.file, batch.stage)).source
        for file in known:
            room.load(file, model.file)
        wanted = specs(model.file)
        found = plans(wanted, model.file, source)
        watched = kept_slices.listing(db, model.id)
        keep = [column for plan in found.values() for column in plan.columns] + columns_of(watched)
        by = standing(db, model, batch, source, fresh=arriving is None, now=now)
        keep += by[1].columns if by else ()
        joined = room.join(source, model.file, known, keep)
        states = built_in(joined, wanted, model.file)
        states.update(business_states(joined, wanted, found))
        said = estimate_batch(db, model, batch, joined, by, now=now) if by else []
        parts = slice_metrics(room, joined, watched, wanted, found, model, source, batch.version)
    counts = joined.counts
    values = tuple(value_of(spec, states.get(spec.name), counts, model.file, found.get(spec.name)) for spec in wanted)
    values = tuple(replace(value, version=batch.version) for value in values)
    with transaction(db):
        if arriving is not None:
            labels.joined(db, arriving[0].id, batch.id, arriving[1])
        estimates.append(db, said)
        metrics.append(db, model.id, batch.id, values, now)
        for part in parts:
            kept_slices.add_metrics(db, part.kept_slice_id, batch.id, part.values, part.labelled, now)
        metrics.append_coverage(
            db,
            LabelCoverage(batch.id, now, counts.rows, counts.labelled, counts.lag_p50_seconds, counts.lag_p95_seconds),
        )
    return values


def window(
    db: sqlite3.Connection,
    model: Model,
    name: str,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    version: str | None = None,
    immature: bool = False,
) -> Window:
    """A metric over the serving batches whose window begins in [start, end): the merge of their sums.

    Args:
        immature: whether batches younger than the label lag are taken in (for a metric that needs labels).

    Raises:
        UsageError: the model has no such metric.
    """
    spec = spec_of(model.file, name)
    points = serving(model.file, metrics.history(db, model.id, name, start=start, end=end, version=version))
    taken = [p for p in points if immature or mature(p, spec, model.file, now)]
    states = [p.reading.state for p in taken if p.reading.state is not None]
    rows, labelled, left = sum(p.reading.rows for p in taken), _labelled(taken), len(points) - len(taken)
    if not states:
        note = "no mature windows yet" if left else "no data"
        return Window(name, start, end, None, None, None, 0, rows, labelled, len(taken), left, note)
    total = states[0]
    for state in states[1:]:
        total = merge(spec, total, state, model.file)
    told = floored(read(spec, total, model.file), spec, model.file, labelled)
    found = (told.value, told.low, told.high, told.n)
    return Window(name, start, end, *found, rows, labelled, len(taken), left, told.note)


def trend(
    db: sqlite3.Connection,
    model: Model,
    name: str,
    limit: int = 30,
    *,
    now: datetime,
    version: str | None = None,
) -> tuple[TrendPoint, ...]:
    """The newest ``limit`` readings of a metric, one per serving batch, in order of time.

    Raises:
        UsageError: the model has no such metric.
    """
    spec = spec_of(model.file, name)
    points = serving(model.file, metrics.history(db, model.id, name, version=version, limit=limit))
    return tuple(
        TrendPoint(
            batch_id=p.batch_id,
            window_start=p.window_start,
            value=p.reading.value,
            low=p.reading.low,
            high=p.reading.high,
            n=p.reading.n,
            coverage=None if p.labelled is None or not p.reading.rows else p.labelled / p.reading.rows,
            immature=not mature(p, spec, model.file, now),
            version=p.reading.version,
            stage=p.stage,
            note=p.reading.note,
        )
        for p in points
    )


def mature(point: MetricPoint, spec: MetricSpec, file: ModelFile, now: datetime) -> bool:
    """Whether the labels of a window have had the time they take; always so for what needs none."""
    return point.window_end + file.labels.lag <= now or not needs_labels(spec, file)


def serving(file: ModelFile, points: Sequence[MetricPoint]) -> list[MetricPoint]:
    """The points that users saw: batches of test and shadow stages are judged by gates, not by objectives."""
    unseen = {stage.name for stage in file.stages if stage.kind in ("test", "shadow")}
    return [point for point in points if point.stage not in unseen]


def _labelled(points: Sequence[MetricPoint]) -> int:
    return sum(point.labelled or 0 for point in points)
