"""What a filter line of the change feed asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from storage.errors import UsageError
from storage.records.changes import LAYERS, ChangeFilter
from tui.typed_moments import ago


def wanted(words: str, now: datetime) -> ChangeFilter:
    """What a filter line asks for: ``layer:data``, ``since:2h``, ``until:1h``, ``unreviewed``; the rest is a text.

    >>> found = wanted("layer:data spend", datetime.fromisoformat("2026-11-23T03:00Z"))
    >>> found.layer, found.text
    ('data', 'spend')
    """
    found: dict[str, Any] = {}
    rest = []
    for word in words.split(" "):
        name, colon, value = word.partition(":")
        if name == "layer" and value in LAYERS:
            found["layer"] = value
        elif word == "unreviewed":
            found["unreviewed"] = True
        elif name in ("since", "until") and colon and (moment := _moment(value, now)) is not None:
            found[name] = moment
        else:
            rest.append(word)
    return ChangeFilter(text=" ".join(rest).strip() or None, **found)


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        return ago(text, now)
    except UsageError:  # a text to look for, after all
        return None
