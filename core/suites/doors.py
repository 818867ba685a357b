"""Where predictions of a version come from: a file of scores, the logs, or the model file's scorer; never a model.

Everything that is known only after the prediction, or tells which version gave it, stays here when rows are sent out.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from core.evaluation.items import cell
from core.suites.rows import OpenRows
from storage.errors import UsageError
from storage.records.models import Model, ModelFile
from storage.records.suites import Door
from storage.tables import versions

if TYPE_CHECKING:
    from storage.logs.evaluation_rows import Laid

MASK = "[redacted]"
AT_ONCE = 2_000
"""Rows that a scorer gets at once."""


def take_answers(
    db: sqlite3.Connection,
    model: Model,
    rows: OpenRows,
    laid: Laid,
    side: str,
    version: str,
    scores: str | None,
    *,
    unnamed: bool = False,
) -> tuple[Door, str | None]:
    """Lay a version's answers beside the rows, from the first door that is open; and what must be said of it.

    Args:
        side: ``candidate`` or ``baseline``.
        unnamed: whether predictions of rows that name no version may be taken as this one's.

    Raises:
        UsageError: every door is shut; the hint names them.
        SourceError: the file of scores can't be used.
        ActuatorError: the scorer failed.
    """
    from storage.logs.evaluation_answers import answers_of_file, answers_of_log

    where = f"{rows.data.kind} {', '.join(rows.data.names[:3])}"
    columns = {column.name for column in rows.source.columns}
    answered = rows.file.columns.prediction in columns
    if scores is not None:
        _require_id(rows)
        sha256 = answers_of_file(rows.source, rows.file, side, scores, version)
        return Door("scores", scores, sha256, 0), None
    if answered and version in dict(laid.versions):
        answers_of_log(rows.source, side, version)
        return Door("log", where, None, 0), None
    if rows.file.scoring:
        _score(db, model, rows, side, version)
        return Door("scorer", str(rows.file.scoring.get("url") or _command(rows.file)), None, 0), None
    if answered and unnamed and laid.unnamed:
        answers_of_log(rows.source, side, version, unnamed=True)
        said = f"{laid.unnamed:,} rows name no version: their predictions are taken to be those of {version}"
        return Door("log", where, None, 0), said
    known = ", ".join(name for name, _ in laid.versions[:8]) or "none"
    option = "--scores" if side == "candidate" else "--baseline-scores"
    raise UsageError(
        f"there are no predictions of {version!r} for these rows (versions in them: {known})",
        f"give a file of scores ({option} FILE), batches that hold its rows, or [scoring] in the model file",
    )


def _require_id(rows: OpenRows) -> None:
    wanted = rows.file.columns.id
    if wanted is None:
        raise UsageError(
            f"the model {rows.file.name!r} names no id column: scores can't be joined with rows",
            "add id = '...' under [columns] of its model file",
        )
    rows.source.column(wanted)


def _score(db: sqlite3.Connection, model: Model, rows: OpenRows, side: str, version: str) -> None:
    from storage import scoring
    from storage.logs.evaluation_answers import answers_given
    from storage.logs.evaluation_rows import held_rows

    if rows.file.task == "multiclass":
        raise UsageError("the scorer answers with numbers, and this model's answers are classes", "give --scores FILE")
    registered = versions.find(db, model.id, version)
    needed = registered.input_schema if registered is not None else None
    sent = [column for column in features(rows) if needed is None or column in needed]
    answers: list[tuple[str, float | None]] = []
    for piece in held_rows(rows.source, sent, AT_ONCE):
        if any(value == MASK for _, cells in piece for value in cells.values()):
            raise UsageError("rows with redacted columns can't be sent to the scorer", "give --scores FILE")
        told = scoring.score(
            rows.file.scoring,
            [{column: cell(value) for column, value in cells.items()} for _, cells in piece],
            version=version,
        )
        answers += [(key, answer) for (key, _), answer in zip(piece, told, strict=True)]
    answers_given(rows.source, side, answers)


def features(rows: OpenRows) -> list[str]:
    """The columns that a model may know before it predicts."""
    c = rows.file.columns
    apart = {c.prediction, c.label, "label", c.predicted_class, c.latency, c.version, c.stage, *c.ignore}
    return [column.name for column in rows.source.columns if column.name not in apart]


def _command(file: ModelFile) -> str:
    command = file.scoring.get("command")
    return " ".join(str(part) for part in command) if isinstance(command, list | tuple) else "scorer"
