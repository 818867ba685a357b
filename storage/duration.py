"""Durations as people write them in files and on the command line: ``3d``, ``12h``, ``30m``, ``45s``, ``2w``."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta:
    """``3d``, ``12h``, ``30m``, ``45s`` or ``2w`` as a duration.

    Raises:
        ValueError: anything else.

    >>> duration("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 3d, 12h, 30m or 45s")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})
