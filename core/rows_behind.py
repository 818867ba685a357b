"""The rows behind a number: the failing rows of a finding, and what one row of a batch came from."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.batch_log import log_of
from core.failing_rows import REDACTED
from core.served_rows import served_rows
from storage.errors import UsageError
from storage.records.batches import Batch
from storage.records.logs import LogRow
from storage.records.models import Model
from storage.records.results import StoredResult
from storage.records.versions import Version
from storage.tables import batches, models, results, versions

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class RowsBehind:
    """Rows of one batch.

    Attributes:
        total: how many there are; ``rows`` are the first of them, in the order of the file.
        columns: those that the number is about, most telling first.
        words: what the rows have in common.
    """

    batch: Batch
    total: int
    rows: tuple[LogRow, ...]
    columns: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What one row came from.

    Attributes:
        version: what the row says, else what its batch says; None when neither does.
        registered: that version as it was registered, None when nobody did.
        decided_by: the columns of the row that say which rule or fallback answered instead of the model.
    """

    batch: Batch
    model: Model
    version: str | None
    registered: Version | None
    decided_by: tuple[str, ...]


RULE_COLUMNS = ("rule", "rule_id", "fallback", "fallback_reason", "decision_source")
"""Names under which serving systems write what answered instead of the model."""


def rows_sql(result: StoredResult) -> str | None:
    """The condition that selects the failing rows of a finding; None when it is about no single rows."""
    told = result.finding.evidence.get("rows_sql")
    return str(told) if told else None


def of_finding(db: sqlite3.Connection, result: StoredResult, *, limit: int = 500) -> RowsBehind:
    """The failing rows of a finding, the first ``limit`` of them, redacted.

    Raises:
        UsageError: the finding names no rows.
        SourceError: the file can't be read.
    """
    found, sql = result.finding, rows_sql(result)
    if sql is None:
        raise UsageError(
            f"{found.check} is about a distribution, no single row failed it", "6 shows in which slices it moved"
        )
    batch = batches.get(db, result.batch_id)
    model = models.get_by_id(db, batch.model_id)
    with log_of(batch, model) as source, served_rows(source, model.file, batch.stage) as served:
        total, rows = served.source.rows_where(sql, limit=limit)
    accused = [str(column) for column in found.evidence.get("columns") or [found.column] if column]
    hidden = set(model.file.columns.redact)
    where = " in ".join(filter(None, (found.column, found.slice)))
    return RowsBehind(batch, total, redacted(rows, hidden), tuple(accused), f"{found.check} {where}".strip())


def redacted(rows: Sequence[LogRow], hidden: Collection[str]) -> tuple[LogRow, ...]:
    """The rows with the values of ``hidden`` columns masked."""
    return tuple(
        replace(row, values={name: REDACTED if name in hidden else value for name, value in row.values.items()})
        for row in rows
    )


def origin(db: sqlite3.Connection, batch: Batch, row: LogRow) -> Origin:
    """Which version answered a row, what that version is made of, and whether a rule answered instead."""
    model = models.get_by_id(db, batch.model_id)
    told = row.values.get(model.file.columns.version) if model.file.columns.version else None
    version = str(told) if told not in (None, "", REDACTED) else batch.version
    registered = versions.find(db, model.id, version) if version else None
    rules = tuple(name for name in RULE_COLUMNS if row.values.get(name) not in (None, ""))
    return Origin(batch, model, version, registered, rules)


def findings_with_rows(db: sqlite3.Connection, batch_id: int) -> list[StoredResult]:
    """What failed in a batch, the worst first, those that name their rows before the others."""
    found = results.of_batch(db, batch_id, status="fail")
    return sorted(found, key=lambda result: rows_sql(result) is None)
