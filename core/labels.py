"""Late labels: joined on the id with the batches that hold those ids, whose own metrics change; never today's."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.batch_log import log_of
from core.estimates.estimate import judge_again
from core.measure import measure_batch
from core.rollouts.turns import keep_up
from core.watchdogs import watch_metrics
from storage.db import transaction
from storage.errors import MidwatchError, SourceError, UsageError
from storage.host import Actor
from storage.records.batches import Batch
from storage.records.labels import Candidate, LabelFile
from storage.records.models import Model
from storage.records.results import MetricValue
from storage.tables import audit, batches, labels, metrics

if TYPE_CHECKING:
    from storage.logs.join import Workspace
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class Change:
    """One metric of a batch before and after labels came; None where it wasn't known."""

    metric: str
    before: float | None
    after: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class LabelledBatch:
    """A batch that got labels.

    Attributes:
        matched: ids of the label file that it holds.
        labelled: rows that have a usable label now; ``coverage`` is their share.
        lag_p50_seconds, lag_p95_seconds: from prediction to label.
        metrics: those whose value or note changed.
    """

    batch: int
    path: str
    window_start: datetime | None
    matched: int
    labelled: int
    coverage: float
    lag_p50_seconds: float | None
    lag_p95_seconds: float | None
    metrics: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A batch whose labels couldn't be joined, and why; calling again tries it again."""

    batch: int
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What became of a label file.

    Attributes:
        rows: rows read; ``ids`` is how many different ids they name.
        matched: ids that some batch holds; ``unmatched`` are the others.
        known: the very same file had been ingested before.
    """

    label_file: str
    sha256: str
    rows: int
    quarantined: int
    ids: int
    matched: int
    unmatched: int
    known: bool
    batches: tuple[LabelledBatch, ...]
    failures: tuple[Failure, ...]


def ingest_labels(
    db: sqlite3.Connection, model: Model, path: str | Path, *, actor: Actor, now: datetime, more: bool = False
) -> LabelReport:
    """Join a label file with the batches that hold its ids, recompute their metrics, watch objectives and rollouts.

    The same file twice is one: batches it was joined with are left alone, those that failed or came since are tried.
    A batch that can't be read is reported, and the others are done all the same.

    Args:
        more: another file of the same moment follows: rollouts are looked at after the last one, with all of them.

    Raises:
        UsageError: the model names no id or no label column.
        SourceError: the label file can't be read, or lacks these columns.
    """
    from storage.logs.join import label_column, workspace
    from storage.logs.source import open_log

    if model.file.columns.id is None or model.file.columns.label is None:
        which = "id" if model.file.columns.id is None else "label"
        raise UsageError(
            f"the model {model.name!r} names no {which} column: late labels can't be joined",
            f"add {which} = '...' under [columns] of its model file",
        )
    with open_log(path, types={model.file.columns.id: "text"}) as source, workspace() as room:
        if len(source.files) != 1:
            raise UsageError(f"{path} is {len(source.files)} files", "give label files one by one")
        label_column(source, model.file)
        read = source.files[0]
        file, new = labels.register(
            db,
            model.id,
            path=os.path.abspath(read.path),
            sha256=read.sha256,
            rows=source.rows,
            quarantined=source.rejected,
            now=now,
        )
        room.load(file, model.file, source)
        span = room.spans(source, model.file)
        found = labels.candidates(db, model.id, file)
        before = sum(candidate.matched or 0 for candidate in found)
        ids = room.distinct(file)
        done: list[LabelledBatch] = []
        failures: list[Failure] = []
        # Ids are looked for first where the file says they were scored, and elsewhere only when some are missing.
        inside = [c for c in found if _touches(c.batch, span)]
        for part in (inside, [c for c in found if c not in inside]):
            if before + room.seen() < ids or part is inside:
                _join_all(db, model, file, part, room, now, done, failures)
        matched = min(ids, before + room.seen())
    if new or done:
        with transaction(db):
            audit.record(
                db,
                "labels.ingest",
                actor=actor,
                now=now,
                object_kind="model",
                object_id=model.name,
                after={"path": file.path, "sha256": file.sha256, "batches": [batch.batch for batch in done]},
            )
    newest = max(done, key=lambda batch: (batch.window_start or now, batch.batch), default=None)
    if newest is not None:
        watch_metrics(db, model, newest.batch, now)
        from core.kept.watch import watch_slices  # numpy: not on the way of those who only read

        watch_slices(db, model, [batch.batch for batch in done], now)
        judge_again(db, model, now=now)
    if not more:
        keep_up(db, model, now=now)
    return LabelReport(
        label_file=file.path,
        sha256=file.sha256,
        rows=file.rows,
        quarantined=file.quarantined,
        ids=ids,
        matched=matched,
        unmatched=ids - matched,
        known=not new,
        batches=tuple(done),
        failures=tuple(failures),
    )


def _join_all(
    db: sqlite3.Connection,
    model: Model,
    file: LabelFile,
    found: list[Candidate],
    room: Workspace,
    now: datetime,
    done: list[LabelledBatch],
    failures: list[Failure],
) -> None:
    """Join a label file with each batch it wasn't joined with yet; what fails is noted and the rest goes on."""
    for candidate in found:
        if candidate.matched is None:
            try:
                joined = _join(db, model, file, candidate.batch, room, now)
            except SourceError as error:
                failures.append(Failure(candidate.batch.id, candidate.batch.path, str(error)))
            else:
                done += [joined] if joined else []


def _join(
    db: sqlite3.Connection, model: Model, file: LabelFile, batch: Batch, room: Workspace, now: datetime
) -> LabelledBatch | None:
    """Join one batch; None when it holds none of the ids."""
    with log_of(batch, model) as source:
        matched = _matches(source, room, file, model)
        if not matched:
            labels.joined(db, file.id, batch.id, 0)
            return None
        before = {value.metric: value for value in metrics.current(db, batch.id)}
        after = measure_batch(db, model, batch, source, now, within=room, arriving=(file, matched))
    coverage = batches.coverage(db, batch.id)
    if coverage is None:
        raise MidwatchError(f"batch {batch.id} was measured without a coverage", "run midwatch doctor")
    return LabelledBatch(
        batch=batch.id,
        path=batch.path,
        window_start=batch.window_start,
        matched=matched,
        labelled=coverage.labelled,
        coverage=coverage.share,
        lag_p50_seconds=coverage.lag_p50_seconds,
        lag_p95_seconds=coverage.lag_p95_seconds,
        metrics=tuple(_changes(before, after)),
    )


def _matches(source: LogSource, room: Workspace, file: LabelFile, model: Model) -> int:
    """How many ids of the file a batch holds; a batch without an id column holds none."""
    if model.file.columns.id not in {column.name for column in source.columns}:
        return 0
    return room.matches(source, file, model.file)


def _changes(before: dict[str, MetricValue], after: tuple[MetricValue, ...]) -> list[Change]:
    changes = []
    for value in after:
        old = before.get(value.metric)
        if old is None or (old.value, old.note) != (value.value, value.note):
            changes.append(Change(value.metric, old.value if old else None, value.value, value.note))
    return changes


def _touches(batch: Batch, span: tuple[datetime, datetime] | None) -> bool:
    """Whether a batch's window touches the prediction times a label file names."""
    if span is None or batch.window_start is None or batch.window_end is None:
        return True
    return batch.window_start <= span[1] and batch.window_end >= span[0]
