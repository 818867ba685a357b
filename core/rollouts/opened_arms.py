"""The batches of a pair opened as one log, with the labels that are to be counted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from storage.errors import SourceError
from storage.records.batches import Batch
from storage.records.labels import LabelFile
from storage.records.models import Model

if TYPE_CHECKING:
    from core.slices.sides import Side
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class Fresh:
    """A batch whose log is open already, as it is while it is taken in."""

    batch: Batch
    source: LogSource


@contextmanager
def open_batches(of: Sequence[Batch], model: Model, fresh: Fresh | None = None) -> Iterator[LogSource]:
    """Open the files of batches as one log, in that order; one that is open is not opened again.

    Raises:
        SourceError: one is gone, has changed since it was ingested, or can't be read.
    """
    from core.log_of_model import opened

    if fresh is not None and [batch.id for batch in of] == [fresh.batch.id]:
        yield fresh.source
        return
    for batch in of:
        if not os.path.isfile(batch.path):
            raise SourceError(f"the file of batch {batch.id}, {batch.path}, is gone", "put it back: nothing is lost")
    with opened([batch.path for batch in of], model) as source:
        for batch, read in zip(of, source.files, strict=True):
            if batch.sha256 != read.sha256:
                raise SourceError(
                    f"the file of batch {batch.id}, {batch.path}, has changed since it was ingested",
                    "put the old file back, or ingest the new one",
                )
        yield source


def with_labels(
    source: LogSource,
    of: Sequence[Batch],
    model: Model,
    files: Sequence[LabelFile],
    *,
    until: datetime | None = None,
) -> Side:
    """The rows of an open log with the labels of some label files beside them.

    Args:
        until: labels that became known later are left out, where a file tells when each did.

    Raises:
        SourceError: a label file is gone or has changed.
    """
    from core.slices.sides import Side
    from storage.logs.late_labels import attach

    relation = attach(source, model.file, files, until=until)
    return Side(source, relation, "true", "true", 0, tuple(of), "", relation != "log")
