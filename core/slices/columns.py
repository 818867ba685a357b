"""Which columns are searched, how each becomes codes, and what a code says as a predicate."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.slices.sampling import sampled
from core.slices.sides import Side, Sides
from core.stats.slices.coding import MOST, Coding, fit_categories, fit_numbers
from storage.errors import UsageError
from storage.logs.blocks import read_blocks
from storage.logs.cells import Floats
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.logs import LogColumn
from storage.records.slices import Predicate

if TYPE_CHECKING:
    from core.slices.request import SliceRequest
    from core.stats.slices.table import Literal

SAMPLE = 1 << 17
"""Rows that quantiles are taken from."""
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|guid|key|hash)$", re.IGNORECASE)
UNIQUE = 0.95
LONGEST = 200
"""Characters of a text that can name a slice."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How the searched columns are coded, in order, and those that are not searched, with why."""

    codings: tuple[Coding, ...]
    booleans: frozenset[str]
    left_out: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the searched columns."""
        return tuple(coding.column for coding in self.codings)

    @property
    def sizes(self) -> list[int]:
        """Codes that are literals, per column."""
        return [coding.size for coding in self.codings]

    def predicate(self, literal: Literal) -> Predicate:
        """What one literal says."""
        return predicate_of(self.codings[literal.column], literal.code)

    def predicates(self, literals: Sequence[Literal]) -> tuple[Predicate, ...]:
        """What a slice says, in the order of the columns."""
        return tuple(self.predicate(literal) for literal in sorted(literals, key=lambda one: one.column))


def predicate_of(coding: Coding, code: int) -> Predicate:
    """The rows that have a code.

    >>> predicate_of(Coding("hour", "number", edges=(8.0, 17.0)), 3)
    Predicate(column='hour', op='>', value=17.0)
    """
    if code == 0:
        return Predicate(coding.column, "missing")
    if coding.kind == "category":
        if code > len(coding.values):
            return Predicate(coding.column, "other", coding.values)
        return Predicate(coding.column, "=", coding.values[code - 1])
    low, high = coding.bin(code)
    if low == -math.inf and high == math.inf:
        return Predicate(coding.column, "!=")
    if low == -math.inf:
        return Predicate(coding.column, "<=", high)
    return Predicate(coding.column, ">", low) if high == math.inf else Predicate(coding.column, "between", (low, high))


def code_sql(coding: Coding) -> str:
    """The code of a row as SQL: exactly what :func:`predicate_of` says of it.

    A missing value is 0. DuckDB takes NaN for the largest number, so it is asked for first.
    """
    column = name(coding.column)
    if coding.kind == "category":
        if not coding.values:
            return f"case when {column} is null then 0 else {coding.rest} end"
        known = ", ".join(text(value) for value in coding.values)
        place = f"coalesce(enum_code(try_cast({column}::varchar as enum({known})))::utinyint + 1, {coding.rest})"
        return f"case when {column} is null then 0 else {place} end"
    value = f"{column}::double"
    above = " + ".join(f"({value} > {edge!r}::double)::utinyint" for edge in coding.edges)
    return f"case when {column} is null or isnan({value}) then 0 else 1{' + ' if above else ''}{above} end"


def plan(sides: Sides, request: SliceRequest, *, probe: Sides | None = None) -> Columns:
    """Choose the columns to search and fit their codes on the reference (on the current rows without one).

    Args:
        probe: a sample of both sides that tells which columns are alike in every row; made here when None.

    Raises:
        UsageError: a column to include or exclude is not there.
    """
    fitted = sides.then or sides.now
    columns = {column.name: column for column in fitted.source.columns}
    for wanted in (*request.include, *request.exclude):
        if wanted not in sides.now.kinds:
            raise UsageError(f"there is no column {wanted!r}", f"there are {', '.join(list(sides.now.kinds)[:20])}")
    left_out: list[tuple[str, str]] = []
    kept: list[LogColumn] = []
    for column in sides.now.source.columns:
        why = _why_not(column, columns.get(column.name), sides, request)
        if why:
            left_out.append((column.name, why))
        else:
            kept.append(columns[column.name])
    gone = [c for c in columns if c not in sides.now.kinds]
    left_out += [(c, _roles(sides).get(c, "not among the current rows")) for c in gone]
    where = fitted.condition(request.where)
    uniques = _uniques(fitted, where, [column for column in kept if column.name not in request.include])
    left_out += [(column, "one value a row: an identifier") for column in uniques]
    kept = [column for column in kept if column.name not in uniques]
    codings = _fit(fitted, where, kept, request.support)
    left_out += _dull(probe or sides, request, codings)
    dull = {column for column, _ in left_out}
    return Columns(
        tuple(coding for coding in codings if coding.column not in dull),
        frozenset(column.name for column in kept if column.kind == "boolean"),
        tuple(left_out),
    )


def features(sides: Sides) -> list[str]:
    """Columns of the current rows that are no role: what the model was given."""
    roles = _roles(sides)
    return [c for c in (sides.then or sides.now).kinds if c not in roles and c not in sides.model.columns.ignore]


def fitted(sides: Sides, request: SliceRequest, column: str, *, most: int) -> Coding:
    """How one column is cut when a person asks for it: every frequent value, or bins of the reference."""
    side = sides.then if sides.then is not None and column in sides.then.kinds else sides.now
    where = side.condition(request.where)
    if sides.now.kinds[column] == "number" and side.kinds[column] == "number":
        return fit_numbers(column, _drawn_in(_sample(side, where, [column])[0]))
    counts = _counts(side, where, column, 0) + _counts(sides.now, sides.now.condition(request.where), column, 0)
    merged: dict[str | None, int] = {}
    for value, rows in counts:
        merged[value] = merged.get(value, 0) + rows
    frequent = sorted((-rows, value) for value, rows in merged.items() if value is not None and rows)
    return Coding(column, "category", values=tuple(value for _, value in frequent[:most]))


def _roles(sides: Sides) -> dict[str, str]:
    """Columns that describe the prediction and not what was predicted from."""
    told: dict[str, str] = {}
    named = sides.stored.file.columns if sides.stored else sides.model.columns
    for columns in (named, sides.model.columns):  # a label named in the call does not make a feature of the model's own
        roles = {
            columns.label: "the label",
            columns.prediction: "the prediction",
            columns.predicted_class: "the decision",
            columns.latency: "the latency",
            columns.id: "the id of the row",
            columns.user: "the user",
            columns.time: "the time: name a window instead",
        }
        told |= {column: why for column, why in roles.items() if column}
    return told


def _why_not(column: LogColumn, other: LogColumn | None, sides: Sides, request: SliceRequest) -> str | None:
    """Why a column is not searched, None when it is."""
    if column.name in sides.model.columns.redact:
        return "redacted"
    if column.name in request.exclude:
        return "excluded"
    if any(p.column == column.name and p.op in ("=", "missing") for p in request.where):
        return "one value here: a condition of the question"
    if column.name in request.include and other is not None and column.kind != "time":
        return None
    if why := _roles(sides).get(column.name):
        return why
    if column.name in sides.model.columns.ignore:
        return "ignored, as the model file says"
    if request.side is not None and column.name == getattr(sides.model.columns, request.side[0]):
        return f"the {request.side[0]}s that are compared"
    if column.kind == "time":
        return "times: name a window instead"
    if other is None:
        return "not in the reference"
    numbers = {"number"}
    if (column.kind in numbers) != (other.kind in numbers):
        return f"a {column.kind} here and a {other.kind} in the reference"
    return None


def _uniques(side: Side, where: str, columns: Sequence[LogColumn]) -> list[str]:
    """Columns that name their rows: texts with hardly a value twice, and whole numbers called an id."""
    asked = [c for c in columns if c.kind == "text" or (_IDENTIFIER.search(c.name) and "INT" in c.type.upper())]
    if not asked:
        return []
    count = "count(distinct {0})" if side.source.rows <= 100_000 else "approx_count_distinct({0})"
    listed = ", ".join(f"count({name(c.name)}), {count.format(name(c.name))}" for c in asked)
    [row] = side.source.query(f"select {listed} from {side.relation} where {where}")
    told = [(int(str(row[2 * i])), int(str(row[2 * i + 1]))) for i in range(len(asked))]
    return [c.name for c, (n, unique) in zip(asked, told, strict=True) if n >= 30 and unique >= UNIQUE * n]


def _fit(side: Side, where: str, columns: Sequence[LogColumn], support: float) -> list[Coding]:
    """Codes of every column, in order."""
    numeric = [column.name for column in columns if column.kind == "number"]
    values = dict(zip(numeric, _sample(side, where, numeric), strict=True))
    found = []
    [(total,)] = side.source.query(f"select count(*) from {side.relation} where {where}")
    for column in columns:
        if column.kind == "number":
            found.append(fit_numbers(column.name, _drawn_in(values[column.name]), support=support))
        else:
            found.append(
                fit_categories(column.name, _counts(side, where, column.name, int(str(total))), support=support)
            )
    return found


def _drawn_in(values: Floats) -> Floats:
    """Infinities just beyond the real numbers: where they are frequent a bin of their own, as in ``> 1.5``.

    >>> _drawn_in(np.array([1.0, 1.5, np.inf])) > 1.5
    array([False, False,  True])
    >>> float(_drawn_in(np.array([np.finfo(float).max, np.inf]))[1])
    inf
    """
    real = values[np.isfinite(values)]
    if not len(real) or len(real) == len(values):
        return values
    with np.errstate(over="ignore"):  # beyond the largest number there is only infinity
        return np.clip(values, np.nextafter(real.min(), -np.inf), np.nextafter(real.max(), np.inf))


def _sample(side: Side, where: str, numeric: Sequence[str]) -> list[Floats]:
    """Values of number columns from about :data:`SAMPLE` rows at most, chosen by a hash of their place."""
    if not numeric:
        return []
    chosen = where
    if side.source.rows > SAMPLE:
        [(rows,)] = side.source.query(f"select count(*) from {side.relation} where {where}")
        share = SAMPLE / max(int(str(rows)), 1)
        chosen = where if share >= 1 else f"({where}) and {sampled(share)}"
    parts = [
        values
        for _, values in read_blocks(side.source, [], [name(c) for c in numeric], relation=side.relation, where=chosen)
    ]
    return [np.concatenate([part[i] for part in parts]) for i in range(len(numeric))]


def _counts(side: Side, where: str, column: str, total: int) -> list[tuple[str | None, int]]:
    """Rows per text, the most frequent first; rare ones beyond are summed into one that reaches no support."""
    found = side.source.query(
        f"select {name(column)}::varchar, count(*) from {side.relation} where {where} "
        f"group by 1 order by 2 desc, 1 limit {MOST + 50}"
    )
    told = [(None if v is None else str(v), int(str(rows))) for v, rows in found]
    told = [(v, rows) for v, rows in told if v is None or (len(v) <= LONGEST and "\0" not in v)]
    return [*told, (None, total - sum(rows for _, rows in told))]


def _dull(sides: Sides, request: SliceRequest, codings: Sequence[Coding]) -> list[tuple[str, str]]:
    """Columns in which all rows of both sides are alike: no slice can be cut there."""
    if not codings:
        return []
    ends: list[set[int]] = [set() for _ in codings]
    for side in sides.both:
        share = SAMPLE / max(side.source.rows, 1)
        where = (
            side.condition(request.where) if share >= 1 else f"({side.condition(request.where)}) and {sampled(share)}"
        )
        coded = ", ".join(f"{code_sql(coding)} as c{i}" for i, coding in enumerate(codings))
        asked = ", ".join(f"min(c{i}), max(c{i})" for i in range(len(codings)))
        [row] = side.source.query(f"select {asked} from (select {coded} from {side.relation} where {where})")
        for i, found in enumerate(ends):
            found.update(int(str(code)) for code in row[2 * i : 2 * i + 2] if code is not None)
    told = []
    for coding, found in zip(codings, ends, strict=True):
        if found and min(found) >= coding.size:
            told.append((coding.column, f"no value reaches {request.support:.3g} of the rows"))
        elif len(found) == 1:
            told.append((coding.column, "always missing" if found == {0} else "one value in every row"))
    return told
