"""The host's clock, and the one text form of a moment in the store: UTC, fixed width: text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def utc_now() -> datetime:
    """Now, in UTC. Only front ends call this; everything below takes ``now`` as an argument."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """A moment as it is stored.

    Raises:
        ValueError: the moment has no time zone.

    >>> to_text(datetime(2026, 11, 23, 3, 1, tzinfo=UTC))
    '2026-11-23T03:01:00.000000Z'
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone can't be stored")
    return moment.astimezone(UTC).strftime(_FORMAT)


def from_text(text: str) -> datetime:
    """The moment that :func:`to_text` wrote; also takes any ISO 8601 text with an offset, and a bare one as UTC.

    >>> from_text("2026-11-23T03:01:00.000000Z").isoformat()
    '2026-11-23T03:01:00+00:00'
    >>> from_text("2026-11-23 04:01:00+01:00").isoformat()
    '2026-11-23T03:01:00+00:00'
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_text_or_none(text: str | None) -> datetime | None:
    """:func:`from_text`, with nothing for nothing."""
    return None if text is None else from_text(text)
