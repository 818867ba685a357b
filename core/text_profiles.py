"""Profiles of text and time columns, aggregated by the database that reads the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.stats.profile import TextProfile, TimeProfile
from core.stats.sketch_values import HASH_SPACE, VALUE_LIMIT, HourCounts, ValueCounts
from storage.logs.quoting import sql_name as name

if TYPE_CHECKING:
    from storage.logs.source import LogSource

# Up to this estimate of distinct texts all are fetched; above it only those of small hash.
_FETCHED = 5_000
LONGEST = 120
_PADDED = "left(v, 1) in (' ', '\t', '\r', '\n') or right(v, 1) in (' ', '\t', '\r', '\n')"
_OF_VALUE = f"v = '' as empty, {_PADDED} as padded, try_cast(v as double) is not null as numeric, length(v)"


def distinct_estimates(source: LogSource, columns: list[str]) -> dict[str, int]:
    """Distinct texts per column, within a few per cent."""
    if not columns:
        return {}
    asked = ", ".join(f"approx_count_distinct({name(column)})" for column in columns)
    [row] = source.query(f"select {asked} from log")
    return {column: _whole(value) for column, value in zip(columns, row, strict=True)}


def text_profile(
    source: LogSource, column: str, distinct: int, *, hidden: bool = False, unique: bool = False
) -> TextProfile:
    """Profile of one text column of which ``distinct`` is the estimate.

    ``hidden`` keeps hashes instead of texts. ``unique`` (the id) keeps neither: its values say nothing as categories.
    """
    value = f"{name(column)}::varchar"
    kept = "'#' || left(md5(v), 16)" if hidden else _shortened("v")
    if distinct <= _FETCHED and not unique:
        rows = source.query(
            f"select {kept}, n, {_OF_VALUE} from (select {value} as v, count(*) as n from log group by 1)"
        )
        missing = sum(_whole(n) for v, n, *_ in rows if v is None)
        found: list[tuple[str, int, Any, Any, Any, Any]] = [
            (str(v), _whole(n), e, p, u, c) for v, n, e, p, u, c in rows if v is not None
        ]
        counts: dict[str, int] = {}
        for v, n, *_ in found:  # two long texts with one beginning stay apart by their hash, two hidden ones do too
            counts[v] = counts.get(v, 0) + n
        return TextProfile(
            rows=source.rows,
            missing=missing,
            empty=sum(n for _, n, empty, *_ in found if empty),
            padded=sum(n for _, n, _, padded, *_ in found if padded),
            numeric=sum(n for _, n, _, _, numeric, _ in found if numeric),
            characters=sum(n * _whole(length) for _, n, _, _, _, length in found),
            values=ValueCounts.of(counts.items()),
        )
    [row] = source.query(
        f"select count(*) - count(v), count(*) filter (v = ''), count(*) filter ({_PADDED}), "
        f"count(try_cast(v as double)), coalesce(sum(length(v)), 0) from (select {value} as v from log)"
    )
    missing, empty, padded, numeric, characters = map(_whole, row)
    values = ValueCounts(complete=False) if unique else _smallest(source, value, kept, distinct)
    return TextProfile(source.rows, missing, empty, padded, numeric, characters, values)


def _smallest(source: LogSource, value: str, kept: str, distinct: int) -> ValueCounts:
    """Counts of the texts with the smallest hashes, by raising a bar on the hash until enough are under it."""
    bar = min(HASH_SPACE, int(HASH_SPACE * 1.5 * VALUE_LIMIT / distinct))
    while True:
        below = f" where md5_number_lower(k) < {bar}::uhugeint" if bar < HASH_SPACE else ""
        rows = source.query(
            f"select k, count(*) from (select {kept} as k from (select {value} as v from log) where v is not null)"
            f"{below} group by 1"
        )
        counts = [(str(text), _whole(n)) for text, n in rows]
        if len(counts) > VALUE_LIMIT or bar >= HASH_SPACE:
            return ValueCounts.of(counts)
        bar = min(HASH_SPACE, bar * 4)


def _shortened(value: str) -> str:
    """SQL that cuts long texts, with a hash that keeps them apart."""
    cut = f"left({value}, {LONGEST - 20}) || '…#' || left(md5({value}), 12)"
    return f"case when length({value}) > {LONGEST} then {cut} else {value} end"


def time_profile(source: LogSource, column: str) -> TimeProfile:
    """Profile of one time column; infinite times count as missing."""
    at = f"case when isfinite({name(column)}) then epoch({name(column)}) end"
    rows = source.query(
        f"select floor(t / 3600)::bigint, count(*), min(t), max(t) from (select {at} as t from log) group by 1"
    )
    missing = sum(_whole(n) for hour, n, *_ in rows if hour is None)
    present = [row for row in rows if row[0] is not None]
    return TimeProfile(
        rows=source.rows,
        missing=missing,
        minimum=min((_number(low) for *_, low, _ in present), default=float("inf")),
        maximum=max((_number(high) for *_, high in present), default=float("-inf")),
        hours=HourCounts.of({_whole(hour): _whole(n) for hour, n, *_ in present}),
    )


def _whole(value: object) -> int:
    return int(str(value))


def _number(value: object) -> float:
    return float(str(value))
