"""Which columns an estimate sees, and the code of each of their values, as SQL and as stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.stats.profile import BatchProfile, ColumnProfile
from core.stats.profile_roles import guess_roles
from core.stats.slices.coding import Coding, fit_categories
from storage.logs.quoting import sql_name, sql_text
from storage.records.models import Columns

BINS = 12
SCORE_BINS = 24
MOST_COLUMNS = 40
LONGEST = 200
"""Characters of a text that can be a code."""
_SUPPORT = 0.01


def codings_of(profile: BatchProfile, roles: Columns) -> tuple[Coding, ...]:
    """The features of a log with more than one value, in the order of the file; redacted columns are none."""
    taken = {
        roles.time, roles.id, roles.label, roles.prediction, roles.version, roles.stage, roles.latency,
        roles.predicted_class, roles.user, roles.host, *roles.ignore, *roles.redact, *roles.calendar,
    }  # fmt: skip
    hints = guess_roles(profile)
    found: list[Coding] = []
    for name, column in profile.columns.items():
        if name in taken or name in hints:
            continue
        coding = _numbers(column) if column.kind in ("number", "boolean") else _texts(column)
        if coding is not None and len(found) < MOST_COLUMNS:
            found.append(coding)
    return tuple(found)


def sizes_of(codings: Sequence[Coding]) -> tuple[int, ...]:
    """Codes of each, the rest included."""
    return tuple(coding.size + 1 for coding in codings)


def code_sql(coding: Coding, there: frozenset[str]) -> str:
    """The code of a row as SQL: 0 where the column has no value that can be read, or is gone from the log."""
    if coding.column not in there:
        return "0"
    column = sql_name(coding.column)
    if coding.kind == "category":
        known = " ".join(f"WHEN {sql_text(value)} THEN {code}" for code, value in enumerate(coding.values, 1))
        return f"CASE WHEN {column} IS NULL THEN 0 ELSE CASE {column}::VARCHAR {known} ELSE {coding.rest} END END"
    value = f"TRY_CAST({column} AS DOUBLE)"
    above = "".join(f" + ({value} > {edge!r}::DOUBLE)::UTINYINT" for edge in coding.edges)
    return f"CASE WHEN {value} IS NULL OR isnan({value}) THEN 0 ELSE 1{above} END"


def as_document(coding: Coding) -> list[Any]:
    """A coding as JSON."""
    return [coding.column, coding.kind, list(coding.edges), list(coding.values)]


def from_document(body: Sequence[Any]) -> Coding:
    """The coding that :func:`as_document` was given."""
    return Coding(body[0], body[1], tuple(body[2]), tuple(body[3]))


def _numbers(column: ColumnProfile) -> Coding | None:
    number = column.number
    if number is None or not number.finite:
        return None
    cuts = number.histogram.quantile(np.arange(1, BINS) / BINS)
    edges = tuple(float(edge) for edge in np.unique(cuts) if number.minimum <= edge < number.maximum)
    return Coding(column.name, "number", edges=edges) if edges or column.missing else None


def _texts(column: ColumnProfile) -> Coding | None:
    text = column.text
    if text is None:
        return None
    counts = [(value, rows) for value, rows in text.values.counts.items() if len(value) <= LONGEST]
    rest = column.rows - column.missing - sum(rows for _, rows in counts)
    coding = fit_categories(column.name, [*counts, (None, max(0, rest))], support=_SUPPORT)
    return coding if coding.values and (len(counts) > 1 or column.missing) else None
