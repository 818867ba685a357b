"""The keys of a model file that alerts go by."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, cast

from storage.records.alert_rules import AlertRules
from storage.toml_document import TomlDocument

SECTION = "alerts"
ALERTS = {
    "pages_per_week": float, "escalate_after": str, "escalate_to": list, "escalate_times": int, "morning": str,
    "shift_end": str, "upstream": list, "runbook": str, "no_data_after": str, "importance": dict,
}  # fmt: skip
_WALL_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_SHORTEST = timedelta(minutes=1)
_LONGEST = timedelta(days=30)


def alerts(document: TomlDocument, table: Mapping[str, Any]) -> AlertRules:
    """What the file says of alerts, with defaults filled in."""
    document.keys(table, ALERTS, SECTION)
    document.number(table, "pages_per_week", SECTION, 0.0, math.inf)
    document.at_least(table, ("escalate_times",), SECTION, 0)
    standard = AlertRules()
    return AlertRules(
        pages_per_week=float(table.get("pages_per_week", standard.pages_per_week)),
        escalate_after=cast("timedelta", _span(document, table, "escalate_after", standard.escalate_after)),
        escalate_to=_names(document, table, "escalate_to"),
        escalate_times=table.get("escalate_times", standard.escalate_times),
        morning=_wall_time(document, table, "morning", standard.morning),
        shift_end=_wall_time(document, table, "shift_end", standard.shift_end),
        upstream=_names(document, table, "upstream"),
        runbook=table.get("runbook", "").strip() or None,
        no_data_after=_span(document, table, "no_data_after", None),
        importance=_importance(document, table.get("importance", {})),
    )


def _span(document: TomlDocument, table: Mapping[str, Any], key: str, default: timedelta | None) -> timedelta | None:
    try:
        found = document.duration(table, key, SECTION, default)
    except OverflowError:
        found = timedelta.max
    if found is not None and not _SHORTEST <= found <= _LONGEST:
        document.fail(key, SECTION, f"{table[key]!r} must be between 1m and {_LONGEST.days}d")
    return found


def _names(document: TomlDocument, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in document.texts(table, key, SECTION))
    if not all(names):
        document.fail(key, SECTION, "a name is empty")
    if len(set(names)) < len(names):
        document.fail(key, SECTION, "a name stands there twice")
    return names


def _wall_time(document: TomlDocument, table: Mapping[str, Any], key: str, default: time) -> time:
    if key not in table:
        return default
    match = _WALL_TIME.fullmatch(table[key].strip())
    if match is None:
        document.fail(key, SECTION, f"{table[key]!r} is not a time on the wall such as '08:00'")
    return time(int(match[1]), int(match[2]))


def _importance(document: TomlDocument, table: Mapping[str, Any]) -> dict[str, float]:
    section = f"{SECTION}.importance"
    document.keys(table, dict.fromkeys(table, float), section)
    document.at_least(table, tuple(table), section, 0)
    return {column: float(weight) for column, weight in table.items()}
