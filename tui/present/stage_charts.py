"""The interval of a guardrail over time, with the margin and the line where neither version is worse."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from core.rollouts.candidates import ChartPoint, GuardrailChart
from tui.present.charts import Series, line_chart
from tui.present.stages import number
from tui.present.text import visible

Stamp = Callable[[datetime], str]

HEIGHT = 15
"""Lines of one chart, its axis among them."""

ROOM = 0.25
"""What the axis shows beyond everything that matters, as a share of it: early intervals are wider than any screen."""


def chart(found: GuardrailChart, stamp: Stamp, width: int) -> str:
    """Estimate and both ends of the interval after every look.

    The axis is cut to the newest interval, the margin and the neutral line; ends beyond it are left out, and that is
    said.
    """
    known = [point for point in found.points if math.isfinite(point.estimate)]
    head = f"{found.guardrail}: {found.scale}"
    if not known:
        return visible(f"{head}: no data yet")
    now = known[-1]
    head += f" {number(now.estimate)} [{number(now.low)}, {number(now.high)}]"
    head += f", neutral {number(found.neutral)}, margin {number(found.margin)}"
    if len(known) < 2:
        return visible(f"{head}; one look alone makes no line")
    low, high = ends(found, now)
    first, last = known[0].at, known[-1].at
    x = [(point.at - first).total_seconds() / 3600 for point in known]
    told = (
        ("estimate", "*", [point.estimate for point in known]),
        ("upper end", "^", [point.high for point in known]),
        ("lower end", "v", [point.low for point in known]),
    )
    lines = [Series(name, sign, x, [_inside(value, low, high) for value in values]) for name, sign, values in told]
    ends_of = (x[0], x[-1])
    drawn = line_chart(
        [
            Series(f"margin {number(found.margin)}", "=", ends_of, (found.margin, found.margin)),
            Series(f"neutral {number(found.neutral)}", "-", ends_of, (found.neutral, found.neutral)),
            *lines,
        ],
        width=min(width, 100),
        height=HEIGHT,
        ticks=[(x[0], stamp(first)[5:16]), (x[-1], stamp(last)[5:16])],
    )
    hidden = sum(not low <= value <= high for point in known for value in (point.low, point.high))
    cut = f"\nleft out, since they lie outside: {hidden} ends of earlier, wider intervals" if hidden else ""
    return f"{visible(head)}\n{drawn}{cut}"


def charts(found: Sequence[GuardrailChart], stamp: Stamp, width: int) -> str:
    """One below the other."""
    return "\n\n".join(chart(one, stamp, width) for one in found)


def ends(found: GuardrailChart, now: ChartPoint) -> tuple[float, float]:
    """What the vertical axis has to show: margin, neutral line, the newest interval, and some room."""
    wanted = [found.neutral, found.margin, now.estimate, *(v for v in (now.low, now.high) if math.isfinite(v))]
    low, high = min(wanted), max(wanted)
    room = ROOM * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def _inside(value: float, low: float, high: float) -> float | None:
    return value if low <= value <= high else None
