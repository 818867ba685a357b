"""How a column is distributed in a slice, beside the same slice of the reference."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

from core.batch_view import Shares

if TYPE_CHECKING:
    from core.slices.request import SliceRequest


def distribution(db: sqlite3.Connection | None, request: SliceRequest, *, column: str, now: datetime) -> Shares:
    """Shares per value or bin of a column within the request's ``where``, now and in the reference.

    Raises:
        UsageError: the column is not there, is redacted, or holds times.
    """
    from core.slices.split import split

    found = split(db, request, by=column, now=now)
    return Shares(column, tuple((line.words, line.share, line.reference_share or 0.0) for line in found.lines))
