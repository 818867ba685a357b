"""How a report says a moment, a span, and the rows a statement comes from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

NOT_KNOWN = "not known"


def cite(table: str, ids: Iterable[int]) -> str:
    """The rows a number comes from; runs of ids are written as ranges.

    >>> cite("batches", [3, 4, 5, 9]), cite("alerts", [])
    ('[batches 3-5, 9]', '[alerts none]')
    """
    runs: list[list[int]] = []
    for number in sorted(set(ids)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
    return f"[{table} {told or 'none'}]"


def reference(text: str) -> str:
    """A row as a report names it.

    >>> reference("alerts:7")
    '[alerts 7]'
    """
    table, _, number = text.partition(":")
    return f"[{table} {number}]"


def moment(at: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return NOT_KNOWN if at is None else f"{at:%Y-%m-%d %H:%M:%SZ}"


def span_words(span: timedelta) -> str:
    """A span in whole minutes.

    >>> span_words(timedelta(hours=26, minutes=5))
    '1 d 2 h 5 min'
    """
    minutes = int(span.total_seconds() // 60)
    return (
        f"{minutes // 1440} d {minutes % 1440 // 60} h {minutes % 60} min"
        if minutes >= 1440
        else (f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min")
    )
