"""What is read of one slice while the cursor rests on it: its columns beside the reference, its worst rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from core.batch_view import Shares
from core.slices.distribution import distribution
from core.slices.page import SlicePage, SliceRows
from core.slices.request import SliceRequest
from core.slices.rows import rows
from storage.errors import UsageError
from storage.tables import models

FIRST_ROWS = 5
CHARTS = 3
"""Columns of a slice that are drawn."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The columns that cut the slice, over all rows of the question; the prediction, inside the slice; worst rows."""

    cut: tuple[Shares, ...]
    prediction: Shares | None
    rows: SliceRows


def search_in_steps(
    db: sqlite3.Connection, question: SliceRequest, now: datetime, tell: Callable[[SlicePage], None]
) -> SlicePage:
    """The search, after a first answer of single conditions, which needs a fraction of the time."""
    from core.slices.search import search_in
    from core.slices.sides import open_sides

    with open_sides(db, question, now=now) as sides:
        if question.depth > 1:
            first = search_in(sides, replace(question, depth=1))
            tell(replace(first, exact=False))
            if first.not_answered is not None:
                return first
        return search_in(sides, question, progress=tell)


def look_into(db: sqlite3.Connection, asked: SliceRequest, inside: SliceRequest, now: datetime) -> Seen:
    """Read it.

    Args:
        asked: the question whose slices are listed; ``inside``: the same for the rows of the slice alone.

    Raises:
        SourceError: a file can't be read.
    """
    columns = list(dict.fromkeys(p.column for p in inside.where if p not in asked.where))[:CHARTS]
    cut = [distribution(db, asked, column=column, now=now) for column in columns]
    prediction = None
    if inside.model is not None:
        try:
            wanted = models.get(db, inside.model).file.columns.prediction
            prediction = distribution(db, inside, column=wanted, now=now)
        except UsageError:  # redacted: its values are shown nowhere
            prediction = None
    return Seen(tuple(cut), prediction, rows(db, inside, now=now, limit=FIRST_ROWS))
