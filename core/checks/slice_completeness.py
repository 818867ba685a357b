"""Missing values inside one slice, against the slice's own past."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent, slice_named, slice_parts, slice_sql
from core.checks.summary import answer, ratio
from storage.logs.quoting import sql_name
from storage.records.results import Finding

MOST = 0.8
"""The share of a column's loss from which on it is the slice's loss."""


def run(context: CheckContext) -> list[Finding]:
    """The worst slice per column, unless the whole column lost as much."""
    if not context.current.slices:
        return answer(CHECK, [], 0, ["no column with few enough values to slice by"])
    best: dict[str, tuple[float, Finding]] = {}
    judged = set()
    own = any(spec.check == CHECK.name and spec.threshold is not None for spec in context.specs)
    for key, far in context.departures.table.ratios("slice_missing"):
        judged.add(key.column)
        if context.traits[key.column].kind == "label" or (far < 1 and not own):
            continue
        departure = context.departures.found[key]
        loud = ratio(context, CHECK, key.column, departure)
        whole = context.departures.get(key.column, "missing")
        if loud < 1 or departure.rise <= 0 or (whole is not None and departure.rise < 1.5 * whole.rise):
            continue
        by, value = slice_parts(context, key.slice)
        part = context.current.slices[by][value]
        missing = part.missing.get(key.column, 0)
        column = context.current.columns[key.column]
        held = missing / max(column.missing, 1)
        if held >= MOST and part.rows <= context.current.rows / 2 and whole is not None:
            loud = max(loud, 1.1 * whole.ratio)  # the slice says more of the same loss than the column does
        most = loud * (1 + held)  # of slices that overlap the one that holds most of the loss
        finding = failed(
            context,
            CHECK,
            f"{key.column!r}: {percent(departure.value)} missing where {slice_named(key.slice)} "
            f"({missing:,} of {part.rows:,} rows), "
            f"{percent(departure.expected)} expected there",
            cause="null burst",
            ratio=loud,
            column=key.column,
            part=key.slice,
            value=departure.value,
            threshold=departure.bound,
            tier="ticket" if departure.rise >= 0.015 else "digest",
            rows=missing,
            rows_sql=f"{slice_sql(by, value)} AND {sql_name(key.column)} IS NULL",
        )
        if key.column not in best or most > best[key.column][0]:
            best[key.column] = (most, finding)
    return answer(CHECK, [finding for _, finding in best.values()], len(judged))


CHECK = Check(
    "slice_completeness",
    "soft",
    "ticket",
    "a column with at most 32 values",
    "two per cent missing inside one region is nothing in the whole batch; only the region's own past shows it",
    run,
)
