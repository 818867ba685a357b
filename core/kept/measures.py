"""What kept slices read in a log: their rows, and every metric of the model over them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.checks.watched import WatchedSlice
from core.metrics.batch_sums import built_in, business_states, value_of
from storage.errors import SourceError
from storage.logs.predicates import predicate_sql
from storage.logs.quoting import sql_name
from storage.records.kept_slices import KeptSlice, SliceRows
from storage.records.logs import Kind
from storage.records.models import MetricSpec, Model, ModelFile
from storage.records.results import MetricValue
from storage.tables import kept_slices

if TYPE_CHECKING:
    from storage.business_sql import Plan
    from storage.logs.join import Workspace
    from storage.logs.joined_rows import Joined
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """Every metric of one kept slice over one batch; ``labelled`` rows of the slice have a label."""

    kept_slice_id: int
    values: tuple[MetricValue, ...]
    labelled: int


def watched(
    db: sqlite3.Connection, model: Model, source: LogSource, past: Sequence[int] = ()
) -> tuple[WatchedSlice, ...]:
    """Every kept slice in an open log, with its rows in the ``past`` batches; one that can't be read says why."""
    found = []
    for kept in kept_slices.listing(db, model.id):
        days = tuple(kept_slices.days(db, kept.id, past))
        sql = predicate_sql(kept.predicates, kinds_of(source))
        try:
            found.append(WatchedSlice(kept, sql, slice_rows(kept, source, model.file), days))
        except SourceError as error:
            found.append(WatchedSlice(kept, sql, None, days, str(error)))
    return tuple(found)


def kinds_of(source: LogSource) -> Mapping[str, Kind]:
    """The kind of each column of a log."""
    return {column.name: column.kind for column in source.columns}


def slice_rows(kept: KeptSlice, source: LogSource, file: ModelFile) -> SliceRows:
    """Count a slice's rows, the values that its columns lack, and average its predictions.

    Raises:
        SourceError: a column of its condition is gone, or can't be compared any more.
    """
    require_columns(kept, source)
    columns = [c for c in source.columns if c.name not in file.columns.ignore]
    present = [
        f"count(CASE WHEN isnan({sql_name(c.name)}) THEN NULL ELSE 1 END) FILTER (WHERE {sql_name(c.name)} IS NOT NULL)"
        if c.type in ("DOUBLE", "FLOAT")
        else f"count({sql_name(c.name)})"
        for c in columns
    ]
    score = f"TRY_CAST({sql_name(file.columns.prediction)} AS DOUBLE)"
    finite = f"FILTER (WHERE isfinite({score}))"
    sql = (
        f"SELECT count(*), count(*) {finite}, avg({score}) {finite}, var_samp({score}) {finite}, "
        f"{', '.join(present)} FROM log WHERE {predicate_sql(kept.predicates, kinds_of(source))}"
    )
    [(rows, predictions, mean, variance, *counts)] = source.query(sql)
    total = int(str(rows))
    missing = {c.name: total - int(str(n)) for c, n in zip(columns, counts, strict=True) if int(str(n)) < total}
    return SliceRows(kept.id, total, source.rows, missing, int(str(predictions)), _float(mean), _float(variance))


def require_columns(kept: KeptSlice, source: LogSource) -> None:
    """Raise when the log lacks a column of the slice's condition."""
    there = {column.name for column in source.columns}
    gone = [p.column for p in kept.predicates if p.column not in there]
    if gone:
        raise SourceError(f"the column {gone[0]!r} of its condition is not in {source.files[0].path}", "")


def slice_metrics(
    room: Workspace,
    joined: Joined,
    kept: Sequence[KeptSlice],
    wanted: Sequence[MetricSpec],
    plans: dict[str, Plan],
    model: Model,
    source: LogSource,
    version: str | None,
) -> list[SliceMetrics]:
    """Every metric over the rows of each slice, from a batch's joined rows; slices that can't be read are left out.

    ``joined`` must carry the columns of the slices' conditions.
    """
    found = []
    for one in kept:
        try:
            require_columns(one, source)
            part = room.part(joined, predicate_sql(one.predicates, kinds_of(source)), model.file)
        except SourceError:
            continue  # the check has said so, with the reason
        states = built_in(part, wanted, model.file)
        states.update(business_states(part, wanted, plans))
        values = [value_of(s, states.get(s.name), part.counts, model.file, plans.get(s.name)) for s in wanted]
        found.append(SliceMetrics(one.id, tuple(replace(v, version=version) for v in values), part.counts.labelled))
    return found


def columns_of(kept: Sequence[KeptSlice]) -> list[str]:
    """The columns that the conditions read."""
    return list(dict.fromkeys(p.column for one in kept for p in one.predicates))


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
