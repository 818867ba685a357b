"""What is read of one slice while the cursor rests on it: its columns beside the reference, its worst rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.page import SlicePage, SliceRows
from core.slices.request import SliceRequest
from storage.errors import UsageError
from storage.logs.predicates import words
from storage.records.slices import Predicate
from storage.tables import models
from tui import jobs
from tui.present import slices as present
from tui.widgets.rows import Row

if TYPE_CHECKING:
    from core.batch_view import Shares

FIRST_ROWS = 5
ALL = "all rows"
"""Key of the line that stands for all rows of the question."""
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
    """The search, after a first answer of fewer conditions a slice or fewer rows; it ends when nobody waits for it."""
    from core.slices.opening import open_sides
    from core.slices.search import search_in

    with open_sides(db, question, now=now) as sides:
        return search_in(sides, question, progress=tell, stop=jobs.stopper())


def look_into(db: sqlite3.Connection, asked: SliceRequest, inside: SliceRequest, now: datetime) -> Seen:
    """Read it.

    Args:
        asked: the question whose slices are listed; ``inside``: the same for the rows of the slice alone.

    Raises:
        SourceError: a file can't be read.
    """
    from core.slices.distribution import distribution
    from core.slices.rows import rows

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


def named_predicates(told: str) -> tuple[Predicate, ...]:
    """A slice as findings write it: ``region=LATAM``, nothing after the sign for missing."""
    column, _, wanted = told.partition("=")
    return (Predicate(column, "=", wanted) if wanted else Predicate(column, "missing"),)


def measure_named(
    db: sqlite3.Connection, question: SliceRequest, named: dict[str, tuple[Predicate, ...]], now: datetime
) -> dict[str, SlicePage | None]:
    """Numbers of slices that were not found but named; None for one whose column is not there any more."""
    from core.slices.search import search

    found: dict[str, SlicePage | None] = {}
    for key, told in named.items():
        try:
            found[key] = search(db, replace(question.within(*told), depth=1, k=1), now=now)
        except UsageError:
            found[key] = None
    return found


def listed(
    question: SliceRequest, named: Mapping[str, tuple[tuple[Predicate, ...], SlicePage | None]], page: SlicePage | None
) -> list[Row]:
    """The list: slices that a finding names, those found, and all rows of the question."""
    found = []
    if not question.where:
        for key, (told, measured) in named.items():
            found.append(Row(key, present.named_cells(words(told), measured, page)))
    if page is not None and page.not_answered is None:
        found += [Row(line.words, present.cells(line, page.unit)) for line in page.slices]
        found.append(Row(ALL, present.all_cells(page, words(question.where))))
    return found
