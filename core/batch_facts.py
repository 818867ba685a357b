"""What a profile tells of its batch as a whole: when its rows are from, and what served most of them."""

from __future__ import annotations

from datetime import UTC, datetime

from core.stats.profile import BatchProfile


def window_of(profile: BatchProfile, time: str) -> tuple[datetime | None, datetime | None]:
    """First and last moment of a batch; (None, None) when no row has a readable time."""
    column = profile.columns.get(time)
    if column is None or column.time is None or column.time.minimum > column.time.maximum:
        return None, None
    return (
        datetime.fromtimestamp(column.time.minimum, UTC),
        datetime.fromtimestamp(column.time.maximum, UTC),
    )


def most_frequent(profile: BatchProfile, column: str | None) -> str | None:
    """The value most rows of a column have, as the version that served most of a batch."""
    found = profile.columns.get(column) if column else None
    if found is None or found.text is None:
        return None
    top = found.text.values.top(1)
    return top[0][0] if top else None
