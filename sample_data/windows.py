"""The calendar of a scenario: which file covers which minutes, and when inside them people were active."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NIGHT = timedelta(hours=3)
REFERENCE_SHARE = 0.7

# Relative activity of the hours 0 to 23 UTC: quiet at night, a hump at noon, a higher one in the evening.
HOURS = (3, 2, 2, 1, 1, 2, 4, 7, 9, 9, 9, 10, 11, 10, 9, 9, 10, 11, 12, 13, 12, 10, 7, 5)


@dataclass(frozen=True, slots=True)
class Window:
    """The minutes `[start, end)` that one file covers, its file name without suffix, and its role."""

    name: str
    role: str
    start: datetime
    end: datetime


def daily_windows(end: datetime, days: int) -> list[Window]:
    """Whole days up to the last night: the first seven in ten are reference, the rest serving."""
    night = end - NIGHT
    reference = round(days * REFERENCE_SHARE)
    starts = [night - timedelta(days=days - index) for index in range(days)]
    return [
        Window(f"{start:%Y-%m-%d}", "reference" if index < reference else "serving", start, start + timedelta(days=1))
        for index, start in enumerate(starts)
    ]


def night_windows(end: datetime, minutes: int) -> list[Window]:
    """The last three hours in pieces of that many minutes."""
    step = timedelta(minutes=minutes)
    return consecutive_windows(end - NIGHT, step, int(NIGHT / step))


def consecutive_windows(start: datetime, step: timedelta, count: int) -> list[Window]:
    """That many serving windows of equal length, one after the other."""
    starts = [start + step * index for index in range(count)]
    return [Window(f"{begin:%Y-%m-%dT%H%M}", "serving", begin, begin + step) for begin in starts]


def draw_times(rng: np.random.Generator, windows: list[Window], rows: int) -> NDArray[np.datetime64]:
    """`rows` times in each window, ascending, shape `(len(windows) * rows,)`, denser where people are awake."""
    import numpy as np

    pieces: list[Any] = []
    for window in windows:
        length = (window.end - window.start).total_seconds()
        offset = window.start.hour * 3600 + window.start.minute * 60
        grid = np.linspace(0.0, length, 145)
        weight = np.asarray(HOURS, dtype=float)[((grid[:-1] + offset) // 3600 % 24).astype(int)]
        share = np.concatenate([[0.0], np.cumsum(weight)]) / weight.sum()
        seconds = np.interp(np.sort(rng.random(rows)), share, grid)
        start = np.datetime64(window.start.replace(tzinfo=None), "ms")
        pieces.append(start + np.minimum(seconds * 1000, length * 1000 - 1).astype("timedelta64[ms]"))
    return np.asarray(np.concatenate(pieces))


def weekend(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """1.0 on Saturdays and Sundays, else 0.0, one value a time."""
    import numpy as np

    day = (times.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return np.asarray(day >= 5, dtype=float)
