"""A statistic over past batches as a chart, what was altered marked on it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from core.past_values import PastValues
from tui.present.charts import MARKS, Series, change_marks, line_chart
from tui.present.page import Stamp

HEIGHT = 8


def chart(found: PastValues, stamp: Stamp, width: int) -> str:
    """The chart with its title; ``x`` stands where a batch is accused, the marks nearest to the first such batch.

    Batches stand at equal distances, whatever their distances in time: a month of days and the last hour of minutes
    would else be one column. A change stands between the batches that it fell between.
    """
    moments = [v.at for v in found.values]
    places = [float(n) for n in range(len(moments))]
    every = Series("batches", "braille", places, [v.value for v in found.values])
    accused = Series("accused", "x", places, [v.value if v.accused else None for v in found.values])
    marks = change_marks(found.altered, lambda at: between(moments, at), stamp, near=found.onset)
    drawn = line_chart(
        [every, accused] if any(v.accused for v in found.values) else [every],
        width=min(width - 2, 100),
        height=HEIGHT,
        ticks=[(0.0, stamp(moments[0])[5:16]), (places[-1], stamp(moments[-1])[5:16])],
        marks=marks,
        span=(0.0, max([places[-1], *(mark.x for mark in marks)])),
        bound=found.usual,
        heights=heights(found),
    )
    more = f"\n  and {len(found.altered) - MARKS} changes farther off: 8" if len(found.altered) > MARKS else ""
    usual = "" if found.usual is None else f"\nthe line: the median of the other batches, {found.usual:.3g}"
    return f"{found.words}, batch by batch{usual}\n{drawn}{more}"


def heights(found: PastValues) -> tuple[float, float]:
    """The ends of the upright axis: of shares from 0 on, and never so near that noise looks like a fall."""
    values = [v.value for v in found.values]
    low, high = min(values), max(values)
    if found.share:
        return min(0.0, low), max(high * 1.1, 0.01)
    room = max(0.1 * (high - low), 0.01 * max(abs(low), abs(high)), 1e-6)
    return low - room, high + room


def between(moments: Sequence[datetime], at: datetime) -> float:
    """Where a moment stands among others, as a broken index; up to 1 behind the last one.

    >>> days = [datetime(2026, 11, day) for day in (1, 2, 12)]
    >>> between(days, datetime(2026, 11, 7)), between(days, datetime(2026, 11, 30)), between(days, days[0])
    (1.5, 3.0, 0.0)
    """
    after = bisect_right(moments, at)
    if after == 0:
        return 0.0
    last = moments[after - 1]
    if after == len(moments):
        usual = (moments[-1] - moments[-2]) if len(moments) > 1 else timedelta(0)
        return after - 1 + (min(1.0, (at - last) / usual) if usual else 1.0)
    return after - 1 + (at - last) / (moments[after] - last)
