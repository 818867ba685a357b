"""What a profile tells of its batch as a whole: when its rows are from, and what served most of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.stats.profile import BatchProfile
from storage.records.batches import Batch, Role
from storage.records.models import Model

if TYPE_CHECKING:
    from storage.logs.source import LogSource


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


def batch_of(
    model: Model,
    source: LogSource,
    profile: BatchProfile,
    role: Role,
    version: str | None,
    stage: str | None,
    now: datetime,
) -> Batch:
    """What is recorded of an open log.

    Args:
        profile: of its rows that users saw, or of all.
        version, stage: what was said of the whole batch; else what most of those rows name.
    """
    file, columns = source.files[0], model.file.columns
    start, end = window_of(profile, columns.time)
    return Batch(
        id=0,
        model_id=model.id,
        role=role,
        path=file.path,
        sha256=file.sha256,
        format=file.format,
        bytes=file.size,
        version=version or most_frequent(profile, columns.version),
        stage=stage or most_frequent(profile, columns.stage),
        window_start=start,
        window_end=end,
        rows=source.rows,
        quarantined=source.rejected,
        columns=tuple((column.name, column.kind) for column in source.columns),
        arrived_at=now,
        admitted=role == "reference",
    )
