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


def span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """``START..END``: each a moment, a duration ago, or ``now``.

    >>> from datetime import UTC
    >>> [moment.hour for moment in span("6h..now", datetime(2026, 11, 23, 9, tzinfo=UTC))]
    [3, 9]
    """
    start, dots, end = text.partition("..")
    if not dots:
        raise UsageError(f"{text!r} is no span of time", "say START..END, as in 6h..now or 2026-11-23..2026-11-24")
    found = (now if start == "now" else ago(start, now), now if end in ("now", "") else ago(end, now))
    if found[0] >= found[1]:
        raise UsageError(f"{text!r} ends before it begins", "the earlier moment stands first")
    return found
