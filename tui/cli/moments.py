"""Moments as people type them: an ISO 8601 text, or a duration ahead or ago."""

from __future__ import annotations

from datetime import datetime

from storage.clock import from_text
from storage.duration import duration
from storage.errors import UsageError


def ahead(text: str, now: datetime) -> datetime:
    """``8h`` from now, or an ISO moment.

    >>> from datetime import UTC
    >>> ahead("8h", datetime(2026, 11, 23, 3, tzinfo=UTC)).isoformat()
    '2026-11-23T11:00:00+00:00'
    """
    return _moment(text, now, 1)


def ago(text: str, now: datetime) -> datetime:
    """``8h`` before now, or an ISO moment."""
    return _moment(text, now, -1)


def _moment(text: str, now: datetime, sign: int) -> datetime:
    try:
        return now + sign * duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return from_text(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no moment", "say 8h, 3d, or 2026-11-23T07:00Z") from None
