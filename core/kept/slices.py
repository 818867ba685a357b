"""Slices that are kept with a name: watched on every batch from then on, and asked for by gates."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from core.batch_log import log_of
from core.kept.measures import SliceMetrics, columns_of, slice_metrics, slice_rows
from core.kept.watch import primary, worse
from core.metrics.batch_sums import floored, merge, plans, read
from core.metrics.registry import spec_of, specs
from storage.db import transaction
from storage.errors import RefusedError, SourceError, UsageError
from storage.host import Actor
from storage.records.batches import Batch
from storage.records.kept_slices import KINDS, KeptSlice, SliceDay, SliceKind, SliceMetric, SliceRows
from storage.records.models import MetricSpec, Model
from storage.records.slices import Predicate
from storage.tables import audit, batches, kept_slices, labels
from storage.tables.floor_readings import FloorReading

if TYPE_CHECKING:
    from storage.logs.join import Workspace

LOOK_BACK = 14
"""Accepted batches that a new slice is read in, so that it has a past to be compared with."""

MASK = "[redacted]"


@dataclass(frozen=True, slots=True)
class Kept:
    """A slice that was kept now; ``read`` batches give it a past, the ``failures`` could not be read."""

    slice: KeptSlice
    read: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceStatus:
    """A kept slice as it stands: its rows in the newest batch, its metric in the newest one that has labels.

    Attributes:
        readings: batches it was read in, those of the past that were read when it was kept among them.
    """

    slice: KeptSlice
    rows: SliceDay | None
    metric: SliceMetric | None
    readings: int


@dataclass(frozen=True, slots=True)
class SliceEvaluation:
    """One metric of a kept slice over several batches.

    Attributes:
        n: labels (or rows) the value rests on; ``labelled`` of ``rows`` rows have a label.
        floor: as kept, for the primary metric only.
        standing: of the floor: it ``holds``, is ``broken``, or the interval allows either; None without floor or value.
        failures: batches that could not be read, and why.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    rows: int
    labelled: int
    batches: int
    note: str | None
    floor: float | None
    standing: Literal["holds", "broken", "not sure"] | None
    failures: tuple[str, ...] = ()


def keep(
    db: sqlite3.Connection,
    model: Model,
    name: str,
    predicates: Sequence[Predicate],
    *,
    kind: SliceKind = "user",
    floor: float | None = None,
    note: str | None = None,
    look_back: int = LOOK_BACK,
    tell: Callable[[str], None] | None = None,
    actor: Actor,
    now: datetime,
) -> Kept:
    """Keep a slice, and read it in the accepted batches of the past whose files still stand.

    Args:
        floor: of the primary metric: worse than this is told whatever the past was.
        tell: is told of each batch that is read.

    Raises:
        UsageError: no name, no predicate, an unknown kind, or a floor that is no finite number.
        RefusedError: the name is taken, or a value of a redacted column would be stored.
    """
    name = name.strip()
    if not name or not predicates:
        raise UsageError(
            "a kept slice needs a name and a condition", "as in: midwatch kept add MODEL jfk 'origin = JFK'"
        )
    if floor is not None and not math.isfinite(floor):
        raise UsageError(f"a floor of {floor} can't be compared", "a floor is a finite number")
    if kind not in KINDS:
        raise UsageError(f"there is no kind {kind!r}", f"one of {', '.join(KINDS)}")
    hidden = next((p.column for p in predicates if p.column in model.file.columns.redact and p.value is not None), None)
    if hidden is not None:
        raise RefusedError(f"the column {hidden!r} is redacted: its values are not stored", "choose other columns")
    if any(known.name == name for known in kept_slices.listing(db, model.id)):
        raise RefusedError(f"a slice called {name!r} is kept already", "choose another name, or retire that one")
    draft = KeptSlice(0, model.id, name, tuple(predicates), kind, floor, note, actor.name, now)
    past = batches.admitted(db, model.id, limit=look_back)
    read, failures = _read_past(db, model, draft, past, tell)
    with transaction(db):
        kept_id = kept_slices.insert(db, model.id, name, predicates, kind, floor, note, by=actor.name, now=now)
        for batch_id, rows, metrics in read:
            kept_slices.add_rows(db, batch_id, [_of(rows, kept_id)], now)
            if metrics is not None:
                kept_slices.add_metrics(db, kept_id, batch_id, metrics.values, metrics.labelled, now)
        after = {"model": model.name, "kind": kind, "predicates": [p.document() for p in predicates], "floor": floor}
        audit.record(db, "slice.keep", actor=actor, now=now, object_kind="kept slice", object_id=name, after=after)
    return Kept(kept_slices.get(db, model.id, name), len(read), tuple(failures))


def retire(
    db: sqlite3.Connection, model: Model, name: str, *, reason: str | None = None, actor: Actor, now: datetime
) -> KeptSlice:
    """Watch a slice no more; what it read stays.

    Raises:
        UsageError: no such slice is kept.
    """
    with transaction(db):
        kept = kept_slices.get(db, model.id, name)
        kept_slices.retire(db, kept.id, reason=reason, by=actor.name, now=now)
        after = {"model": model.name, "reason": reason}
        audit.record(db, "slice.retire", actor=actor, now=now, object_kind="kept slice", object_id=name, after=after)
    return kept


def listing(db: sqlite3.Connection, model: Model, *, retired: bool = False) -> tuple[SliceStatus, ...]:
    """The kept slices of a model with what they read last, critical ones first."""
    spec, found = primary(model.file), []
    for kept in kept_slices.listing(db, model.id, retired=retired):
        recent = kept_slices.metrics(db, kept.id, spec.name, limit=60, states=False)
        told = [metric for metric in recent if metric.reading.value is not None]
        newest = kept_slices.latest(db, kept.id)
        count = kept_slices.count(db, kept.id)
        found.append(SliceStatus(shown(kept, model), newest[0] if newest else None, told[-1] if told else None, count))
    return tuple(found)


