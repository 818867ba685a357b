"""Business metrics as SQL over the rows that were evaluated, for each version where the SQL reads its predictions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.metrics import business
from core.metrics.registry import direction
from core.suites.differences import half_width
from core.suites.rows import OpenRows
from storage.records.models import MetricSpec
from storage.records.suites import Figure, MetricCompared

if TYPE_CHECKING:
    from core.metrics.base import Array
    from storage.business_sql import Plan

SAME = "its SQL reads no prediction: the rows alone make it, for both versions"
ANALYTIC = "paired, analytic"
NONE = "only averages have a paired interval"


def compared(
    rows: OpenRows, spec: MetricSpec, *, alone: bool, primary: bool, condition: str = "true", lacking: str | None = None
) -> MetricCompared:
    """One business metric of both versions over the evaluated rows that both answered and that fulfil a condition.

    Args:
        alone: there is no baseline.
        lacking: why there is no number where the SQL reads the label, as too few labels; None where there may be one.

    Raises:
        ModelFileError: its SQL is not allowed, or reads a column that these rows do not have.
        SourceError: it fails.
    """
    from storage.business_sql import plan

    what = f"the business metric {spec.name!r} of {rows.file.name!r}"
    roles, way = rows.file.columns, direction(spec, rows.file)
    there = [column.name for column in rows.source.columns]
    there += [role for role in (roles.label, roles.prediction) if role and role not in there]
    decided = roles.predicted_class
    if decided and re.search(rf"\b{re.escape(decided)}\b", spec.sql or "", re.IGNORECASE):
        return _nothing(spec, way, primary, alone, f"its SQL reads {decided!r}, which scores do not tell")
    asked = plan(spec.sql or "", there, what)
    if lacking is not None and roles.label in asked.columns:
        return _nothing(spec, way, primary, alone, lacking)
    mine, taken = _value(rows, asked, what, "candidate", alone, condition)
    if alone:
        return MetricCompared(spec.name, "business", way, primary, mine, None, None, "")
    if roles.prediction not in asked.columns:
        return MetricCompared(spec.name, "business", way, primary, mine, mine, None, SAME)
    others, others_taken = _value(rows, asked, what, "baseline", alone, condition)
    if mine.value is None or others.value is None:
        by = Figure(None, None, None, mine.n, mine.note or others.note)
        return MetricCompared(spec.name, "business", way, primary, mine, others, by, "")
    difference, half = mine.value - others.value, _half(taken, others_taken)
    low, high = (None, None) if half is None else (difference - half, difference + half)
    by = Figure(difference, low, high, mine.n)
    return MetricCompared(spec.name, "business", way, primary, mine, others, by, NONE if half is None else ANALYTIC)


def _value(
    rows: OpenRows, asked: Plan, what: str, side: str, alone: bool, condition: str
) -> tuple[Figure, Array | None]:
    from storage.logs.evaluation_sql import outcome

    told, values = outcome(rows.source, rows.file, asked, what, side, both=not alone, condition=condition)
    read = business.read(business.sums(asked, told))
    return Figure(read.value, read.low, read.high, read.n, read.note), values


def _half(mine: Array | None, others: Array | None) -> float | None:
    """Half of the paired interval, where both averages take the same rows; else None."""
    import numpy as np

    if mine is None or others is None or not np.array_equal(np.isnan(mine), np.isnan(others)):
        return None
    there = ~np.isnan(mine)
    return half_width(mine[there] - others[there])


def _nothing(spec: MetricSpec, way: str, primary: bool, alone: bool, note: str) -> MetricCompared:
    gone = Figure(None, None, None, 0, note)
    return MetricCompared(spec.name, "business", way, primary, gone, None if alone else gone, None, "")
