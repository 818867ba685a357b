"""Error buckets: every error of a slice in exactly one kind, or in one kind and one value of a column."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.stats.intervals import wilson
from storage.errors import UsageError
from storage.logs.predicates import words

if TYPE_CHECKING:
    from core.slices.error_kinds import Kinds
    from core.slices.request import SliceRequest
    from core.slices.sides import Side, Sides
    from core.stats.slices.coding import Coding
    from storage.records.batches import Batch
    from storage.records.slices import Predicate

MOST = 10_000
"""Rows of a bucket that are handed on at once."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Errors of one kind, of one value of a column where the errors were split by one.

    Attributes:
        rows: errors here; ``share`` is their part of all errors of the slice, ``interval`` its 95 % interval.
        rate: errors of this kind per judged row (of the value); None where no row was judged.
        reference_rows, reference_share, reference_rate: the same in the reference; None without one.
    """

    kind: str
    predicate: Predicate | None
    words: str
    rows: int
    share: float
    interval: tuple[float, float]
    rate: float | None
    reference_rows: int | None
    reference_share: float | None
    reference_rate: float | None


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets with most errors first; they partition the errors: their rows add up to ``errors``.

    Attributes:
        stated: what counts as an error.
        by: the column the kinds are split by, None: by none.
        errors, judged: errors, and rows with a mature label; of the reference likewise, None without one.
    """

    stated: str
    where: str
    by: str | None
    current: str
    reference: str | None
    errors: int
    judged: int
    reference_errors: int | None
    reference_judged: int | None
    lines: tuple[Bucket, ...]
    notes: tuple[str, ...]


def asked(request: SliceRequest) -> SliceRequest:
    """The same question about errors: a model's newest window that can be judged, unless one is named."""
    return replace(request, signal="error", metric=None)


def buckets(db: sqlite3.Connection | None, request: SliceRequest, *, by: str | None = None, now: datetime) -> Buckets:
    """Errors per kind within the request's ``where`` (and its bucket), now and in the reference.

    Raises:
        UsageError: labels are too few or not in yet, or a column is not there or redacted.
    """
    from core.slices.error_kinds import kinds_of
    from core.slices.opening import open_sides
    from core.slices.split import coding_of

    request = asked(request)
    with open_sides(db, replace(request, bucket=None), now=now) as sides:
        kinds = kinds_of(sides)
        if request.bucket is not None and request.bucket not in kinds.names:
            raise UsageError(f"there is no kind of error {request.bucket!r}", f"there are: {'; '.join(kinds.names)}")
        coding = coding_of(sides, request, by) if by is not None else None
        here = _counted(sides.now, kinds.now, kinds.judged, coding, request)
        there = None
        if sides.then is not None and kinds.then is not None and (by is None or by in sides.then.kinds):
            there = _counted(sides.then, kinds.then, str(kinds.judged_then), coding, request)
        return _answer(sides, kinds, coding, request, here, there)


def places(db: sqlite3.Connection, request: SliceRequest, *, now: datetime) -> tuple[tuple[Batch, str, int], ...]:
    """The rows of a bucket per batch, most first: an SQL condition over its ``log`` alone, and how many there are.

    At most :data:`MOST` of a batch are named by the condition, the first in the file.

    Raises:
        UsageError: there is no such bucket, or no row of a batch is in it.
    """
    from core.slices.opening import open_sides

    request = asked(request)
    with open_sides(db, request, now=now) as sides:
        side = sides.now
        found = side.source.query(
            f'select "__file", count(*), list("__row" order by "__row")[1:{MOST}] from {side.relation} '
            f"where {side.condition(request.where)} group by 1 order by 2 desc, 1"
        )
        by_path = {os.path.abspath(batch.path): batch for batch in side.batches}
        told = []
        for file, rows, numbers in found:
            batch = by_path.get(os.path.abspath(side.source.files[int(str(file))].path))
            if batch is not None and isinstance(numbers, list):
                told.append((batch, f'"__row" in ({", ".join(str(int(n)) for n in numbers)})', int(str(rows))))
    if not told:
        raise UsageError(f"no row of a batch is in: {request.told}", "midwatch slices MODEL --buckets lists them")
    return tuple(told)


_Counts = dict[tuple[int | None, int], int]


def _counted(side: Side, kind: str, judged: str, coding: Coding | None, request: SliceRequest) -> _Counts:
    """Judged rows per kind (None: right) and code of the column."""
    from core.slices.columns import code_sql

    code = code_sql(coding) if coding is not None else "0"
    found = side.source.query(
        f"select {kind}, {code}, count(*) from {side.relation} "
        f"where {side.condition(request.where)} and ({judged}) is not null group by 1, 2"
    )
    return {(None if k is None else int(str(k)), int(str(c))): int(str(rows)) for k, c, rows in found}


def _answer(
    sides: Sides, kinds: Kinds, coding: Coding | None, request: SliceRequest, here: _Counts, there: _Counts | None
) -> Buckets:
    from core.slices.columns import predicate_of

    wanted = {i for i, name in enumerate(kinds.names) if request.bucket in (None, name)}

    def errors(counts: _Counts) -> int:
        return sum(rows for (kind, _), rows in counts.items() if kind in wanted)

    def judged(counts: _Counts, code: int) -> int:
        return sum(rows for (_, c), rows in counts.items() if c == code)

    total, past = errors(here), errors(there) if there is not None else None
    lines = []
    for kind, code in sorted({(k, c) for k, c in (*here, *(there or {})) if k is not None and k in wanted}):
        rows, among = here.get((kind, code), 0), judged(here, code)
        then = there.get((kind, code), 0) if there is not None else None
        before = judged(there, code) if there is not None else 0
        predicate = predicate_of(coding, code) if coding is not None else None
        name = kinds.names[kind]
        lines.append(
            Bucket(
                kind=name,
                predicate=predicate,
                words=f"{name} in {words([predicate])}" if predicate is not None else name,
                rows=rows,
                share=rows / total if total else 0.0,
                interval=wilson(rows, total),
                rate=rows / among if among else None,
                reference_rows=then,
                reference_share=then / past if then is not None and past else None,
                reference_rate=then / before if then is not None and before else None,
            )
        )
    return Buckets(
        stated=kinds.stated,
        where=request.told,
        by=coding.column if coding is not None else None,
        current=sides.now.words,
        reference=sides.then.words if there is not None and sides.then is not None else None,
        errors=total,
        judged=sum(here.values()),
        reference_errors=past,
        reference_judged=sum(there.values()) if there is not None else None,
        lines=tuple(sorted(lines, key=lambda line: -line.rows)),
        notes=tuple(sides.notes),
    )
