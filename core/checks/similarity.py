"""How alike two columns are, whatever they are called."""

from __future__ import annotations

import math

from core.checks.measures import comparable
from core.stats import drift
from core.stats.profile import ColumnProfile


def distance(left: ColumnProfile, right: ColumnProfile) -> float:
    """0 for alike, 1 for disjoint or of another kind: largest of the distances of values and of missing shares."""
    missing = abs(missing_share(left) - missing_share(right))
    return max(values_distance(left, right), missing)


def values_distance(left: ColumnProfile, right: ColumnProfile) -> float:
    """The same without regard to missing values; 1.0 when a side has none."""
    if left.rows == left.missing or right.rows == right.missing:
        return 1.0
    if left.text is not None and right.text is not None and left.kind == right.kind == "text":
        a, b = comparable(left.text.values, right.text.values)
        p, q, _ = drift.value_counts(a, b)
        values = drift.total_variation(p, q) if p.sum() and q.sum() else 1.0
        if values > 0.9 and not (left.text.values.complete and right.text.values.complete):
            p, q, _ = drift.value_counts(left.text.patterns.counts, right.text.patterns.counts)
            values = max(drift.total_variation(p, q), 0.1)  # of many values only the shape can be compared
        return values
    numbers = ("number", "boolean")
    if left.number is not None and right.number is not None and left.kind in numbers and right.kind in numbers:
        found = drift.kolmogorov(left.number.histogram, right.number.histogram)
        return 1.0 if math.isnan(found) else found
    if left.time is not None and right.time is not None and left.kind == right.kind == "time":
        return 0.0
    return 1.0


def missing_share(column: ColumnProfile) -> float:
    """Share of rows without a value."""
    return column.missing / column.rows if column.rows else 0.0


def psi(now: ColumnProfile, before: ColumnProfile) -> float:
    """Population stability index over ten bins of the reference or its values, missing as a bin of its own."""
    if now.number is not None and before.number is not None and now.number.finite and before.number.finite:
        if before.number.histogram.exact and now.number.histogram.exact and before.number.histogram.keys.size <= 20:
            _, a, b = drift.aligned(now.number.histogram, before.number.histogram, now.number.histogram.bits)
        else:
            a, b = drift.quantile_counts(now.number.histogram, before.number.histogram)
    elif now.text is not None and before.text is not None:
        left, right = comparable(now.text.values, before.text.values)
        a, b = drift.frequent_counts(left, right)
    else:
        return 0.0
    scale = [(c.rows - c.missing) / max(v.sum(), 1) for c, v in ((now, a), (before, b))]
    return drift.psi([*(a * scale[0]), now.missing], [*(b * scale[1]), before.missing])
