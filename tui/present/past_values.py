"""A statistic over past batches as a chart, what was altered marked on it."""

from __future__ import annotations

from datetime import datetime

from core.past_values import PastValues
from tui.present.charts import MARKS, Series, change_marks, line_chart
from tui.present.page import Stamp

HEIGHT = 8


def chart(found: PastValues, stamp: Stamp, width: int) -> str:
    """The chart with its title; ``x`` stands where a batch is accused, the marks nearest to the first such batch."""
    first = found.values[0].at

    def place(at: datetime) -> float:
        return (at - first).total_seconds() / 3600

    hours = [place(v.at) for v in found.values]
    every = Series("batches", "braille", hours, [v.value for v in found.values])
    accused = Series("accused", "x", hours, [v.value if v.accused else None for v in found.values])
    marks = change_marks(found.altered, place, stamp, near=found.onset)
    span = (0.0, max([*hours, *(mark.x for mark in marks)]))
    last = found.values[-1].at
    drawn = line_chart(
        [every, accused] if any(v.accused for v in found.values) else [every],
        width=min(width - 2, 100),
        height=HEIGHT,
        ticks=[(0.0, stamp(first)[5:16]), (hours[-1], stamp(last)[5:16])],
        marks=marks,
        span=span,
    )
    more = f"\n  and {len(found.altered) - MARKS} changes farther off: 8" if len(found.altered) > MARKS else ""
    return f"{found.words}, batch by batch\n{drawn}{more}"
