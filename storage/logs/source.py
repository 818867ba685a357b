"""One open prediction log: whatever its files are, a relation to ask."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from storage.errors import SourceError
from storage.logs.cells import Cells, Floats, floats, words
from storage.logs.delimited import Prepared, Staged, prepare_csv, stage_csv
from storage.logs.engine import MEMORY_LIMIT, connect, in_words
from storage.logs.files import Scan, find_files, scan, unchanged
from storage.logs.json_lines import open_jsonl
from storage.logs.json_pieces import OpenedLines
from storage.logs.json_staging import stage_jsonl
from storage.logs.lines import record_lines
from storage.logs.parquet import parquet_part
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.types import TYPE_OF_KIND, Guess, kind_of, widen
from storage.records.logs import Kind, LogColumn, LogFile, LogRow, Reject

_CELLS_AT_ONCE = 8_000_000
_GIVEN_REJECTS = 10_000


@dataclass(frozen=True, slots=True)
class LogSource:
    """An open log; made by :func:`open_log`, closed with it.

    In SQL the relation is called ``log``; its columns carry the names of the files, quote them with
    :func:`storage.logs.quoting.sql_name`.

    Attributes:
        files: the files, in order.
        columns: the columns, in the order of the first file; number columns are read as float64.
        rows: rows in all files.
        rejects: quarantined lines, the first 10,000.
        rejected: how many lines were quarantined.
    """

    files: tuple[LogFile, ...]
    columns: tuple[LogColumn, ...]
    rows: int
    rejects: tuple[Reject, ...]
    rejected: int
    connection: duckdb.DuckDBPyConnection

    def column(self, wanted: str) -> LogColumn:
        """The column of that name.

        Raises:
            SourceError: there is none.
        """
        for column in self.columns:
            if column.name == wanted:
                return column
        names = ", ".join(c.name for c in self.columns[:20])
        raise SourceError(f"{self.files[0].path} has no column {wanted!r}", f"it has {names}")

    def names(self, *kinds: Kind) -> list[str]:
        """Names of the columns of these kinds, in order."""
        return [column.name for column in self.columns if column.kind in kinds]

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of a read-only query over ``log``; the connection reaches no other file and no network.

        Raises:
            SourceError: the query fails, or it is more than one SELECT.
        """
        with in_words("the query"):
            statements = self.connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise SourceError("the query is not a single SELECT", "only reading is allowed here")
        with in_words("the log"):
            return self.connection.execute(statements[0], list(parameters)).fetchall()

    def numbers(self, names: Sequence[str]) -> Iterator[dict[str, Floats]]:
        """Values of number, boolean and time columns as float64 (booleans 0 and 1, times in seconds since 1970 UTC).

        Every dict holds some of the columns for some of the rows, NaN where a value is missing; for one column the
        pieces come in the order of the rows. At most eight million cells (64 MB) are held at once.
        """
        group = max(1, min(8, _CELLS_AT_ONCE // max(self.rows, 1)))
        step = _CELLS_AT_ONCE if self.rows > _CELLS_AT_ONCE else max(self.rows, 1)
        for start in range(0, len(names), group):
            part = names[start : start + group]
            asked = ", ".join(f"{self._as_number(column)} as c{i}" for i, column in enumerate(part))
            for first in range(0, max(self.rows, 1), step):
                cut = f" limit {step} offset {first}" if step < self.rows else ""
                with in_words("the log"):
                    found = self.connection.execute(f"select {asked} from log{cut}").fetchnumpy()
                yield {column: floats(found[f"c{i}"]) for i, column in enumerate(part)}

    def cells(self, columns: Sequence[str]) -> Cells:
        """All cells of these columns at once: for logs of few rows, of which one query is quicker than many."""
        asked = []
        for i, column in enumerate(columns):
            kind, quoted = self.column(column).kind, name(column)
            if kind == "text":
                asked.append(f"{quoted}::varchar as c{i}, try_cast({quoted}::varchar as double) is not null as n{i}")
            elif kind == "time":
                asked.append(f"case when isfinite({quoted}) then epoch({quoted}) end as c{i}")
            else:
                asked.append(f"{quoted}::double as c{i}")
        if not asked:
            return Cells({}, {}, {})
        with in_words("the log"):
            found = self.connection.execute(f"select {', '.join(asked)} from log").fetchnumpy()
        texts = {c: words(found[f"c{i}"]) for i, c in enumerate(columns) if f"n{i}" in found}
        numeric = {c: np.asarray(found[f"n{i}"], dtype=bool) for i, c in enumerate(columns) if f"n{i}" in found}
        numbers = {c: floats(found[f"c{i}"]) for i, c in enumerate(columns) if f"n{i}" not in found}
        return Cells(texts, numeric, numbers)

    def category_counts(self, column: str, limit: int = 1000) -> list[tuple[str | None, int]]:
        """Rows per text of a column (None is missing), most frequent first, at most ``limit`` of them."""
        quoted = name(column)
        found = self.query(
            f"select {quoted}::varchar, count(*) from log group by 1 order by 2 desc, 1 limit {int(limit)}"
        )
        return [(None if value is None else str(value), int(str(rows))) for value, rows in found]

    def codes(self, column: str, values: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Per row the place (from 1) of its text in ``values`` (at most 254, none empty), 0 for any other."""
        known = ", ".join(text(value) for value in values)
        place = f"coalesce(enum_code(try_cast({name(column)}::varchar as enum({known}))) + 1, 0)::utinyint"
        with in_words("the log"):
            found = self.connection.execute(f"select {place} as c from log").fetchnumpy()
        return np.asarray(found["c"], dtype=np.uint8)

    def rows_where(
        self, predicate: str, parameters: Sequence[object] = (), *, limit: int = 20, columns: Sequence[str] = ()
    ) -> tuple[int, list[LogRow]]:
        """How many rows match an SQL predicate, and the first ``limit`` of them with file and line."""
        shown = list(columns) or [column.name for column in self.columns]
        [(total,)] = self.query(f"select count(*) from log where {predicate}", parameters)
        listed = "".join(f", {name(column)}" for column in shown)
        picked = self.query(
            f'select "__file", "__row"{listed} from log where {predicate} limit {int(limit)}', parameters
        )
        wanted: dict[int, list[int]] = {}
        for place, row, *_ in picked:
            wanted.setdefault(int(str(place)), []).append(int(str(row)))
        lines: dict[tuple[int, int], int] = {}
        for place, numbers in wanted.items():
            file = self.files[place]
            if file.format == "csv":
                bad = {reject.line for reject in self.rejects if reject.path == file.path}
                found = record_lines(file.path, numbers, bad, single=len(self.columns) == 1)
            else:
                found = {row: row for row in numbers}
            lines.update({(place, row): line for row, line in found.items()})
        rows = []
        for place, row, *values in picked:
            at = (int(str(place)), int(str(row)))
            rows.append(LogRow(self.files[at[0]].path, lines.get(at, 0), dict(zip(shown, values, strict=True))))
        return int(str(total)), rows

    def _as_number(self, column: str) -> str:
        kind = self.column(column).kind
        quoted = name(column)
        return f"epoch({quoted})" if kind == "time" else f"{quoted}::double"


@contextmanager
def open_log(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    types: Mapping[str, Kind] | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Iterator[LogSource]:
    """Open files, directories or patterns as one log; text formats are staged in a temporary Parquet file.

    Args:
        paths: one path or several.
        types: kinds that columns must have, whatever their cells look like (lines that fail are quarantined).
        memory_limit: of DuckDB; it spills to the temporary directory beyond it.

    Raises:
        SourceError: see the message; nothing that is in a file leads to another exception.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    scans = [scan(path) for path in find_files(given)]
    with in_words("the temporary directory"):
        work = tempfile.TemporaryDirectory(prefix="midwatch-", ignore_cleanup_errors=True)
    with work as work_dir:
        con = connect(work_dir, memory_limit)
        try:
            yield _open(con, scans, work_dir, dict(types or {}))
        finally:
            con.close()


def _open(con: duckdb.DuckDBPyConnection, scans: list[Scan], work_dir: str, types: dict[str, Kind]) -> LogSource:
    """Stage text files, lay one view over all, and lock the connection."""
    forced = {column: TYPE_OF_KIND[kind] for column, kind in types.items()}
    staged = _stage(con, scans, work_dir, forced)
    parts, read, retyped = [], [], dict[str, str]()
    for place, found in enumerate(scans):
        if place in staged:
            parts.append(_staged_part(place, found, staged[place]))
            retyped.update(staged[place].retyped)
            read.append(staged[place].path)
        else:
            with in_words(found.path):
                parts.append(parquet_part(con, place, found, forced))
            read.append(found.path)
    with in_words(", ".join(found.path for found in scans[:3])):
        con.execute(f"create view log as {' union all by name '.join(parts)}")
        described = con.execute("describe log").fetchall()
        counts = dict(con.execute('select "__file", count(*) from log group by 1').fetchall())
        columns = tuple(
            LogColumn(column, kind_of(kind), kind, retyped.get(column, ""))
            for column, kind, *_ in described
            if column not in ("__file", "__row")
        )
        listed = ", ".join(text(os.path.abspath(path)) for path in read)
        con.execute(f"set allowed_paths=[{listed}]")
        con.execute(f"set allowed_directories=[{text(os.path.join(work_dir, 'spill'))}]")
        con.execute("set enable_external_access=false")
        con.execute("set lock_configuration=true")
    for found in scans:
        if not unchanged(found):
            raise SourceError(f"{found.path} changed while it was read", "wait until it is written, then try again")
    rejects = [reject for place in sorted(staged) for reject in staged[place].rejects]
    files = tuple(
        LogFile(f.path, f.format, f.size, f.sha256, int(counts.get(i, 0)), staged[i].rejected if i in staged else 0)
        for i, f in enumerate(scans)
    )
    return LogSource(
        files,
        columns,
        sum(file.rows for file in files),
        tuple(rejects[:_GIVEN_REJECTS]),
        sum(file.rejected for file in files),
        con,
    )


def _stage(
    con: duckdb.DuckDBPyConnection, scans: list[Scan], work_dir: str, forced: dict[str, str]
) -> dict[int, Staged]:
    """Guess the types over all text files together, then stage each."""
    texts = {column for column, kind in forced.items() if kind == "VARCHAR"}
    ready, opened, guesses = dict[int, Prepared](), dict[int, OpenedLines](), dict[int, Guess]()
    for place, found in enumerate(scans):
        if found.format == "csv":
            ready[place] = prepare_csv(con, found, os.path.join(work_dir, f"{place}.csv"))
            guesses[place] = ready[place].guess
        elif found.format == "jsonl":
            opened[place] = open_jsonl(con, found, os.path.join(work_dir, f"raw_{place}"), texts)
            guesses[place] = opened[place].guess
    joint: dict[str, str] = {}
    for guess in guesses.values():
        for column, kind in guess.types.items():
            joint[column] = widen(joint.get(column, kind), kind)
    joint |= {column: kind for column, kind in forced.items() if column in joint}
    texts |= {column for column, kind in joint.items() if kind == "VARCHAR"}
    for place, lines in opened.items():
        if lines.numbers & texts:  # numbers here, texts in another file: read again, letter for letter
            opened[place] = open_jsonl(con, lines.found, os.path.join(work_dir, f"raw_{place}"), texts)
    markers = tuple(sorted({marker for guess in guesses.values() for marker in guess.markers}))
    staged = {}
    for place, guess in guesses.items():
        agreed = Guess({column: joint[column] for column in guess.types}, markers)
        to = os.path.join(work_dir, f"{place}.parquet")
        if place in ready:
            staged[place] = stage_csv(con, ready[place], agreed, to, forced)
        else:
            staged[place] = stage_jsonl(con, opened[place], agreed, to, forced)
            for raw in glob.glob(os.path.join(glob.escape(work_dir), f"raw_{place}.*")):
                os.unlink(raw)
    return staged


def _staged_part(place: int, found: Scan, part: Staged) -> str:
    row = '"__line"' if found.format == "jsonl" else "file_row_number"
    cells = "".join(f", {name(column)}" for column in part.types)
    relation = f"read_parquet({text(part.path)}, file_row_number=true)"
    return f'select {place} as "__file", {row} as "__row"{cells} from {relation}'
