"""What a column is, as far as that decides how it may be judged: identifiers and calendars have no range."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.stats.drift import kolmogorov
from core.stats.profile import BatchProfile, ColumnProfile
from storage.records.logs import Roles

TraitKind = Literal["feature", "prediction", "label", "identifier", "calendar", "clock", "constant", "marker"]

_ID = re.compile(r"(^|[_.\s-])(id|uuid|guid|key|hash|token)$|(?<=[a-z])I[dD]$", re.IGNORECASE)
_CALENDAR = re.compile(
    r"(^|[_.\s-])(year|yr|month|mon|day|date|week|weekday|dow|doy|quarter|epoch|timestamp|time|datetime|ts)"
    r"([_.\s-](of[_.\s-](year|month|week)|number|no|name|hour))?$|_at$",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(^|[_.\s-])(hour|hr|minute|min|second)([_.\s-]of[_.\s-](day|hour))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trait:
    """``kind`` of a column and the reason that a person is told."""

    kind: TraitKind
    reason: str = ""


def traits(
    current: BatchProfile, reference: BatchProfile, roles: Roles, calendar: Collection[str]
) -> Mapping[str, Trait]:
    """The trait of every column that the batch or the reference has; ``calendar`` are those called so by a person."""
    found: dict[str, Trait] = {}
    for name in {**reference.columns, **current.columns}:
        now, before = current.columns.get(name), reference.columns.get(name)
        if name == roles.prediction:
            found[name] = Trait("prediction")
        elif name == roles.label:
            found[name] = Trait("label")
        elif name == roles.time or name in calendar:
            found[name] = Trait("calendar", "it follows the calendar")
        elif name == roles.id:
            found[name] = Trait("identifier", "it names rows")
        elif name in (roles.version, roles.stage):
            found[name] = Trait("marker", "it tells versions and stages apart")
        else:
            found[name] = _guessed(name, now or before, before or now)
    return found


def _guessed(name: str, now: ColumnProfile | None, before: ColumnProfile | None) -> Trait:
    if now is None or before is None:
        return Trait("feature")
    if "time" in (now.kind, before.kind):
        return Trait("calendar", "its values are times")
    if _epoch(before) and _epoch(now):
        return Trait("calendar", "its values are seconds or milliseconds since 1970")
    if _CALENDAR.search(name) and _calendar_like(before) and _calendar_like(now) and not _repeats(now, before):
        return Trait("calendar", "name and values follow the calendar")
    if _CLOCK.search(name) and _whole(before, 0, 60):
        return Trait("clock", "it tells the time of day")
    if _unique_text(before) and _unique_text(now):
        return Trait("identifier", "nearly every value occurs once")
    if _ID.search(name) and (before.distinct > 1000 or before.distinct > 0.5 * before.rows):
        return Trait("identifier", "name and values are those of an identifier")
    if counter(before) and counter(now):
        return Trait("identifier", "it counts rows")
    if before.rows - before.missing >= 2 and before.distinct <= 1 and now.distinct <= 1 and _same_constant(now, before):
        return Trait("constant", "it has one value")
    return Trait("feature")


def counter(column: ColumnProfile) -> bool:
    """Whether whole numbers run on as a row counter does: about as many numbers as rows, spread evenly."""
    number = column.number
    if number is None or number.finite < 50 or number.integers < number.finite or number.missing:
        return False
    span = number.maximum - number.minimum + 1
    if not 0.9 * number.finite <= span <= 3 * number.finite:
        return False
    quartiles = (number.histogram.quantile([0.25, 0.5, 0.75]) - number.minimum) / span
    even = bool(np.abs(quartiles - np.array([0.25, 0.5, 0.75])).max() < 0.1)
    return even and (not number.histogram.exact or column.distinct >= 0.9 * number.finite)


def _whole(column: ColumnProfile, low: float, high: float) -> bool:
    """Whole numbers between two bounds: an estimate of 24.7 minutes is no minute of the hour."""
    number = column.number
    if number is None or not number.finite or number.integers < number.finite:
        return False
    return number.minimum >= low and number.maximum <= high


def _calendar_like(column: ColumnProfile) -> bool:
    """Few texts, or whole numbers that a calendar may hold."""
    number = column.number
    if column.kind == "text" and column.text is not None:
        shown = column.text.patterns.top(1)
        return column.distinct <= 12 or bool(shown and re.search(r"9.[-/.:]|[-/.:].?9", shown[0][0]))
    if number is None or not number.finite or number.integers < number.finite:
        return False
    whole = number.minimum >= 0 and number.maximum <= 366
    return whole or (number.minimum >= 1900 and number.maximum <= 2200) or _epoch(column)


def _repeats(now: ColumnProfile, before: ColumnProfile) -> bool:
    """Whether each batch brings about the same numbers: hours worked per week follow no calendar, whatever the name."""
    a, b = now.number, before.number
    if a is None or b is None or min(a.finite, b.finite) < 100 or min(now.distinct, before.distinct) < 8:
        return False
    return b.finite >= 3 * a.finite and kolmogorov(a.histogram, b.histogram) < 0.5


def _epoch(column: ColumnProfile) -> bool:
    """Whole numbers within a few years of now in seconds or milliseconds since 1970, narrow against their size."""
    number = column.number
    if column.kind != "number" or number is None or number.finite < 2:
        return False
    seconds = number.minimum >= 8e8 and number.maximum <= 4e9 and number.maximum - number.minimum < 6e8
    millis = number.minimum >= 8e11 and number.maximum <= 4e12 and number.maximum - number.minimum < 6e11
    return seconds or millis


def _unique_text(column: ColumnProfile) -> bool:
    filled = column.rows - column.missing
    return column.kind == "text" and filled >= 50 and column.distinct > 0.9 * filled


def _same_constant(now: ColumnProfile, before: ColumnProfile) -> bool:
    if now.kind != before.kind:
        return False
    if now.number is not None and before.number is not None:
        return now.number.minimum == before.number.minimum
    if now.text is not None and before.text is not None:
        return set(now.text.values.counts) == set(before.text.values.counts)
    return True
