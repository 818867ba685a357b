"""A person's condition, read with the columns of the rows it is about."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.redacted import read_condition

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from storage.records.slices import Predicate


def read_where(
    db: sqlite3.Connection | None, request: SliceRequest, text: str, *, now: datetime
) -> tuple[Predicate, ...]:
    """The predicates of a condition over the current rows of a request.

    Raises:
        SourceError: the rows can't be read.
        UsageError: the condition can't be read; the message says where and why.
    """
    from core.slices.opening import open_sides

    with open_sides(db, request, now=now) as sides:
        return read_condition(text, sides.now.kinds, sides.model.columns.redact)
