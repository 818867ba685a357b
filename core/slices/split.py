"""A slice split by one more column: every value (or bin) now, and in the same slice of the reference."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.page import SplitLine
from storage.errors import UsageError
from storage.logs.predicates import words

if TYPE_CHECKING:
    from core.slices.opened import Opened, Sums
    from core.slices.request import SliceRequest
    from core.slices.sides import Sides
    from core.stats.slices.coding import Coding

MOST_VALUES = 20
"""Values of a column of texts that have a line of their own; the rest share one."""


@dataclass(frozen=True, slots=True)
class Split:
    """The lines of a split, in the order of the bins or by rows; ``signal`` is empty where nothing was measured."""

    column: str
    signal: str
    unit: str
    current: str
    reference: str | None
    rows: int
    lines: tuple[SplitLine, ...]
    notes: tuple[str, ...]


def split(db: sqlite3.Connection | None, request: SliceRequest, *, by: str, now: datetime) -> Split:
    """Rows and signal per value of a column, within the request's ``where``.

    Raises:
        UsageError: the column is not there, is redacted, or holds times.
    """
    from core.slices.opened import open_question

    with open_question(db, request, now=now) as opened:
        coding, here, there = coded_sums(opened, request, by)
        notes = (*opened.sides.notes, *([opened.why_not] if opened.why_not else []))
        rows = sum(sums.rows for sums in here.values())
        past = sum(sums.rows for sums in there.values()) if there is not None else 0
        return Split(
            column=by,
            signal=opened.measure.signal if opened.measure else "",
            unit=opened.measure.unit if opened.measure else "",
            current=opened.sides.now.words,
            reference=opened.sides.then.words if opened.sides.then else None,
            rows=rows,
            lines=_lines(coding, here, there, rows, past, binary=opened.binary),
            notes=notes,
        )


def coded_sums(
    opened: Opened, request: SliceRequest, column: str
) -> tuple[Coding, Mapping[object, Sums], Mapping[object, Sums] | None]:
    """How a column is cut, and the sums per code on both sides.

    Raises:
        UsageError: the column is not there, is redacted, or holds times.
    """
    from core.slices.columns import code_sql

    sides = opened.sides
    coding = coding_of(sides, request, column)
    here = opened.grouped(sides.now, code_sql(coding), request)
    known = sides.then is not None and column in sides.then.kinds
    there = opened.grouped(sides.then, code_sql(coding), request) if sides.then is not None and known else None
    return coding, here, there


def coding_of(sides: Sides, request: SliceRequest, column: str) -> Coding:
    """How a column that a person names is cut.

    Raises:
        UsageError: the column is not there, is redacted, or holds times.
    """
    from core.slices.columns import fitted

    if column not in sides.now.kinds:
        raise UsageError(f"there is no column {column!r}", f"there are {', '.join(list(sides.now.kinds)[:20])}")
    if column in sides.model.columns.redact:
        raise UsageError(f"the column {column!r} is redacted", "its values are shown nowhere")
    if sides.now.kinds[column] == "time":
        raise UsageError(f"the column {column!r} holds times", "name windows instead: --window START..END")
    return fitted(sides, request, column, most=MOST_VALUES)


def _lines(
    coding: Coding,
    here: Mapping[object, Sums],
    there: Mapping[object, Sums] | None,
    rows: int,
    past: int,
    *,
    binary: bool,
) -> tuple[SplitLine, ...]:
    from core.slices.columns import predicate_of
    from core.slices.opened import Sums

    nothing = Sums(0, 0, float("nan"), float("nan"))
    codes = sorted({*here, *(there or {})}, key=lambda code: (code == 0, int(str(code))))
    found = []
    for code in codes:
        now, then = here.get(code, nothing), (there or {}).get(code, nothing)
        predicate = predicate_of(coding, int(str(code)))
        found.append(
            SplitLine(
                predicate=predicate,
                words=words([predicate]),
                rows=now.rows,
                share=now.rows / rows if rows else 0.0,
                error=now.error(),
                interval=now.interval(binary=binary),
                reference_rows=then.rows,
                reference_share=then.rows / past if past else None,
                reference_error=then.error(),
            )
        )
    return tuple(found)