def shown(kept: KeptSlice, model: Model) -> KeptSlice:
    """The slice without a value of a column that the model file redacts by now."""
    hidden = set(model.file.columns.redact)
    told = tuple(
        Predicate(p.column, p.op, MASK) if p.column in hidden and p.value is not None else p for p in kept.predicates
    )
    return kept if told == kept.predicates else KeptSlice(
        kept.id, kept.model_id, kept.name, told, kept.kind, kept.floor, kept.note, kept.by, kept.at,
        kept.retired_by, kept.retired_at,
    )  # fmt: skip


def evaluate(
    db: sqlite3.Connection, model: Model, kept: KeptSlice, over: Sequence[Batch], *, metric: str | None = None
) -> SliceEvaluation:
    """One metric of a slice over some batches together, with its interval; what gates ask.

    Stored readings are merged; a batch that was never read for this slice is read from its file now, and not recorded.

    Args:
        metric: by default the primary one.

    Raises:
        UsageError: the model has no such metric.
    """
    spec = _spec(model, metric)
    stored = {m.batch_id: m for m in kept_slices.metrics(db, kept.id, spec.name, batch_ids=[b.id for b in over])}
    found, failures = list[FloorReading](), list[str]()
    for batch in over:
        known = stored.get(batch.id)
        if known is not None:
            found.append(FloorReading(known.reading.rows, known.labelled, known.reading.state))
            continue
        one, wrong = read_in(db, model, kept, batch, spec)
        failures += wrong
        found += [one] if one is not None else []
    return together(model, kept, spec, found, failures)


def read_in(
    db: sqlite3.Connection, model: Model, kept: KeptSlice, batch: Batch, spec: MetricSpec
) -> tuple[FloorReading | None, list[str]]:
    """One metric of a slice in one batch, from its file, and not recorded; None with why, or for a reference."""
    told, wrong = _read_past(db, model, kept, [batch], None)
    parts = told[0][2] if told else None
    if parts is None:
        return None, wrong
    value = next(v for v in parts.values if v.metric == spec.name)
    return FloorReading(value.rows, parts.labelled, value.state), wrong


def together(
    model: Model, kept: KeptSlice, spec: MetricSpec, found: Sequence[FloorReading], failures: Sequence[str]
) -> SliceEvaluation:
    """What readings of several batches say together, and where that stands against the floor."""
    rows, labelled = sum(one.rows for one in found), sum(one.labelled for one in found)
    states = [one.state for one in found if one.state is not None]
    floor = kept.floor if spec.name == primary(model.file).name else None
    if not states:
        why = "not enough labels: 0" if found else "no batch could be read"
        return SliceEvaluation(
            spec.name, None, None, None, 0, rows, labelled, len(found), why, floor, None, tuple(failures)
        )
    total = states[0]
    for state in states[1:]:
        total = merge(spec, total, state, model.file)
    reading_of_all = floored(read(spec, total, model.file), spec, model.file, labelled)
    value, low, high = reading_of_all.value, reading_of_all.low, reading_of_all.high
    standing: Literal["holds", "broken", "not sure"] | None = None
    if floor is not None and value is not None:
        beyond = [worse(spec, model.file, v, floor) > 0 for v in (value, low, high) if v is not None]
        standing = "broken" if all(beyond) else "not sure" if any(beyond) else "holds"
    return SliceEvaluation(
        spec.name, value, low, high, reading_of_all.n, rows, labelled, len(found), reading_of_all.note, floor, standing,
        tuple(failures),
    )  # fmt: skip


Read = tuple[int, SliceRows, SliceMetrics | None]


def _read_past(
    db: sqlite3.Connection,
    model: Model,
    kept: KeptSlice,
    past: Sequence[Batch],
    tell: Callable[[str], None] | None,
) -> tuple[list[Read], list[str]]:
    """Rows and metrics of one slice in batches that are in the store already; what fails is told and passed over."""
    from storage.logs.join import workspace

    read: list[Read] = []
    failures = []
    with workspace() as room:
        for number, batch in enumerate(past, start=1):
            if tell is not None:
                tell(f"reading {kept.name} in batch {batch.id} ({number} of {len(past)})")
            try:
                read.append(_read_one(db, model, kept, batch, room))
            except SourceError as error:
                failures.append(f"batch {batch.id}: {error.message}")
    return read, failures


def _read_one(db: sqlite3.Connection, model: Model, kept: KeptSlice, batch: Batch, room: Workspace) -> Read:
    with log_of(batch, model) as source:
        rows = slice_rows(kept, source, model.file)
        if batch.role == "reference":
            return batch.id, rows, None
        known = labels.files_of(db, batch.id)
        for file in known:
            room.load(file, model.file)
        wanted = specs(model.file)
        found = plans(wanted, model.file, source)
        keep_columns = [c for plan in found.values() for c in plan.columns] + columns_of([kept])
        joined = room.join(source, model.file, known, keep_columns)
        parts = slice_metrics(room, joined, [kept], wanted, found, model, source, batch.version)
    return batch.id, rows, parts[0] if parts else None


def _of(rows: SliceRows, kept_id: int) -> SliceRows:
    return SliceRows(kept_id, rows.rows, rows.batch_rows, rows.missing, rows.predictions, rows.mean, rows.variance)


def _spec(model: Model, name: str | None) -> MetricSpec:
    return primary(model.file) if name is None else spec_of(model.file, name)
