"""Rows laid out for an evaluation, in the database of their own open log: one row an id, answers of two versions.

Nothing but arrays leaves it; memory stays that of the log's connection, which spills to disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from storage.errors import UsageError
from storage.logs.cells import floats
from storage.logs.engine import in_words
from storage.logs.label_values import as_decided, as_label, as_score, plain_text
from storage.logs.late_labels import LATE_LABEL, attach
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.source import LogSource
from storage.records.labels import LabelFile
from storage.records.models import ModelFile

Floats = npt.NDArray[np.float64]

EVERY = "__every"
BASE = "__base"
ANSWERS = {"candidate": "__candidate", "baseline": "__baseline"}


@dataclass(frozen=True, slots=True)
class Laid:
    """What was laid out.

    Attributes:
        rows: different ids; ``held`` of them are evaluated.
        repeated: rows of an id and version that was there already; ``without_id`` rows were left out.
        versions: that the rows name, by rows; ``unnamed`` rows name none.
        since: the first evaluated moment of a time split.
    """

    rows: int
    held: int
    repeated: int
    without_id: int
    versions: tuple[tuple[str, int], ...]
    unnamed: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Predictions of one version, as arrays in the order of the rows."""

    scores: Floats
    classes: Floats


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one side of the split, ordered by time and id.

    Attributes:
        truth: labels as numbers, NaN without one.
        masks: per condition asked for, which rows fulfil it.
        columns: the columns asked for, as numbers.
    """

    truth: Floats
    candidate: Answers
    baseline: Answers
    masks: Mapping[str, npt.NDArray[np.bool_]]
    columns: Mapping[str, Floats]


def lay_out(
    source: LogSource,
    file: ModelFile,
    labels: Sequence[LabelFile],
    versions: Sequence[str | None],
    prefer: str | None,
) -> Laid:
    """Make one row of each id: the row of the version ``prefer`` where there are several.

    Args:
        labels: files of late labels, in the order they arrived; a later one replaces an earlier, both the log's own.
        versions: of each file of the log, where the rows themselves name none.

    Raises:
        SourceError: a label file is gone or has changed.
    """
    roles, there = file.columns, {c.name: c for c in source.columns}
    relation = attach(source, file, labels)
    own = next((plain_text(source, c) for c in (roles.label, "label") if c and c in there), "NULL::VARCHAR")
    label = own if relation == "log" else f"coalesce({LATE_LABEL}, {own})"
    decided = roles.predicted_class if roles.predicted_class in there else None
    answer = decided if decided and file.task == "multiclass" else roles.prediction
    time = f"epoch({name(roles.time)})" if roles.time in there and there[roles.time].kind == "time" else "NULL"
    filed = " ".join(f"WHEN {i} THEN {text(v)}" for i, v in enumerate(versions) if v is not None)
    named = plain_text(source, roles.version) if roles.version and roles.version in there else "NULL::VARCHAR"
    version = f'coalesce({named}, CASE "__file" {filed} ELSE NULL END)' if filed else named
    key = id_text(source, roles.id) if roles.id and roles.id in there else """("__file" || ':' || "__row")"""
    prediction = plain_text(source, answer) if answer in there else "NULL::VARCHAR"
    shown = plain_text(source, decided) if decided and file.task == "binary" else "NULL::VARCHAR"
    con = source.connection
    with in_words("the rows"):
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {EVERY} AS
            SELECT {key} AS __id, "__file" AS __f, "__row" AS __r, ({time})::DOUBLE AS __time, {label} AS __label,
                   {version} AS __version, {prediction} AS __answer, {shown} AS __decided
            FROM {relation}
            """
        )
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {BASE} AS
            SELECT __id, __f, __r, __time, __known AS __label, {as_label("__known", file)} AS __truth, true AS __held
            FROM (SELECT *, coalesce(__label, max(__label) OVER (PARTITION BY __id)) AS __known,
                         row_number() OVER (PARTITION BY __id
                                            ORDER BY coalesce(__version = ?, false) DESC, __f, __r) AS __place
                  FROM {EVERY} WHERE __id IS NOT NULL)
            WHERE __place = 1
            """,
            [prefer],
        )
        without, rows, pairs = con.execute(
            "SELECT count_if(__id IS NULL), count(*), "
            f"count(DISTINCT (__id, __version)) FILTER (WHERE __id IS NOT NULL) FROM {EVERY}"
        ).fetchall()[0]
        by_version = con.execute(f"SELECT __version, count(*) FROM {EVERY} GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
        total = con.execute(f"SELECT count(*) FROM {BASE}").fetchall()[0][0]
    known = tuple((str(v), int(n)) for v, n in by_version if v is not None)
    unnamed = sum(int(n) for v, n in by_version if v is None)
    return Laid(int(total), int(total), int(rows - without - pairs), int(without), known, unnamed)


def split_by_time(source: LogSource, laid: Laid, share: float) -> Laid:
    """Keep the newest ``share`` of the labelled rows, and the rows of that time, for evaluation.

    Raises:
        UsageError: no labelled row has a time.
    """
    with in_words("the rows"):
        [(labelled, timed)] = source.connection.execute(
            f"SELECT count(__truth), count(__time) FILTER (WHERE __truth IS NOT NULL) FROM {BASE}"
        ).fetchall()
        if labelled and not timed:
            raise UsageError(
                "no labelled row has a time: it can't be split by time", "give --split all, or --split random (flagged)"
            )
        if not timed:
            return laid
        place = min(int(timed * (1 - share)), timed - 1)
        [(since,)] = source.connection.execute(
            f"SELECT __time FROM {BASE} WHERE __truth IS NOT NULL AND __time IS NOT NULL "
            f"ORDER BY 1 LIMIT 1 OFFSET {place}"
        ).fetchall()
        source.connection.execute(f"UPDATE {BASE} SET __held = coalesce(__time >= ?, false)", [since])
    return _held(source, laid, datetime.fromtimestamp(since, UTC))


def split_at_random(source: LogSource, laid: Laid, share: float, seed: str) -> Laid:
    """Keep a share of the rows for evaluation, chosen by a hash of their id."""
    below = f"{min(int(share * 16**8), 16**8 - 1):08x}"
    with in_words("the rows"):
        source.connection.execute(f"UPDATE {BASE} SET __held = substr(md5(? || __id), 1, 8) < ?", [seed, below])
    return _held(source, laid, None)


def held_rows(source: LogSource, columns: Sequence[str], at_once: int) -> Iterator[list[tuple[str, dict[str, object]]]]:
    """The evaluated rows, piece by piece: id and cells of these columns."""
    listed = "".join(f", l.{name(column)}" for column in columns)
    cursor = source.connection.execute(
        f'SELECT b.__id{listed} FROM {BASE} b JOIN log l ON l."__file" = b.__f AND l."__row" = b.__r '
        "WHERE b.__held ORDER BY b.__time NULLS FIRST, b.__id"
    )
    while piece := cursor.fetchmany(at_once):
        yield [(str(key), dict(zip(columns, cells, strict=True))) for key, *cells in piece]


def read_rows(
    source: LogSource,
    file: ModelFile,
    *,
    held: bool,
    conditions: Mapping[str, str] | None = None,
    numbers: Mapping[str, str] | None = None,
    newest: int | None = None,
) -> Rows:
    """The rows of one side of the split, with both versions' answers (NaN where there is none).

    Args:
        conditions: SQL conditions over ``log``, by name.
        numbers: SQL expressions over ``log`` that give numbers, by name.
        newest: at most so many, the newest.
    """
    asked = [f"coalesce({sql}, false) AS m{i}" for i, sql in enumerate((conditions or {}).values())]
    asked += [f"({sql})::DOUBLE AS n{i}" for i, sql in enumerate((numbers or {}).values())]
    beside = f', (SELECT "__file" AS f, "__row" AS r, {", ".join(asked)} FROM log) l' if asked else ""
    joined = "AND l.f = b.__f AND l.r = b.__r" if asked else ""
    picked = "".join(f", l.m{i}" for i in range(len(conditions or {})))
    picked += "".join(f", l.n{i}" for i in range(len(numbers or {})))
    order = "b.__time DESC NULLS LAST, b.__id DESC" if newest is not None else "b.__time NULLS FIRST, b.__id"
    limit = f"LIMIT {int(newest)}" if newest is not None else ""
    answers = ", ".join(
        f"{as_score(f'{short}.__answer', file)} AS {short}_s, {as_decided(f'{short}.__decided', file)} AS {short}_d"
        for short in ("c", "o")
    )
    with in_words("the rows"):
        for table in ANSWERS.values():
            source.connection.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {table}(__id VARCHAR, __answer VARCHAR, __decided VARCHAR)"
            )
        found = source.connection.execute(
            f"""
            SELECT b.__truth AS truth, {answers}{picked}
            FROM {BASE} b LEFT JOIN {ANSWERS["candidate"]} c ON c.__id = b.__id
                 LEFT JOIN {ANSWERS["baseline"]} o ON o.__id = b.__id {beside}
            WHERE b.__held = {str(held).lower()} {joined} ORDER BY {order} {limit}
            """
        ).fetchnumpy()
    return Rows(
        floats(found["truth"]),
        Answers(floats(found["c_s"]), floats(found["c_d"])),
        Answers(floats(found["o_s"]), floats(found["o_d"])),
        {key: np.asarray(found[f"m{i}"], dtype=bool) for i, key in enumerate(conditions or {})},
        {key: floats(found[f"n{i}"]) for i, key in enumerate(numbers or {})},
    )


def id_text(source: LogSource, column: str) -> str:
    """An id as text: 12 of one file is 12.0 of another, and digits too long for a number stay as they are."""
    return f"regexp_replace({plain_text(source, column)}, '^(-?[0-9]+)[.]0+$', '\\1')"


def _held(source: LogSource, laid: Laid, since: datetime | None) -> Laid:
    [(held,)] = source.connection.execute(f"SELECT count_if(__held) FROM {BASE}").fetchall()
    return Laid(laid.rows, int(held), laid.repeated, laid.without_id, laid.versions, laid.unnamed, since)
