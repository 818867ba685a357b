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
from core.slices.parts import both, parted, seen_sql
from core.slices.redacted import refuse_redacted
from core.slices.roles import file_model
from core.slices.sampling import sampled
from core.slices.windows import current, past
from storage.errors import SourceError, UsageError
from storage.logs.engine import in_words
from storage.logs.predicates import predicate_sql, words
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.batches import Batch
from storage.records.logs import Kind
from storage.records.models import Model, ModelFile
from storage.records.slices import Predicate
from storage.tables import labels, models

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class Side:
    """Rows of an open log.

    Attributes:
        relation: what stands behind FROM: the log, joined with late labels where there are any.
        where: SQL condition of the rows of this side, the request's own ``where`` not among it.
        mature: SQL condition of the rows whose labels have had their time.
        immature: batches whose labels have not.
        batches: those that the files are, in order; empty for plain files.
        words: what it is, for a person; how many rows are searched among them.
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
        with in_words("the log"):
            self.source.connection.execute(
                f"create or replace temp table {table} as "
                f"select * from {self.relation} where ({self.where}) and {sampled(share)}"
            )
        return replace(self, relation=table, where="true")


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, the roles of their columns, and what a reader should know.

    ``then`` is None without a reference; ``empty`` says why there are no current rows, where the files hold some.
    """

    now: Side
    then: Side | None
    model: ModelFile
    stored: Model | None
    notes: list[str] = field(default_factory=list)
    empty: str | None = None

    @property
    def both(self) -> tuple[Side, ...]:
        """The sides there are."""
        return (self.now,) if self.then is None else (self.now, self.then)


