"""What versions answered to the rows of an evaluation: tables of id and answer in the rows' own database."""

from __future__ import annotations

import os
from collections.abc import Sequence

from storage.errors import SourceError
from storage.logs.engine import in_words
from storage.logs.evaluation_rows import ANSWERS, EVERY, id_text
from storage.logs.join import export_rows
from storage.logs.label_values import plain_text
from storage.logs.quoting import sql_text as text
from storage.logs.source import LogSource, open_log
from storage.records.models import ModelFile


def answers_of_log(source: LogSource, side: str, version: str, *, unnamed: bool = False) -> None:
    """Take a version's answers from the rows themselves; ``unnamed`` rows count as its own where asked for."""
    with in_words("the answers"):
        source.connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {ANSWERS[side]} AS
            SELECT __id, arg_min(__answer, (__f, __r)) AS __answer, arg_min(__decided, (__f, __r)) AS __decided
            FROM {EVERY}
            WHERE __id IS NOT NULL AND __answer IS NOT NULL AND (__version = ? OR (? AND __version IS NULL))
            GROUP BY __id
            """,
            [version, unnamed],
        )


def answers_of_file(source: LogSource, file: ModelFile, side: str, path: str, version: str) -> str:
    """Take a version's answers from a file of scores, and return its hash.

    Columns are the model's or simply ``id`` and ``prediction``; where the file names versions, only that one's rows.

    Raises:
        SourceError: it can't be read, lacks a column, has no row of the version, or answers one id twice, not alike.
    """
    roles, con = file.columns, source.connection
    with open_log(path, types={column: "text" for column in (roles.id, "id") if column}) as scores:
        there = {column.name for column in scores.columns}
        own = roles.predicted_class if file.task == "multiclass" else None
        key = _first(there, "id", path, roles.id, "id")
        answer = _first(there, "prediction", path, own, roles.prediction, "prediction", "score")
        decided = roles.predicted_class if file.task == "binary" and roles.predicted_class in there else None
        where = ""
        if roles.version and roles.version in there:
            where = f" WHERE {plain_text(scores, roles.version)} = {text(version)}"
        shown = plain_text(scores, decided) if decided else "NULL::VARCHAR"
        exported = export_rows(
            scores, f'SELECT {id_text(scores, key)}, {plain_text(scores, answer)}, {shown}, "__row" FROM log{where}'
        )
        moved = room(source, "scores.parquet")
        with in_words(path):
            os.replace(exported, moved)
            read = f"read_parquet({text(moved)}) AS t(c0, c1, c2, c3)"
            twice = con.execute(
                f"SELECT c0, min(c3) FROM {read} WHERE c0 IS NOT NULL GROUP BY c0 HAVING count(DISTINCT c1) > 1 LIMIT 1"
            ).fetchall()
            con.execute(
                f"CREATE OR REPLACE TEMP TABLE {ANSWERS[side]} AS SELECT c0 AS __id, any_value(c1) AS __answer, "
                f"any_value(c2) AS __decided FROM {read} WHERE c0 IS NOT NULL AND c1 IS NOT NULL GROUP BY c0"
            )
            os.unlink(moved)
        sha256 = scores.files[0].sha256
    if twice:
        raise SourceError(f"{path}: {twice[0][0]!r} is answered twice, and not alike", "answer it once")
    [(count,)] = con.execute(f"SELECT count(*) FROM {ANSWERS[side]}").fetchall()
    if not count:
        named = f" of {version!r}" if where else ""
        raise SourceError(f"{path} holds no answer{named}", "it needs an id and a prediction a row")
    return sha256


def answers_given(source: LogSource, side: str, answers: Sequence[tuple[str, float | None]]) -> None:
    """Take a version's answers as they are given."""
    con = source.connection
    with in_words("the answers"):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {ANSWERS[side]}(__id VARCHAR, __answer VARCHAR, __decided VARCHAR)")
        for first in range(0, len(answers), 10_000):
            piece = [(key, value) for key, value in answers[first : first + 10_000] if value is not None]
            con.execute(
                f"INSERT INTO {ANSWERS[side]} SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), NULL",
                [[key for key, _ in piece], [repr(value) for _, value in piece]],
            )


def answers_by_id(source: LogSource, side: str, ids: Sequence[str]) -> dict[str, str]:
    """A version's answers to these ids, as they were written."""
    with in_words("the answers"):
        found = source.connection.execute(
            f"SELECT __id, __answer FROM {ANSWERS[side]} WHERE __id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)]
        ).fetchall()
    return dict(found)


def room(source: LogSource, file_name: str) -> str:
    """A path in the one folder where the log's connection may write."""
    with in_words("the temporary directory"):
        [(folder,)] = source.connection.execute("SELECT current_setting('temp_directory')").fetchall()
        os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, file_name)


def _first(there: set[str], what: str, path: str, *wanted: str | None) -> str:
    found = next((column for column in wanted if column is not None and column in there), None)
    if found is None:
        known = ", ".join(sorted(there)[:12])
        names = " or ".join(repr(w) for w in dict.fromkeys(wanted) if w)
        raise SourceError(f"{path} has no column for the {what}", f"call it {names}; it has {known}")
    return found
