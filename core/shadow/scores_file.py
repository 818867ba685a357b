"""A file of a version's scores, laid beside the rows of an open log by their id."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from storage.errors import SourceError, UsageError
from storage.logs.engine import in_words
from storage.logs.join import export_rows
from storage.logs.label_values import plain_text
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.source import LogSource, open_log
from storage.records.models import ModelFile

if TYPE_CHECKING:
    from core.slices.sides import Side

SCORES = "__scores"
AFTER = "__after"


def with_scores(side: Side, file: ModelFile, path: str) -> tuple[Side, int]:
    """The rows that a file of scores answers, with its answer as :data:`AFTER`; and how many of its ids are strangers.

    Columns are the model's own, or simply ``id`` and ``prediction`` (or ``score``).

    Raises:
        SourceError: the file can't be read, lacks a column, or answers one id twice and not alike.
        UsageError: the log has no id to join on.
    """
    key = file.columns.id
    if key is None or key not in side.kinds:
        raise UsageError(
            f"the rows of {file.name!r} have no id: scores can't be joined", "name it: [columns] id = '...'"
        )
    with open_log(path) as opened:
        there = {column.name for column in opened.columns}
        id_column = _first(there, key, "id", path=path)
        own = file.columns.predicted_class if file.task == "multiclass" else None
        score_column = _first(there, own, file.columns.prediction, "prediction", "score", path=path)
        _refuse_unlike(opened, id_column, score_column, path)
        exported = export_rows(
            opened, f"select {plain_text(opened, id_column)}, {plain_text(opened, score_column)} from log"
        )
        con = side.source.connection
        with in_words(path):
            [(spill,)] = con.execute("select current_setting('temp_directory')").fetchall()
            os.makedirs(spill, exist_ok=True)
            moved = os.path.join(spill, "scores.parquet")
            os.replace(exported, moved)
            con.execute(
                f"create or replace temp table {SCORES} as select c0 as __score_id, any_value(c1) as {AFTER} "
                f"from read_parquet({text(moved)}) as t(c0, c1) where c0 is not null group by c0"
            )
            os.unlink(moved)
    row_key = plain_text(side.source, key)
    [(strangers,)] = side.source.query(
        f"select count(*) from {SCORES} "
        f"where __score_id not in (select k from (select {row_key} as k from log) where k is not null)"
    )
    joined = f"{side.relation} join {SCORES} on {row_key} = __score_id"
    return replace(side, relation=joined), int(str(strangers))


def _refuse_unlike(source: LogSource, key: str, score: str, path: str) -> None:
    [(twice,)] = source.query(
        f"select count(*) from (select {name(key)} from log where {name(key)} is not null group by 1 "
        f"having count(distinct {name(score)}) > 1)"
    )
    if twice:
        raise SourceError(f"{path} answers {twice} ids more than once, and not alike", "answer each once")


def _first(there: set[str], *wanted: str | None, path: str) -> str:
    found = next((one for one in wanted if one is not None and one in there), None)
    if found is None:
        asked = " or ".join(repr(one) for one in wanted if one is not None)
        raise SourceError(f"{path} has no column {asked}", f"it has {', '.join(sorted(there)[:12])}")
    return found
