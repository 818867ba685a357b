"""Where two versions differ: kept slices, and the slices that stand out by disagreement and by shift."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.shadow.comparison import SliceGap
from core.shadow.differences import share
from core.shadow.pairs import PAIRS
from core.slices.page import Q
from core.stats.intervals import Z95, mean_interval, wilson
from storage.logs.predicates import predicate_sql, words
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import kept_slices

if TYPE_CHECKING:
    from core.shadow.pairs import Pairs
    from core.slices.columns import Columns
    from core.slices.request import SliceRequest
    from core.slices.sides import Sides

TOP = 5
LOOKED_AT = 30
"""Slices among which a more general one is looked for."""
MANY = 3.0
"""Standard errors by which a part must lie off the whole to be told in its place."""
DEPTH = 2
"""Most conditions of a slice that is found."""
SUPPORT = 0.01

NONE = SliceGap(None, None, (), "", 0, 0.0, None, None, None, None, None, None, None)
"""A slice without a request."""


def kept(db: sqlite3.Connection, model: Model, pairs: Pairs) -> tuple[SliceGap, ...]:
    """The slices that are kept with a name, critical ones first."""
    from core.kept.slices import shown
    from core.shadow.metric_gaps import read

    found = []
    for one in kept_slices.listing(db, model.id):
        told = shown(one, model).predicates
        gone = [p.column for p in one.predicates if p.column not in pairs.side.kinds]
        gap = replace(NONE, note=f"the log has no column {gone[0]!r}") if gone else measured(pairs, one.predicates)
        if not gone:
            inside = predicate_sql(one.predicates, pairs.side.kinds)
            metrics, why, _ = read(model, pairs, f"coalesce({inside}, false)")
            gap = replace(gap, metrics=metrics, why_no_metrics=why)
        found.append(replace(gap, name=one.name, kind=one.kind, predicates=told, words=words(told)))
    return tuple(found)


def found(model: Model, pairs: Pairs) -> tuple[tuple[SliceGap, ...], tuple[SliceGap, ...]]:
    """The slices with most disagreement, and those whose scores moved most, each worst first."""
    from core.slices.columns import plan
    from core.slices.request import SliceRequest
    from core.slices.sides import Sides

    roles = model.file.columns
    set_by_deployment = {roles.version, roles.stage, roles.host} & set(pairs.side.kinds)
    request = SliceRequest(
        model=model.name, ranking="absolute", k=TOP, depth=DEPTH, support=SUPPORT,
        exclude=tuple(sorted(str(column) for column in set_by_deployment)),
    )  # fmt: skip
    sides = Sides(pairs.side, None, model.file, model)
    columns = plan(sides, request)
    if not columns.codings:
        return (), ()
    return (
        _worst(sides, pairs, request, columns, "__differs", binary=True),
        _worst(sides, pairs, request, columns, "abs(__shift)", binary=False),
    )


def _worst(
    sides: Sides, pairs: Pairs, request: SliceRequest, columns: Columns, signal: str, *, binary: bool
) -> tuple[SliceGap, ...]:
    """The slices in which a signal is largest for their size, by SliceLine's score, each fact told once.

    Of a slice and a more general one that is like it the general one is told; the next is looked for in the other rows.
    """
    from core.slices.search import LEAST_ROWS, packed
    from core.stats.slices.search import top_slices

    told: list[SliceGap] = []
    rest = sides.now
    while len(told) < request.k:
        table, _ = packed(rest, request, signal, None, columns, binary=binary)
        if table.rows < LEAST_ROWS:
            break
        ranked = top_slices(table, k=LOOKED_AT, depth=request.depth, support=request.support)
        off = [one for one in ranked if one.q_value <= Q]
        if not off:
            break
        gaps = [replace(measured(pairs, columns.predicates(one.literals)), q_value=one.q_value) for one in off]
        best = min((gap for gap in gaps if _alike(gap, gaps[0], binary=binary)), key=lambda gap: len(gap.predicates))
        told.append(best)
        inside = predicate_sql(best.predicates, pairs.side.kinds)
        rest = replace(rest, where=f"({rest.where}) and not coalesce({inside}, false)")
    return tuple(told)


def _alike(gap: SliceGap, other: SliceGap, *, binary: bool) -> bool:
    """Whether one slice is part of the other and not clearly unlike it."""
    here, there = set(gap.predicates), set(other.predicates)
    if not (here <= there or there <= here):
        return False
    (low, high), (least, most) = (_ends(one, binary=binary) for one in (gap, other))
    return low <= most and least <= high


def _ends(gap: SliceGap, *, binary: bool) -> tuple[float, float]:
    """Where the slice's rate (or distance) lies, with the look at many parts paid for."""
    if binary:
        share = gap.disagreement
        return wilson(share.count, share.n, MANY) if share else (-math.inf, math.inf)
    if gap.distance is None or gap.distance_high is None:
        return -math.inf, math.inf
    half = (gap.distance_high - gap.distance) * MANY / Z95
    return gap.distance - half, gap.distance + half


def measured(pairs: Pairs, predicates: Sequence[Predicate]) -> SliceGap:
    """How the versions differ over the requests of a condition."""
    where = predicate_sql(predicates, pairs.side.kinds)
    [(rows, told, count, n, *moments)] = pairs.side.source.query(
        "select count(*), count(__differs), coalesce(sum(__differs), 0), count(__shift), avg(__shift), "
        f"var_samp(__shift), avg(abs(__shift)), var_samp(abs(__shift)) from {PAIRS} where {where}"
    )
    requests, moved = int(str(rows)), int(str(n))
    shift, distance = _mean(moments[:2], moved), _mean(moments[2:], moved)
    return SliceGap(
        None, None, tuple(predicates), words(predicates), requests, requests / pairs.both if pairs.both else 0.0,
        share(float(str(count)), int(str(told))), *shift, *distance,
    )  # fmt: skip


def _mean(moments: Sequence[object], n: int) -> tuple[float | None, float | None, float | None]:
    """A mean with its interval from mean and variance."""
    if not n:
        return None, None, None
    mean = float(str(moments[0]))
    low, high = mean_interval(mean, float(str(moments[1] or 0.0)), n) or (None, None)
    return mean, low, high
