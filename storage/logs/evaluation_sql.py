"""The evaluated rows as business SQL sees them: a database file of one table, with one version's predictions in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from storage.business_sql import TABLE, TIME_LIMIT_SECONDS, Outcome, Plan, per_row, run
from storage.fenced_sql import query
from storage.logs.engine import in_words
from storage.logs.evaluation_answers import room
from storage.logs.evaluation_rows import ANSWERS, BASE
from storage.logs.join import export_rows
from storage.logs.label_values import as_score, as_shown
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.source import LogSource
from storage.records.models import ModelFile

Floats = npt.NDArray[np.float64]


def outcome(
    source: LogSource, file: ModelFile, asked: Plan, what: str, side: str, *, both: bool, condition: str = "true"
) -> tuple[Outcome, Floats | None]:
    """What a checked expression gives over the evaluated rows, and what an average takes of each row (else None).

    Args:
        side: whose predictions stand in the prediction column, ``candidate`` or ``baseline``.
        both: only rows that both versions answered; else that the candidate did.
        condition: SQL over ``log`` that rows must fulfil.

    Raises:
        SourceError: it fails, takes too long or too much memory.
    """
    path = _table(source, file, asked.columns, side, both, condition)
    try:
        told = run(path, asked, what)
        expression = _of_a_row(asked.text, asked.columns, what) if asked.shape == "mean" else None
        if expression is None:
            return told, None
        statement = f"SELECT ({expression})::DOUBLE FROM {TABLE} ORDER BY rowid"
        [found] = query(path, [statement], what, time_limit=TIME_LIMIT_SECONDS)
        return told, np.array([np.nan if value is None else value for (value,) in found], dtype=np.float64)
    finally:
        path.unlink(missing_ok=True)


@lru_cache(maxsize=64)  # both versions, and every slice, ask for the same expression
def _of_a_row(expression: str, columns: tuple[str, ...], what: str) -> str | None:
    return per_row(expression, columns, what, label=None)


def _table(source: LogSource, file: ModelFile, columns: Sequence[str], side: str, both: bool, condition: str) -> Path:
    roles, there = file.columns, {column.name for column in source.columns}
    short = "c" if side == "candidate" else "o"
    prediction = f"{short}.__answer" if file.task == "multiclass" else as_score(f"{short}.__answer", file)
    cells = {roles.prediction: prediction}
    if roles.label:
        cells[roles.label] = as_shown(file)
    listed = [f"{cells.get(c, f'l.{name(c)}')} AS {name(c)}" for c in columns if c in cells or c in there]
    used = {alias: as_score(f"{alias}.__answer", file) for alias in (("c", "o") if both else ("c",))}
    answered = " AND ".join(_usable(expression, file) for expression in used.values())
    other = f"JOIN {ANSWERS['baseline']} o ON o.__id = b.__id" if both else ""
    exported = export_rows(
        source,
        f"""
        SELECT {", ".join(listed) or "1 AS __row"}
        FROM {BASE} b JOIN {ANSWERS["candidate"]} c ON c.__id = b.__id {other}
             JOIN (SELECT *, "__file" AS __lf, "__row" AS __lr FROM log WHERE {condition}) l
             ON l.__lf = b.__f AND l.__lr = b.__r
        WHERE b.__held AND {answered} ORDER BY b.__time NULLS FIRST, b.__id
        """,
    )
    path = Path(room(source, "business.duckdb"))
    path.unlink(missing_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {"threads": "1"}
    with in_words("the rows"):
        with duckdb.connect(str(path), config=config) as db:
            db.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM read_parquet({text(exported)})")
        os.unlink(exported)
    return path


def _usable(score: str, file: ModelFile) -> str:
    inside = f" AND {score} BETWEEN 0 AND 1" if file.task == "binary" else ""
    return f"coalesce(isfinite({score}){inside}, false)"
