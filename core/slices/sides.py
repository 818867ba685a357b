"""The rows of a question, opened: the current ones, and those they are compared with."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.log_of_model import opened
from core.slices.parts import both, parted, seen_sql, unseen
from core.slices.roles import file_model
from storage.errors import SourceError, UsageError
from storage.logs.engine import in_words
from storage.logs.predicates import predicate_sql
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.batches import Batch
from storage.records.logs import Kind
from storage.records.models import Model, ModelFile
from storage.records.slices import Predicate
from storage.tables import batches, labels, models

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from storage.logs.source import LogSource

REFERENCE_ROWS = 1_000_000
"""Batches of the baseline are read from the newest back until they hold so many rows, or ten times the current ones."""
LEAST_REFERENCE_ROWS = 20_000
RECENT = 20
"""Batches that versions, stages and hosts are compared in when no window is named."""


@dataclass(frozen=True, slots=True)
class Side:
    """Rows of an open log.

    Attributes:
        relation: what stands behind FROM: the log, joined with late labels where there are any.
        where: SQL condition of the rows of this side, the request's own ``where`` not among it.
        mature: SQL condition of the rows whose labels have had their time.
        immature: batches whose labels have not.
        batches: those that the files are, in order; empty for plain files.
        words: what it is, for a person.
        late: whether late labels stand beside the log's own.
    """

    source: LogSource
    relation: str
    where: str
    mature: str
    immature: int
    batches: tuple[Batch, ...]
    words: str
    late: bool = False

    @property
    def kinds(self) -> dict[str, Kind]:
        """Kinds of the columns by name."""
        return {column.name: column.kind for column in self.source.columns}

    def condition(self, where: Sequence[Predicate]) -> str:
        """The rows of this side that fulfil further predicates, as SQL."""
        return f"({self.where}) and {predicate_sql(where, self.kinds)}" if where else self.where

    def sample(self, share: float, table: str) -> Side:
        """About that share of the rows, always the same ones, in a table of their own: read once, asked often."""
        from core.slices.columns import sampled

        with in_words("the log"):
            self.source.connection.execute(
                f"create or replace temp table {table} as "
                f"select * from {self.relation} where ({self.where}) and {sampled(share)}"
            )
        return replace(self, relation=table, where="true")


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, the roles of their columns, and what a reader should know; ``then`` is None without a reference."""

    now: Side
    then: Side | None
    model: ModelFile
    stored: Model | None
    notes: list[str] = field(default_factory=list)

    @property
    def both(self) -> tuple[Side, ...]:
        """The sides there are."""
        return (self.now,) if self.then is None else (self.now, self.then)


@contextmanager
def open_sides(db: sqlite3.Connection | None, request: SliceRequest, *, now: datetime) -> Iterator[Sides]:
    """Open what a request names.

    Args:
        now: tells which labels have had their time.

    Raises:
        SourceError: a file is gone, has changed or can't be read.
        UsageError: the model, its batch or a column of the request is not there.
    """
    with ExitStack() as stack:
        sides = _of_files(stack, request) if request.files else _of_model(stack, db, request, now)
        missing = [p.column for p in request.where if p.column not in sides.now.kinds]
        if missing:
            raise UsageError(f"there is no column {missing[0]!r}", f"there are {', '.join(list(sides.now.kinds)[:20])}")
        secret = [p.column for p in request.where if p.column in sides.model.columns.redact]
        if secret:
            raise UsageError(f"the column {secret[0]!r} is redacted", "no condition can ask for its values")
        yield sides


@contextmanager
def open_current(
    db: sqlite3.Connection | None, request: SliceRequest, *, now: datetime
) -> Iterator[tuple[Side, ModelFile]]:
    """Open only the current rows of a request.

    Raises:
        SourceError: a file is gone, has changed or can't be read.
        UsageError: the model or its batch is not there.
    """
    from storage.logs.source import open_log

    with ExitStack() as stack:
        if request.files:
            source = stack.enter_context(open_log(list(request.files)))
            yield Side(source, "log", "true", "true", 0, (), _files(source)), file_model(source, request)[0]
            return
        db, model = _stored(db, request)
        window = _time_condition(model.file, request)
        yield _side(stack, db, model, model.file, _current(db, model, request, now), now, window, []), model.file


def _of_files(stack: ExitStack, request: SliceRequest) -> Sides:
    from storage.logs.source import open_log

    source = stack.enter_context(open_log(list(request.files)))
    model, notes = file_model(source, request)
    side = Side(source, "log", "true", "true", 0, (), _files(source))
    if request.side is not None:
        now, then = parted(side, model, request)
        return Sides(now, then, model, None, list(notes))
    other: Side | None = None
    if request.like:
        like = stack.enter_context(open_log(list(request.like)))
        other = Side(like, "log", "true", "true", 0, (), _files(like))
    return Sides(side, other, model, None, list(notes))


def _files(source: LogSource) -> str:
    first = os.path.basename(source.files[0].path)
    more = f" and {len(source.files) - 1} more" if len(source.files) > 1 else ""
    return f"{first}{more}, {source.rows:,} rows"


def _of_model(stack: ExitStack, db: sqlite3.Connection | None, request: SliceRequest, now: datetime) -> Sides:
    db, model = _stored(db, request)
    asked = replace(
        model.file.columns,
        label=request.label or model.file.columns.label,
        prediction=request.prediction or model.file.columns.prediction,
    )
    file = replace(model.file, columns=asked)
    notes: list[str] = []
    chosen = _current(db, model, request, now)
    window = _time_condition(file, request)
    current = _side(stack, db, model, file, chosen, now, window, notes)
    if request.side is not None:
        mine, other = parted(current, file, request)
        return Sides(mine, other, file, model, notes)
    current = replace(current, where=both(current.where, seen_sql(file, current)))
    past = _past(db, model, chosen, file)
    if not past:
        notes.append("no admitted batch lies before it: there is no reference")
        return Sides(current, None, file, model, notes)
    reference = _side(stack, db, model, file, past, now, "true", notes)
    return Sides(current, reference, file, model, notes)


