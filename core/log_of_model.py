"""A log opened as its model file reads it: the roles that nothing can do without have the kind they need."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from storage.errors import SourceError
from storage.logs.source import LogSource, open_log
from storage.records.logs import Kind
from storage.records.models import Model


@contextmanager
def opened(path: str | Sequence[str], model: Model) -> Iterator[LogSource]:
    """Open a log of a model; several files are one log.

    A time column that reads as text is read again as times, so that the lines that hold none are quarantined; the same
    holds for the numbers of a regression.

    Raises:
        SourceError: it can't be read, lacks the time or the prediction, or has no line in which they can be read.
    """
    paths = [path] if isinstance(path, str) else list(path)
    with open_log(paths) as source:
        needed = _needed(source, model)
        if not needed:
            yield source
            return
    with open_log(paths, types=needed) as source:
        if source.rows == 0:
            name, kind = next(iter(needed.items()))
            raise SourceError(
                f"{paths[0]}: no line of the column {name!r} can be read as a {kind}",
                "write times as 2026-11-23T03:00:00Z, or name another column in the model file",
            )
        yield source


def _needed(source: LogSource, model: Model) -> dict[str, Kind]:
    """Kinds that required columns must have and do not; of an empty log nothing is asked."""
    columns = model.file.columns
    known = {column.name: column for column in source.columns}
    for name in (columns.time, columns.prediction):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(list(known)[:12])}"
            raise SourceError(f"{source.files[0].path} has no column {name!r}, which the model file names", hint)
    needed: dict[str, Kind] = {}
    if source.rows and source.files[0].format != "parquet":
        if known[columns.time].kind == "text":
            needed[columns.time] = "time"
        if known[columns.prediction].kind == "text" and model.file.task == "regression":
            needed[columns.prediction] = "number"
    return needed
