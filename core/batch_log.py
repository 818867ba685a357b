"""The log of a batch that is in the store already, opened again where it stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.errors import SourceError
from storage.records.batches import Batch
from storage.records.models import Model

if TYPE_CHECKING:
    from storage.logs.source import LogSource


@contextmanager
def log_of(batch: Batch, model: Model) -> Iterator[LogSource]:
    """Open a batch's own file.

    Raises:
        SourceError: it is gone, can't be read, or has changed since it was ingested.
    """
    from core.log_of_model import opened

    if not os.path.isfile(batch.path):
        raise SourceError(
            f"the file of batch {batch.id}, {batch.path}, is gone",
            "put it back; the store keeps verdicts and profiles of it, not its rows",
        )
    with opened(batch.path, model) as source:
        if source.files[0].sha256 != batch.sha256:
            raise SourceError(
                f"the file of batch {batch.id}, {batch.path}, has changed since it was ingested",
                "put the old file back, or ingest the new one",
            )
        yield source