def _stored(db: sqlite3.Connection | None, request: SliceRequest) -> tuple[sqlite3.Connection, Model]:
    if db is None or request.model is None:
        raise UsageError("a model's batches lie in a store", "name the store, or give files")
    return db, models.get(db, request.model)


def _current(db: sqlite3.Connection, model: Model, request: SliceRequest, now: datetime) -> list[Batch]:
    """The batches of the current window, oldest first."""
    if request.batch is not None:
        try:
            batch = batches.get(db, request.batch)
        except KeyError:
            raise UsageError(f"there is no batch {request.batch}", "pane 4 lists them") from None
        if batch.model_id != model.id:
            raise UsageError(f"batch {request.batch} is another model's", "name a batch of this model")
        return [batch]
    if request.window is not None:
        found = batches.between(db, model.id, *request.window)
        if not found:
            raise UsageError(f"no batch of {model.name!r} touches that window", "widen it, or name a batch")
        return found
    newest = batches.page(db, model_id=model.id, order="window", limit=10 * RECENT)
    serving = [batch for batch in newest if batch.role == "serving"]
    if not serving:
        raise UsageError(f"no serving batch of {model.name!r} was ingested yet", "midwatch ingest MODEL FILE")
    if request.side is not None:
        return serving[:RECENT][::-1]
    hidden = unseen(model.file)
    seen = [batch for batch in serving if batch.stage not in hidden]
    if request.signal in ("error", "loss"):  # the newest window that can be judged by its labels
        lag = model.file.labels.lag
        for batch in seen:
            coverage = batches.coverage(db, batch.id)
            ripe = batch.window_end is not None and batch.window_end + lag <= now
            if ripe and coverage is not None and coverage.labelled >= min(model.file.labels.minimum, batch.rows):
                return [batch]
    newest_seen = (seen or serving)[0]
    start, end = newest_seen.window_start, newest_seen.window_end
    beside = [
        batch
        for batch in serving
        if batch.stage in hidden and start and end and batch.window_start and batch.window_end
        if batch.window_start < end and batch.window_end > start and newest_seen.stage not in hidden
    ]
    return [*beside[::-1], newest_seen]


def _past(db: sqlite3.Connection, model: Model, chosen: Sequence[Batch], file: ModelFile) -> list[Batch]:
    """The batches that the current ones are compared with: admitted, users saw them, and not the current ones."""
    starts = [batch.window_start for batch in chosen if batch.window_start is not None]
    before = min(starts) if starts else None
    ids, hidden = {batch.id for batch in chosen}, unseen(file)
    found = [
        batch
        for batch in batches.admitted(db, model.id, before=before)
        if batch.id not in ids and batch.stage not in hidden and (batch.window_end is None or batch.rows)
    ]
    wanted = max(LEAST_REFERENCE_ROWS, min(REFERENCE_ROWS, 10 * sum(batch.rows for batch in chosen)))
    taken: list[Batch] = []
    for batch in reversed(found):
        if sum(b.rows for b in taken) >= wanted:
            break
        taken.append(batch)
    return taken[::-1]


def _side(
    stack: ExitStack,
    db: sqlite3.Connection,
    model: Model,
    file: ModelFile,
    chosen: Sequence[Batch],
    now: datetime,
    where: str,
    notes: list[str],
) -> Side:
    """Open the files of batches with their late labels; for a reference, files that are gone are left out."""
    from storage.logs.late_labels import attach

    chosen = list({batch.path: batch for batch in chosen}.values())
    there = [batch for batch in chosen if os.path.isfile(batch.path)]
    notes += [f"the file of batch {b.id}, {b.path}, is gone" for b in chosen if b not in there]
    if not there:
        raise SourceError(f"the file of batch {chosen[0].id}, {chosen[0].path}, is gone", "put it back, then try again")
    source = stack.enter_context(opened([batch.path for batch in there], replace(model, file=file)))
    for batch, read in zip(there, source.files, strict=True):
        if batch.sha256 != read.sha256:
            raise SourceError(
                f"the file of batch {batch.id}, {batch.path}, has changed since it was ingested",
                "put the old file back, or ingest the new one",
            )
    files = {found.id: found for batch in there for found in labels.files_of(db, batch.id)}
    known = sorted(files.values(), key=lambda found: (found.arrived_at, found.id))
    relation = attach(source, file, known)
    lag = file.labels.lag
    ripe = [i for i, b in enumerate(there) if b.window_end is None or b.window_end + lag <= now]
    mature = "true" if len(ripe) == len(there) else f'"__file" in ({", ".join(map(str, ripe)) or "-1"})'
    words = f"batch {there[0].id}" if len(there) == 1 else f"{len(there)} batches, {there[0].id} to {there[-1].id}"
    ends = [batch.window_end for batch in there if batch.window_end is not None]
    until = f" up to {max(ends):%Y-%m-%d %H:%MZ}" if ends else ""
    words = f"{words}{until}, {source.rows:,} rows"
    return Side(source, relation, where, mature, len(there) - len(ripe), tuple(there), words, relation != "log")


def _time_condition(file: ModelFile, request: SliceRequest) -> str:
    if request.window is None:
        return "true"
    start, end = (text(moment.astimezone(UTC).replace(tzinfo=None).isoformat()) for moment in request.window)
    column = name(file.columns.time)
    return f"{column} >= {start}::timestamp and {column} < {end}::timestamp"
