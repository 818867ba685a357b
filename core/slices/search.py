"""The search: rows into codes, codes into slices, slices into what a person asks about them."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.page import Q, SliceLine, SlicePage
from core.stats.stopping import Stop, go_on
from storage.logs.predicates import pandas_text, predicate_sql, words

if TYPE_CHECKING:
    from core.slices.columns import Columns
    from core.slices.request import SliceRequest
    from core.slices.sides import Side, Sides
    from core.slices.signals import Measure
    from core.stats.slices.search import Slice
    from core.stats.slices.table import Table

FIRST_ROWS = 40_000
"""Rows a side that the first answer looks at, when there are more than twice as many."""
FIRST_DEPTH = 2
"""Most predicates of a slice in the first answer."""
LEAST_ROWS = 20
"""Under so many rows nothing can be told from chance."""
SEED = 20_261_123
"""Of the permutations that pay for the search: the same rows give the same answer."""

Progress = Callable[[SlicePage], None]


def search(
    db: sqlite3.Connection | None, request: SliceRequest, *, now: datetime, progress: Progress | None = None,
    stop: Stop | None = None,
) -> SlicePage:  # fmt: skip
    """The slices that stand out, best first.

    Args:
        db: the store, when the request names a model.
        now: tells which labels have had their time.
        progress: told a first answer of shorter slices, from a sample of the rows when there are many; the exact one
            is returned.
        stop: asked now and then whether nobody waits any more.

    Raises:
        Stopped: ``stop`` said so.
        SourceError: a file can't be read.
        UsageError: the request names what is not there.
    """
    from core.slices.opening import open_sides

    with open_sides(db, request, now=now) as sides:
        return search_in(sides, request, progress=progress, stop=stop)


def search_in(
    sides: Sides, request: SliceRequest, *, progress: Progress | None = None, stop: Stop | None = None
) -> SlicePage:
    """The same over sides that are open already."""
    from core.slices.columns import features, plan
    from core.slices.signals import choose

    empty = _page(sides, request, None)
    if not sides.now.source.rows:
        return replace(empty, not_answered="there are no rows")
    if sides.empty is not None:
        return replace(empty, not_answered=sides.empty)
    if sides.then is not None and not sides.then.source.rows and request.ranking == "change":
        return replace(empty, not_answered="the reference has no rows")
    measure = choose(sides, request, features(sides))
    if isinstance(measure, str):
        return replace(empty, not_answered=measure)
    few: Sides | None = None
    most = max(side.source.rows for side in sides.both)
    if progress is not None and most > 2 * FIRST_ROWS and measure.relation is None:
        share = FIRST_ROWS / most
        few = replace(
            sides,
            now=sides.now.sample(share, "__first_now"),
            then=sides.then.sample(share, "__first_then") if sides.then else None,
        )
        shallow = replace(request, depth=min(request.depth, FIRST_DEPTH))
        progress(_answer(few, shallow, measure, plan(few, shallow), exact=False, stop=stop))
        progress = None
    columns = plan(sides, request, probe=few)
    return _answer(sides, request, measure, columns, exact=True, progress=progress, stop=stop)


def _answer(
    sides: Sides, request: SliceRequest, measure: Measure, columns: Columns, *, exact: bool,
    progress: Progress | None = None, stop: Stop | None = None,
) -> SlicePage:  # fmt: skip
    """Pack both sides and search them, first for shorter slices where somebody waits."""
    from core.stats.slices.search import MEAN, SLICELINE, top_slices

    if request.bucket is not None and measure.signal == "error" and measure.binary:
        told = "every row of a kind of error is wrong: split it by a column instead"
        return replace(_page(sides, request, measure), not_answered=told)
    page = replace(_page(sides, request, measure), exact=exact, columns=columns.names, left_out=columns.left_out)
    now, all_rows = packed(sides.now, request, measure.now, measure.relation, columns, binary=measure.binary)
    page = replace(page, rows=now.rows, left_out_rows=all_rows - now.rows)
    if now.rows:
        page = replace(page, overall=now.total / now.rows)
    if now.rows < LEAST_ROWS:
        told = f"{now.rows:,} rows with a signal" if now.rows != 1 else "one row with a signal"
        return replace(page, not_answered=f"{told}: too few to tell a slice from chance")
    if not columns.codings:
        return replace(page, not_answered="there is no column to slice by")
    then: Table | None = None
    go_on(stop)
    if sides.then is not None and measure.then is not None:
        then, _ = packed(sides.then, request, measure.then, None, columns, binary=measure.binary)
        page = replace(page, reference_rows=then.rows)
        if request.ranking == "change" and 0 < then.rows < LEAST_ROWS:
            told = f"{then.rows} row{'s' if then.rows != 1 else ''}{' there' if request.where else ''}"
            return replace(page, not_answered=f"the reference has {told}: too few to compare")
    if then is not None and then.rows and request.ranking == "change":
        if progress is not None and request.depth > FIRST_DEPTH:
            first, slices = _changed(page, now, then, replace(request, depth=FIRST_DEPTH), measure, stop)
            lines = _lines(sides, request, columns, slices, now.rows, tell_cost=False)
            progress(replace(first, exact=False, slices=lines))
        page, slices = _changed(page, now, then, request, measure, stop)
    else:
        notes = page.notes
        if request.ranking == "change":
            notes = (*notes, _no_change(sides, measure))
        score = SLICELINE if now.is_binary or measure.signal in ("error", "loss", "missing", "latency") else MEAN
        slices = top_slices(now, k=request.k, depth=request.depth, support=request.support, score=score, ties=True)
        if (more := len(slices) - request.k) > 0:
            notes = (*notes, f"{more:,} more slices score as much as the last one")
            slices = slices[: request.k]
        if not slices:
            notes = (*notes, "no slice is worse than all rows by enough for its size: no score lies above zero")
        page = replace(
            page,
            reference_overall=then.total / then.rows if then is not None and then.rows else None,
            stands_out=any(one.q_value <= Q for one in slices),
            ranking="absolute",
            notes=notes,
        )
        slices = [_beside(one, then) for one in slices]
    return replace(page, slices=_lines(sides, request, columns, slices, now.rows, tell_cost=exact))


def _changed(
    page: SlicePage, now: Table, then: Table, request: SliceRequest, measure: Measure, stop: Stop | None
) -> tuple[SlicePage, Sequence[Slice]]:
    """The page without its slices, and these."""
    import numpy as np

    from core.stats.slices.changed_slices import changed_slices

    found = changed_slices(
        now, then, k=request.k, depth=request.depth, support=request.support, q=Q, rng=np.random.default_rng(SEED),
        direction="both" if measure.signal == "shift" else "worse", stop=stop,
    )  # fmt: skip
    page = replace(
        page, overall=found.overall, reference_overall=found.reference_overall, stands_out=found.stands_out,
        candidates=found.candidates, ranking="change", depth=request.depth, least_rows=found.least_rows,
        least_effect=found.least_effect, slope=found.slope,
    )  # fmt: skip
    return page, found.slices


def _no_change(sides: Sides, measure: Measure) -> str:
    if sides.then is None:
        return "there is no reference: slices are ranked against all rows"
    if measure.signal == "disagreement":
        return "a disagreement has no reference: slices are ranked against all rows"
    return f"the reference has no {measure.signal}: slices are ranked against all rows"


def _beside(one: Slice, then: Table | None) -> Slice:
    """The same slice with what it is in the reference."""
    if then is None or not then.rows:
        return one
    tally = then.tally(one.literals)
    return replace(one, reference_rows=tally.rows, reference_mean=tally.mean if tally.rows else None)


def packed(
    side: Side,
    request: SliceRequest,
    signal: str,
    relation: str | None,
    columns: Columns,
    *,
    binary: bool,
) -> tuple[Table, int]:
    """One side packed, block by block, and how many rows it has with or without a signal."""
    import numpy as np

    from core.slices.columns import code_sql
    from core.stats.slices.table import Table
    from storage.logs.blocks import read_blocks

    whole: Table | None = None
    rows = 0
    coded = [code_sql(coding) for coding in columns.codings]
    where = side.condition(request.where)
    for codes, (values,) in read_blocks(side.source, coded, [signal], relation=relation or side.relation, where=where):
        rows += len(values)
        there = np.isfinite(values)
        kept = codes if there.all() else [column[there] for column in codes]
        measured = values[there]
        part = Table.pack(kept, measured == 1 if binary else measured, columns.sizes)
        whole = part if whole is None else whole.merge(part)
    if whole is None:
        whole = Table.pack(
            [np.empty(0, np.uint8) for _ in coded], np.empty(0, bool if binary else float), columns.sizes
        )
    return whole, rows


def _lines(
    sides: Sides, request: SliceRequest, columns: Columns, slices: Sequence[Slice], rows: int, *, tell_cost: bool
) -> tuple[SliceLine, ...]:
    from core.slices.money import lost, users

    told = [(one, columns.predicates(one.literals)) for one in slices]
    kinds = sides.now.kinds
    whole = [(*request.where, *predicates) for _, predicates in told]
    here = [predicate_sql(where, kinds) for where in whole]
    counted: list[int | None] = [None] * len(told)
    money: list[float | None] = [None] * len(told)
    if tell_cost:
        counted = users(sides.now, sides.model, here)
        there = [predicate_sql(where, sides.then.kinds) for where in whole] if sides.then else here
        money = lost(sides, list(zip(here, there, strict=True)))
    return tuple(
        SliceLine(
            predicates=predicates,
            words=words(where),
            sql=sql,
            pandas=pandas_text(where, kinds),
            rows=one.rows,
            share=one.rows / rows,
            users=people,
            money=cost,
            error=one.mean,
            reference_rows=one.reference_rows,
            reference_error=one.reference_mean,
            effect=one.effect,
            interval=one.interval,
            q_value=one.q_value,
            explained=one.explained if math.isfinite(one.explained) else None,
        )
        for (one, predicates), where, sql, people, cost in zip(told, whole, here, counted, money, strict=True)
    )


def _page(sides: Sides, request: SliceRequest, measure: Measure | None) -> SlicePage:
    """A page without slices."""
    return SlicePage(
        signal=measure.signal if measure else request.signal or "",
        unit=measure.unit if measure else "",
        why_this_signal=measure.why if measure else "",
        current=sides.now.words,
        reference=sides.then.words if sides.then else None,
        rows=measure.rows if measure else 0,
        reference_rows=measure.reference_rows if measure else 0,
        left_out_rows=0,
        slices=(),
        overall=None,
        reference_overall=None,
        stands_out=False,
        ranking=request.ranking,
        exact=True,
        candidates=0,
        columns=(),
        left_out=(),
        notes=tuple(sides.notes),
    )
