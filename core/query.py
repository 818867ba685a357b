"""A person's SQL over the rows of a batch or of files: read-only, limited, redacted columns masked."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from storage.errors import MidwatchError

if TYPE_CHECKING:
    from core.slices.request import SliceRequest

ROWS = 1_000
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class QueryPage:
    """The answer.

    Attributes:
        what: which rows were asked, in words.
        truncated: there are more rows than ``rows``.
        redacted: columns that hold ``[redacted]`` instead of their values.
        notes: what else a reader should know: lines that could not be read.
    """

    what: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    redacted: tuple[str, ...]
    notes: tuple[str, ...] = ()


def query(
    db: sqlite3.Connection | None,
    request: SliceRequest,
    statement: str,
    *,
    now: datetime,
    limit: int = ROWS,
    seconds: float = SECONDS,
) -> QueryPage:
    """Run one SELECT over ``log``: the current rows of a request; late labels stand in ``late_label``.

    Raises:
        SourceError: it fails, or takes too long or too much memory; the hint names the columns.
        UsageError: it is no single SELECT over ``log``.
    """
    from core.slices.sides import open_current, unread
    from storage.logs.log_query import check, fence, run

    check(statement)
    with open_current(db, request, now=now) as (side, model):
        redacted = tuple(column for column in model.columns.redact if column in side.kinds)
        fence(side.source, redacted, side.relation, side.condition(request.where))
        try:
            found = run(side.source, statement, limit=limit, time_limit=seconds)
        except MidwatchError as error:
            if "the query fails" not in error.message:
                raise
            names = ", ".join(column.name for column in side.source.columns)
            raise type(error)(error.message, f"log has {names[:400]}") from error
        return QueryPage(
            f"{side.words}, {side.source.rows:,} rows",
            found.columns,
            found.rows,
            found.truncated,
            redacted,
            unread(side.source),
        )
