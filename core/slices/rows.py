"""The rows of a slice: worst first, with file and line, values of redacted columns withheld."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.page import SliceRows
from core.withholding import MASK

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from storage.records.logs import LogRow

LIMIT = 20
MOST = 1_000
"""Rows that are looked up at once."""


def rows(
    db: sqlite3.Connection | None,
    request: SliceRequest,
    *,
    now: datetime,
    limit: int = LIMIT,
    worst_first: bool = True,
) -> SliceRows:
    """How many of the current rows fulfil the request's ``where``, and the first ``limit`` of them.

    Args:
        worst_first: by falling signal, rows without one last; else in the order of the files.

    Raises:
        SourceError: a file can't be read.
    """
    from core.slices.opened import open_question

    with open_question(db, request, now=now) as opened:
        side, measure = opened.sides.now, opened.measure
        condition = side.condition(request.where)
        relation = (measure.relation if measure else None) or side.relation
        signal = f"({measure.now})::double" if measure else "null::double"
        [(total,)] = side.source.query(f"select count(*) from {side.relation} where {condition}")
        order = "v desc nulls last, f, r" if worst_first else "f, r"
        picked = side.source.query(
            f'select "__file" as f, "__row" as r, {signal} as v from {relation} where {condition} '
            f"order by {order} limit {min(max(limit, 0), MOST)}"
        )
        shown = [column.name for column in side.source.columns]
        places = [(int(str(file)), int(str(row))) for file, row, _ in picked]
        wanted = " or ".join(
            f'("__file" = {file} and "__row" in ({", ".join(str(r) for f, r in places if f == file)}))'
            for file in sorted({file for file, _ in places})
        )
        read: list[LogRow] = []
        if wanted:
            _, read = side.source.rows_where(wanted, limit=len(places), columns=[*shown, "__file", "__row"])
        by_place = {(int(str(row.values["__file"])), int(str(row.values["__row"]))): row for row in read}
        hidden = frozenset(opened.sides.model.columns.redact)
        return SliceRows(
            total=int(str(total)),
            rows=tuple(_shown(by_place[place], shown, hidden) for place in places),
            signals=tuple(None if v is None or math.isnan(float(str(v))) else float(str(v)) for _, _, v in picked),
            columns=tuple(shown),
        )


def _shown(row: LogRow, columns: list[str], hidden: frozenset[str]) -> LogRow:
    return replace(row, values={c: MASK if c in hidden else row.values[c] for c in columns})
