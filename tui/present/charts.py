"""Charts as plain text: the only file that imports plotext. Markers tell series apart, colours never do."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tui.present.text import visible

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
# plotext draws on one figure of its module, and charts are drawn in worker threads.
_FIGURE = threading.Lock()


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
) -> str:
    """Lines over a common axis, with marks and a horizontal bound.

    Args:
        width, height: in terminal cells, the legend of the marks not counted; at least 20 x 5.
        ticks: places on the axis with their labels.
        bound: a horizontal line, as an SLO.
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
        for mark in marks:
            plt.vline(mark.x)
        if ticks:
            plt.xticks([x for x, _ in ticks], [visible(label) for _, label in ticks])
        drawn: str = plt.build()
        plt.clear_figure()
    lines = [_ESCAPES.sub("", line).rstrip() for line in drawn.splitlines()]
    return "\n".join([*lines, *_legend(marks, max(20, width))]).rstrip()


def spark(values: Sequence[float | None], *, low: float | None = None, high: float | None = None) -> str:
    """One character a value; a blank where there is none, so that "no label yet" is not "zero".

    >>> spark([0.5, 0.7, None, 0.6])
    '▁█ ▅'
    """
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


def _legend(marks: Sequence[Mark], width: int) -> list[str]:
    return [visible(f"  {mark.letter}  {mark.legend}")[:width] for mark in marks]
