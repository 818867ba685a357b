"""Which rows an evaluation is made on: files, stored batches, or a frozen evaluation set; opened and named by hash."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.evaluation.items import hash_of, read, set_hash
from storage.errors import RefusedError, SourceError, UsageError
from storage.records.batches import Batch
from storage.records.evaluation_sets import EvaluationSet
from storage.records.labels import LabelFile
from storage.records.models import Model, ModelFile
from storage.records.suites import DataNamed
from storage.tables import evaluation_sets, labels

if TYPE_CHECKING:
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class RowsAsked:
    """Exactly one of files, batches and an evaluation set.

    Attributes:
        sha256: what the files must hash to, in full or the first eight digits at least; empty for no demand.
    """

    files: tuple[str, ...] = ()
    batches: tuple[Batch, ...] = ()
    set: EvaluationSet | None = None
    sha256: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenRows:
    """Rows that are open.

    Attributes:
        file: the model file, with the names of columns as these rows have them.
        labels: files of late labels, in the order they arrived.
        versions: of each file of the log, None where only rows may tell.
    """

    source: LogSource
    file: ModelFile
    data: DataNamed
    labels: tuple[LabelFile, ...]
    versions: tuple[str | None, ...]
    notes: tuple[str, ...]


@contextmanager
def opened(db: sqlite3.Connection, model: Model, asked: RowsAsked) -> Iterator[OpenRows]:
    """Open the rows, and name them by their hashes.

    Raises:
        UsageError: none or more than one kind of rows is asked for.
        RefusedError: a file is not the one that was named: its hash is another.
        SourceError: a file is gone, has changed since it was ingested, or can't be read.
    """
    if sum(map(bool, (asked.files, asked.batches, asked.set))) != 1:
        raise UsageError(
            "an evaluation needs rows", "name files (--data), batches (--last, --batches) or a set (--set)"
        )
    file, stack = model.file, ExitStack()
    with stack:
        if asked.set is not None:
            file = replace(file, columns=replace(file.columns, id=file.columns.id or "id"))
            source = stack.enter_context(_set_rows(db, asked.set, file))
            data = DataNamed("set", (f"{asked.set.name} {asked.set.version}",), (asked.set.sha256,))
            yield OpenRows(source, file, data, (), (None,), ())
            return
        paths = list(asked.files) or [batch.path for batch in asked.batches]
        for batch in asked.batches:
            if not os.path.isfile(batch.path):
                raise SourceError(
                    f"the file of batch {batch.id}, {batch.path}, is gone",
                    "put it back; the store keeps verdicts and profiles of it, not its rows",
                )
        source = stack.enter_context(_log(paths, file))
        notes = [f"{source.rejected:,} lines could not be read"] if source.rejected else []
        if asked.files:
            _demand(source, asked.sha256)
            data = DataNamed("files", tuple(f.path for f in source.files), tuple(f.sha256 for f in source.files))
            yield OpenRows(source, file, data, (), (None,) * len(source.files), tuple(notes))
            return
        by_path = {batch.path: batch for batch in asked.batches}
        held = [by_path[found.path] for found in source.files]
        for batch, found in zip(held, source.files, strict=True):
            if found.sha256 != batch.sha256:
                raise SourceError(
                    f"the file of batch {batch.id}, {batch.path}, has changed since it was ingested",
                    "put the old file back, or ingest the new one",
                )
        known = {one.id: one for batch in held for one in labels.files_of(db, batch.id)}
        late = tuple(sorted(known.values(), key=lambda one: (one.arrived_at, one.id)))
        data = DataNamed(
            "batches",
            tuple(str(batch.id) for batch in held),
            tuple(batch.sha256 for batch in held),
            tuple(sorted(one.sha256 for one in late)),
        )
        yield OpenRows(source, file, data, late, tuple(batch.version for batch in held), tuple(notes))


@contextmanager
def _log(paths: Sequence[str], file: ModelFile) -> Iterator[LogSource]:
    """Files as one log: ids as texts, times as times."""
    from storage.logs.source import open_log
    from storage.records.logs import Kind

    types: dict[str, Kind] = {file.columns.id: "text"} if file.columns.id else {}
    with open_log(paths, types=types) as source:
        told = {column.name: column.kind for column in source.columns}
        if told.get(file.columns.time) != "text":
            yield source
            return
    with open_log(paths, types={**types, file.columns.time: "time"}) as source:
        yield source


@contextmanager
def _set_rows(db: sqlite3.Connection, found: EvaluationSet, file: ModelFile) -> Iterator[LogSource]:
    from storage.logs.rows_file import rows_file

    texts = evaluation_sets.items(db, found.id)
    if set_hash(hash_of(text) for _, text, _ in texts) != found.sha256:
        raise SourceError(
            f"{found.name} {found.version} is not what was frozen: its hash is another",
            "midwatch sets verify MODEL says what is wrong",
        )
    items = [read(text, case) for _, text, case in texts]
    label, key = file.columns.label or "label", file.columns.id or "id"
    cells = [{**item.payload, key: item.id, label: item.expected} for item in items]
    with rows_file(cells) as path, _log([path], file) as source:
        yield source


def _demand(source: LogSource, wanted: Sequence[str]) -> None:
    short = next((one for one in wanted if len(one) < 8), None)
    if short is not None:
        raise UsageError(f"{short!r} is too short for a hash", "eight hexadecimal digits at least")
    for found in source.files if wanted else ():
        if not any(found.sha256.startswith(one.lower()) for one in wanted):
            raise RefusedError(
                f"{found.path} is not the data that was named: its sha256 begins with {found.sha256[:12]}",
                "evaluate the file that was meant, or name this one's hash",
            )
