"""What the profile of a column says it is for: a name of rows, a date, a constant."""

from __future__ import annotations

import re
from typing import Literal

from core.stats.profile import BatchProfile, ColumnProfile

Hint = Literal["identifier", "calendar", "constant"]

_ID_NAME = re.compile(r"(^|[_.\- ])(id|uuid|guid|key|hash)$", re.IGNORECASE)
_CALENDAR_NAME = re.compile(
    r"(^|[_.\- ])(year|month|day|hour|minute|second|week|weekday|quarter)(_?(of|index).*)?$",
    re.IGNORECASE,
)
_CALENDAR_LIMITS = {"year": 3000, "month": 12, "day": 366, "hour": 2400, "minute": 1440, "second": 86400, "week": 53}
_NEARLY_ALL = 0.95
_FEWEST = 20


def guess_roles(profile: BatchProfile) -> dict[str, Hint]:
    """Hint per column that is not to be judged by range or category; other columns are left out.

    ``identifier``: unique or nearly unique texts or whole numbers. ``calendar``: times, parts of dates by name and
    range, seconds or milliseconds since 1970. ``constant``: one value in every row (of at least 20).
    """
    hints: dict[str, Hint] = {}
    for name, column in profile.columns.items():
        hint = _hint(column)
        if hint:
            hints[name] = hint
    return hints


def _hint(column: ColumnProfile) -> Hint | None:
    present = column.rows - column.missing
    if present == 0:
        return None
    if column.kind == "time":
        return "calendar"
    if column.kind == "text":
        unique = column.distinct >= _NEARLY_ALL * present
        if unique and present >= _FEWEST:
            return "identifier"
    if column.kind == "number" and (hint := _number_hint(column)):
        return hint
    if column.distinct == 1 and not column.missing and present >= _FEWEST:
        return "constant"
    return None


def _number_hint(column: ColumnProfile) -> Hint | None:
    number = column.number
    if number is None or number.integers < number.finite or number.negatives:
        return None
    if (found := _CALENDAR_NAME.search(column.name)) and number.maximum <= _CALENDAR_LIMITS.get(found[2].lower(), 7):
        return "calendar"
    if any(9e8 * scale <= number.minimum and number.maximum < 3e9 * scale for scale in (1, 1000)):
        return "calendar"
    if number.finite < _FEWEST:
        return None
    span = number.maximum - number.minimum + 1
    ends_once = number.at_minimum == 1 and number.at_maximum == 1
    if ends_once and _ID_NAME.search(column.name) and span >= _NEARLY_ALL * number.finite:
        return "identifier"
    dense = number.finite * _NEARLY_ALL <= span <= number.finite / _NEARLY_ALL
    if ends_once and dense and _once_each(column):
        return "identifier"
    return None


def _once_each(column: ColumnProfile) -> bool:
    """Whether whole numbers over a dense range come about once each, so that they count rows."""
    number = column.number
    if number is None:
        return False
    low, high = number.histogram.edges()
    return bool((number.histogram.counts <= (high.round() - low.round() + 1) * 1.05 + 1).all())
