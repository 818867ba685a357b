"""The rows of a question, opened and narrowed to the kind of error that it asks for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from core.slices.error_kinds import bucket_of
from core.slices.sides import Sides, open_whole

if TYPE_CHECKING:
    from core.slices.request import SliceRequest


@contextmanager
def open_sides(db: sqlite3.Connection | None, request: SliceRequest, *, now: datetime) -> Iterator[Sides]:
    """Open what a request names.

    Args:
        now: tells which labels have had their time.

    Raises:
        SourceError: a file is gone, has changed or can't be read.
        UsageError: the model, its batch, a column or the kind of error is not there.
    """
    with open_whole(db, request, now=now) as sides:
        yield sides if request.bucket is None else bucket_of(sides, request.bucket)
