"""Charts as plain text: the only file that imports plotext. Markers tell series apart, colours never do."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from storage.records.changes import Change
from tui.present.text import visible

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
# plotext draws on one figure of its module, and charts are drawn in worker threads.
_FIGURE = threading.Lock()
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

MARKS = 6
"""Changes that a chart marks: the nearest ones; pane 8 has all."""


LEVELS = 4
"""Numbers on an upright axis with given ends."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: a name, a one-character marker (or ``braille``), and points; None leaves a gap."""

    name: str
    marker: str
    x: Sequence[float]
    y: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at ``x`` with a letter that the legend explains, as a deployment or an incident."""

    x: float
    letter: str
    legend: str


def line_chart(
    series: Sequence[Series],
    *,
    width: int,
    height: int,
    ticks: Sequence[tuple[float, str]] = (),
    marks: Sequence[Mark] = (),
    bound: float | None = None,
    span: tuple[float, float] | None = None,
    heights: tuple[float, float] | None = None,
) -> str:
    """Lines over a common axis, with marks and a horizontal bound.

    A mark is a vertical line with its letter under the axis; of marks in one column the first one's letter stands
    there, and the legend gives it to all of them.

    Args:
        width, height: in terminal cells, the legend of the marks not counted; at least 20 x 5.
        ticks: places on the axis with their labels.
        bound: a horizontal line, as an SLO.
        span: the ends of the axis, where it reaches beyond the points; marks outside of it are left out.
        heights: the ends of the upright axis, whose numbers then have three digits.
    """
    import plotext as plt

    with _FIGURE:
        plt.clear_figure()
        plt.theme("clear")
        plt.plotsize(max(20, width), max(5, height))
        for one in series:
            points = [(x, y) for x, y in zip(one.x, one.y, strict=True) if y is not None]
            if points:
                name = visible(one.name) if len(series) > 1 else None
                plt.plot([x for x, _ in points], [y for _, y in points], marker=one.marker, label=name)
        if bound is not None:
            plt.hline(bound)
        if heights is not None:
            bottom, top = heights
            levels = [bottom + (top - bottom) * n / (LEVELS - 1) for n in range(LEVELS)]
            plt.ylim(bottom, top)
            plt.yticks(levels, [f"{level:.3g}" for level in levels])
        low, high = span or _ends(series)
        shown = [mark for mark in marks if low <= mark.x <= high]
        if shown or span:
            plt.xlim(low, high)
        for mark in shown:
            plt.vline(mark.x)
        if ticks:
            plt.xticks([x for x, _ in ticks], [visible(label) for _, label in ticks])
        drawn: str = plt.build()
        plt.clear_figure()
    lines = [_ESCAPES.sub("", line).rstrip() for line in drawn.splitlines()]
    lettered = _under_axis(lines, shown, low, high)
    return "\n".join([*lines, *_legend(lettered, max(20, width))]).rstrip()


def change_marks(
    changes: Sequence[Change],
    place: Callable[[datetime], float],
    stamp: Callable[[datetime], str],
    *,
    near: datetime,
    most: int = MARKS,
) -> tuple[Mark, ...]:
    """Marks for changes, nearest to ``near`` first, lettered ``a`` on in that order; ``most`` at the most.

    Args:
        place: where a moment stands on the axis.
        near: the onset of a symptom, or the newest moment.
    """
    ordered = sorted(changes, key=lambda c: (abs(near - c.at), not c.unreviewed, c.reference))
    return tuple(
        Mark(place(c.at), letter, f"{stamp(c.at)[5:]} {c.layer} {c.kind} {c.subject}{_unreviewed(c)}")
        for letter, c in zip(_LETTERS[:most], ordered, strict=False)
    )


def breaks(moments: Sequence[datetime], changed: Iterable[datetime]) -> frozenset[int]:
    """Before which points something was altered; ``len(moments)`` is after the last. What came before all is left out.

    >>> at = [datetime(2026, 11, day) for day in (1, 2, 3)]
    >>> sorted(breaks(at, [datetime(2026, 11, 2), datetime(2026, 11, 3, 5), datetime(2026, 10, 1)]))
    [1, 3]
    """
    return frozenset(place for at in changed if (place := bisect_left(moments, at)) > 0)


def spark(
    values: Sequence[float | None],
    *,
    low: float | None = None,
    high: float | None = None,
    marks: Collection[int] = (),
    width: int | None = None,
) -> str:
    """One character a value; a blank where there is none, so that "no label yet" is not "zero".

    Args:
        marks: places of values before which a ``|`` says that something was altered; ``len(values)`` is after the last.
        width: characters at the most: the newest are kept.

    >>> spark([0.5, 0.7, None, 0.6]), spark([0.5, 0.7, 0.6], marks={2, 3}, width=4)
    ('▁█ ▅', '█|▅|')
    """
    if marks or width is not None:
        drawn = spark(values, low=low, high=high)
        cells = [
            *(("|" if n in marks else "") + cell for n, cell in enumerate(drawn)),
            "|" if len(values) in marks else "",
        ]
        return "".join(cells)[-width if width else 0 :]
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    bottom = min(known) if low is None else low
    span = (max(known) if high is None else high) - bottom
    blocks = "▁▂▃▄▅▆▇█"

    def block(value: float | None) -> str:
        if value is None:
            return " "
        share = 0.5 if span <= 0 else min(1.0, max(0.0, (value - bottom) / span))
        return blocks[min(len(blocks) - 1, int(share * len(blocks)))]

    return "".join(map(block, values))


def bars(rows: Sequence[tuple[str, float, float]], *, width: int, names: tuple[str, str] = ("now", "reference")) -> str:
    """Two bars a row, shares of 0 to 1, the second one hollow; the numbers stand beside them.

    >>> print(bars([("iOS", 0.5, 0.25)], width=40))
    iOS  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇   50 % now
         ▁▁▁▁▁▁▁▁▁▁             25 % reference
    """
    label = min(20, max((len(visible(name)) for name, _, _ in rows), default=0))
    room = max(5, width - label - 2 - 10)
    most = max((max(now, then) for _, now, then in rows), default=0.0) or 1.0
    lines = []
    for position, (name, now, then) in enumerate(rows):
        for share, sign, words, of in ((now, "▇", visible(name)[:label], names[0]), (then, "▁", "", names[1])):
            told = f" {of}" if position == 0 else ""
            bar = sign * max(1 if share > 0 else 0, round(room * 0.82 * share / most))
            lines.append(f"{words:{label}}  {bar:{round(room * 0.82)}} {100 * share:4.0f} %{told}".rstrip())
    return "\n".join(lines)


def _under_axis(lines: list[str], marks: Sequence[Mark], low: float, high: float) -> list[Mark]:
    """Put the letters of the marks into a line under the axis; returns the marks with the letters they have there."""
    axis = next((n for n in range(len(lines) - 1, -1, -1) if "└" in lines[n] and "┘" in lines[n]), None)
    if axis is None or not marks:
        return list(marks)
    left, right = lines[axis].index("└"), lines[axis].index("┘")
    cells, lettered = [" "] * (right + 1), []
    for mark in marks:
        share = (mark.x - low) / (high - low) if high > low else 0.0
        column = left + 1 + round(share * (right - left - 2))
        if cells[column] == " ":
            cells[column] = mark.letter
        lettered.append(replace(mark, letter=cells[column]))
    lines.insert(axis + 1, "".join(cells).rstrip())
    return lettered


def _ends(series: Sequence[Series]) -> tuple[float, float]:
    known = [x for one in series for x, y in zip(one.x, one.y, strict=True) if y is not None]
    return (min(known), max(known)) if known else (0.0, 1.0)


def _unreviewed(change: Change) -> str:
    return " NOT REVIEWED" if change.unreviewed else ""


def _legend(marks: Sequence[Mark], width: int) -> list[str]:
    return [visible(f"  {mark.letter}  {mark.legend}")[:width] for mark in marks]