@contextmanager
def open_whole(db: sqlite3.Connection | None, request: SliceRequest, *, now: datetime) -> Iterator[Sides]:
    """Open what a request names, all kinds of error in it.

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
        refuse_redacted((p.column for p in request.where), sides.model.columns.redact)
        yield _counted(sides, request)


def _counted(sides: Sides, request: SliceRequest) -> Sides:
    """With the rows that are searched in the words of each side, and why there are none of the current ones."""
    now = _with_rows(sides.now, request)
    then = _with_rows(sides.then, request) if sides.then is not None else None
    empty = None
    if sides.now.source.rows and not _rows(sides.now, request.where):
        empty = _why_empty(sides, request)
    return replace(sides, now=now, then=then, empty=empty)


def _with_rows(side: Side, request: SliceRequest) -> Side:
    where = request.where if all(p.column in side.kinds for p in request.where) else ()
    rows = _rows(side, where)
    return replace(side, words=f"{side.words}, {rows:,} row{'s' if rows != 1 else ''}")


def _rows(side: Side, where: Sequence[Predicate]) -> int:
    """How many rows of a side fulfil further predicates."""
    condition = side.condition(where)
    if condition == "true":
        return side.source.rows
    [(rows,)] = side.source.query(f"select count(*) from {side.relation} where {condition}")
    return int(str(rows))


def _why_empty(sides: Sides, request: SliceRequest) -> str:
    """What leaves no current row: the span of time, or the condition."""
    if request.window is not None and not _rows(sides.now, ()):
        time = name(sides.model.columns.time)
        [(first, last)] = sides.now.source.query(f"select min({time}), max({time}) from log")
        return f"no row was scored in that span; they run from {first} to {last}"
    return f"no row fulfils {words(request.where)}" if request.where else "there are no rows"


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
            guessed, _ = file_model(source, request)
            window = _time_condition(guessed, request, source)
            yield Side(source, "log", window, "true", 0, (), _files(source)), guessed
            return
        db, model = _stored(db, request)
        window = _time_condition(model.file, request)
        yield open_batches(stack, db, model, model.file, current(db, model, request, now), now, window, []), model.file


def _of_files(stack: ExitStack, request: SliceRequest) -> Sides:
    from storage.logs.source import open_log

    source = stack.enter_context(open_log(list(request.files)))
    model, notes = file_model(source, request)
    side = Side(source, "log", _time_condition(model, request, source), "true", 0, (), _files(source))
    notes = (*notes, *unread(source))
    if request.side is not None:
        now, then = parted(side, model, request)
        return Sides(now, then, model, None, list(notes))
    other: Side | None = None
    if request.like:
        like = stack.enter_context(open_log(list(request.like)))
        other = Side(like, "log", "true", "true", 0, (), _files(like))
        notes = (*notes, *unread(like))
    return Sides(side, other, model, None, list(notes))


def unread(source: LogSource) -> tuple[str, ...]:
    """Of each file with lines that could not be read: how many."""
    return tuple(
        f"{file.rejected:,} line{'s' if file.rejected != 1 else ''} of {os.path.basename(file.path)} could not be read"
        for file in source.files
        if file.rejected
    )


def _files(source: LogSource) -> str:
    first = os.path.basename(source.files[0].path)
    more = f" and {len(source.files) - 1} more" if len(source.files) > 1 else ""
    return f"{first}{more}"


def _of_model(stack: ExitStack, db: sqlite3.Connection | None, request: SliceRequest, now: datetime) -> Sides:
    db, model = _stored(db, request)
    for role, column in (("label", request.label), ("prediction", request.prediction)):
        if column in model.file.columns.redact:
            raise UsageError(f"the column {column!r} is redacted", f"as the {role} its values would be told")
    asked = replace(
        model.file.columns,
        label=request.label or model.file.columns.label,
        prediction=request.prediction or model.file.columns.prediction,
    )
    file = replace(model.file, columns=asked)
    notes: list[str] = []
    chosen = current(db, model, request, now)
    window = _time_condition(file, request)
    here = open_batches(stack, db, model, file, chosen, now, window, notes)
    if request.side is not None:
        mine, other = parted(here, file, request)
        return Sides(mine, other, file, model, notes)
    here = replace(here, where=both(here.where, seen_sql(file, here)))
    before = past(db, model, chosen, file)
    if not before:
        notes.append("no admitted batch lies before it: there is no reference")
        return Sides(here, None, file, model, notes)
    first = min((b.window_start for b in chosen if b.window_start is not None), default=None)
    later = [b for b in before if first is not None and b.window_start is not None and b.window_start > first]
    if later:
        which = "the reference is" if len(later) == len(before) else f"{len(later)} of {len(before)} batches of it are"
        notes.append(f"{which} later than these rows: too few batches lie before them")
    reference = open_batches(stack, db, model, file, before, now, "true", notes)
    return Sides(here, reference, file, model, notes)


def _stored(db: sqlite3.Connection | None, request: SliceRequest) -> tuple[sqlite3.Connection, Model]:
    if db is None or request.model is None:
        raise UsageError("a model's batches lie in a store", "name the store, or give files")
    return db, models.get(db, request.model)


def open_batches(
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
    told = f"batch {there[0].id}" if len(there) == 1 else f"{len(there)} batches, {there[0].id} to {there[-1].id}"
    ends = [batch.window_end for batch in there if batch.window_end is not None]
    until = f" up to {max(ends):%Y-%m-%d %H:%MZ}" if ends else ""
    late = relation != "log"
    return Side(source, relation, where, mature, len(there) - len(ripe), tuple(there), f"{told}{until}", late)


def _time_condition(file: ModelFile, request: SliceRequest, source: LogSource | None = None) -> str:
    """SQL of the rows scored in the window; a source is looked at for a column of times."""
    if request.window is None:
        return "true"
    if source is not None and not file.columns.time:
        raise UsageError(f"{source.files[0].path} has no column of times", "no window can be cut from it")
    start, end = (text(moment.astimezone(UTC).replace(tzinfo=None).isoformat()) for moment in request.window)
    column = name(file.columns.time)
    return f"{column} >= {start}::timestamp and {column} < {end}::timestamp"
