"""Golden rows replayed: looked for in the batch, where the log carries them, else sent to the scorer."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.checks.beside import Beside, GoldenAnswer
from core.evaluation.items import cell, plain_text
from core.evaluation.sets import GoldenRow, golden_rows
from core.evaluation.training_rows import training_of
from storage import scoring
from storage.errors import ActuatorError
from storage.logs.quoting import sql_name as name
from storage.records.models import Model, ModelFile
from storage.tables import versions

if TYPE_CHECKING:
    from storage.logs.source import LogSource

REDACTED = "[redacted]"
TOLERANCE = 1e-6
AT_MOST = 1_000
"""Golden rows that are replayed; more tell nothing more."""


def beside(db: sqlite3.Connection, model: Model, source: LogSource, version: str | None) -> Beside:
    """Everything that checks get beside a serving batch: golden answers, and what its version learned from."""
    training = training_of(db, model, version, source)
    reasons = dict.fromkeys(("leakage", "thin_training"), training) if isinstance(training, str) else {}
    answers: tuple[GoldenAnswer, ...] = ()
    try:
        told = replay(db, model, source, version)
    except ActuatorError as error:
        reasons["golden_rows"] = f"the scorer failed: {error}"
    else:
        if isinstance(told, str):
            reasons["golden_rows"] = told
        else:
            answers = told
    return Beside(answers, None if isinstance(training, str) else training, reasons)


def replay(
    db: sqlite3.Connection, model: Model, source: LogSource, version: str | None
) -> tuple[GoldenAnswer, ...] | str:
    """How this batch, or the scorer, answered the golden rows; the reason where neither could.

    Raises:
        ActuatorError: the scorer could not be run, gave no answer in time, or not one for each row.
    """
    golden = golden_rows(db, model)[:AT_MOST]
    if not golden:
        return "no golden set is frozen"
    columns = model.file.columns
    there = {column.name for column in source.columns}
    if columns.id in there and columns.id is not None and columns.prediction in there:
        _, rows = source.rows_where(
            f"list_contains(?, {name(columns.id)}::VARCHAR)", [[row.id for row in golden]], limit=len(golden)
        )
        logged = {plain_text(row.values[columns.id]): row.values for row in rows}
        found = [(row, logged[row.id]) for row in golden if row.id in logged]
        if found:
            return tuple(_compared(model.file, row, values) for row, values in found)
    if not model.file.scoring or version is None:
        return "this batch holds no golden row, and the model file names no scorer"
    registered = versions.find(db, model.id, version)
    needed = registered.input_schema if registered is not None else None
    features = [
        {key: value for key, value in _features(model.file, row).items() if needed is None or key in needed}
        for row in golden
    ]
    if any(value == REDACTED for given in features for value in given.values()):
        return "golden rows with redacted features can't be sent to the scorer"
    told = scoring.score(model.file.scoring, features, version=version)
    pairs = zip(golden, told, strict=True)
    return tuple(GoldenAnswer(row.id, row.set_name, (), 0, row.score, answer, present=False) for row, answer in pairs)


def _features(file: ModelFile, row: GoldenRow) -> dict[str, Any]:
    """What a scorer gets: everything frozen but what is known only afterwards."""
    c = file.columns
    apart = {c.prediction, c.label, c.predicted_class, c.latency, c.version, c.stage, *c.ignore}
    return {key: value for key, value in row.features.items() if key not in apart}


def _compared(file: ModelFile, row: GoldenRow, values: Mapping[str, object]) -> GoldenAnswer:
    c = file.columns
    apart = {c.id, c.time, *c.redact, *c.calendar}
    frozen = {k: v for k, v in _features(file, row).items() if k in values and k not in apart and v != REDACTED}
    differing = tuple(column for column, value in frozen.items() if not _same(value, cell(values[column])))
    told = values[c.prediction]
    number = float(told) if isinstance(told, int | float) and math.isfinite(told) else None
    return GoldenAnswer(row.id, row.set_name, differing, len(frozen), row.score, number)


def _same(frozen: object, now: object) -> bool:
    numbers: Sequence[object] = (frozen, now)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        left, right = float(str(frozen)), float(str(now))
        return abs(left - right) <= TOLERANCE * max(1.0, abs(left))
    return plain_text(frozen) == plain_text(now)
