"""Late labels joined with the rows of a batch on the id, by DuckDB and on disk: memory stays bounded.

A workspace is one temporary folder. Label files are read into it once; each batch becomes a database file of its own
whose only table holds the rows with the newest label of each, ready for metrics (as arrays, piece by piece) and for
business SQL (:mod:`storage.business_sql` opens that very file behind its fences).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from storage.business_sql import TABLE
from storage.errors import SourceError, UsageError
from storage.logs.engine import MEMORY_LIMIT, in_words
from storage.logs.joined_rows import Joined
from storage.logs.label_values import as_decided, as_label, as_score, as_shown, plain_text
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.source import LogSource, open_log
from storage.records.labels import JoinCounts, LabelFile
from storage.records.models import ModelFile

ARRIVAL_COLUMNS = ("labelled_at", "labeled_at", "label_time", "label_at", "arrived_at")
"""A label file may tell in one of these when each label became known; else the file's own arrival counts."""

FIXED = 6
"""Columns that every export begins with: id, prediction, label, latency, time, class."""


@dataclass(slots=True)
class Workspace:
    """The temporary folder of one run; made by :func:`workspace`."""

    folder: Path
    db: duckdb.DuckDBPyConnection
    loaded: dict[int, LabelFile] = field(default_factory=dict)

    def load(self, file: LabelFile, model: ModelFile, source: LogSource | None = None) -> None:
        """Read a label file into the workspace, once; the last row of an id counts.

        Raises:
            SourceError: it is gone, has changed since it was recorded, or lacks the id or the label column.
        """
        if file.id in self.loaded:
            return
        with ExitStack() as stack:
            opened = source or stack.enter_context(open_log(file.path, types={_id(model): "text"}))
            if opened.files[0].sha256 != file.sha256:
                raise SourceError(
                    f"the label file {file.path} has changed since its labels were joined",
                    "put the old file back, or ingest the new one under another name",
                )
            label = label_column(opened, model)
            arrival = next((c.name for c in opened.columns if c.name in ARRIVAL_COLUMNS and c.kind == "time"), None)
            at = f"epoch({name(arrival)})" if arrival else repr(file.arrived_at.timestamp())
            exported = export_rows(
                opened, f'SELECT {plain_text(opened, _id(model))}, {plain_text(opened, label)}, {at}, "__row" FROM log'
            )
            with in_words(file.path):
                self.db.execute(
                    f"""
                    CREATE TABLE labels_{file.id} AS
                    SELECT c0 AS id, arg_max(c1, c3) AS label, arg_max(c2, c3) AS at
                    FROM read_parquet({text(exported)}) AS t(c0, c1, c2, c3)
                    WHERE c0 IS NOT NULL AND c1 IS NOT NULL GROUP BY c0
                    """
                )
            Path(exported).unlink()
        self.loaded[file.id] = file

    def distinct(self, file: LabelFile) -> int:
        """How many ids a loaded label file names."""
        return int(self.db.execute(f"SELECT count(*) FROM labels_{file.id}").fetchall()[0][0])

    def matches(self, source: LogSource, file: LabelFile, model: ModelFile) -> int:
        """How many ids of a loaded label file the batch holds; they count as seen (:meth:`seen`)."""
        exported = export_rows(source, f"SELECT DISTINCT {plain_text(source, _id(model))} FROM log")
        with in_words(source.files[0].path):
            self.db.execute("CREATE TABLE IF NOT EXISTS seen(id VARCHAR)")
            found = self.db.execute(
                f"""
                INSERT INTO seen SELECT c0 FROM read_parquet({text(exported)}) AS t(c0)
                WHERE c0 IN (SELECT id FROM labels_{file.id}) RETURNING 1
                """
            ).fetchall()
        Path(exported).unlink()
        return len(found)

    def spans(self, source: LogSource, model: ModelFile) -> tuple[datetime, datetime] | None:
        """First and last prediction time that a label file names; None when it has no such column."""
        column = next((c for c in source.columns if c.name == model.columns.time and c.kind == "time"), None)
        if column is None:
            return None
        time = f"epoch({name(column.name)})"
        [(first, last)] = source.query(f"SELECT min({time}), max({time}) FROM log")
        if not isinstance(first, float) or not isinstance(last, float):
            return None
        return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)

    def seen(self) -> int:
        """How many different ids :meth:`matches` has found so far."""
        self.db.execute("CREATE TABLE IF NOT EXISTS seen(id VARCHAR)")
        return int(self.db.execute("SELECT count(DISTINCT id) FROM seen").fetchall()[0][0])

    def join(self, source: LogSource, model: ModelFile, files: Sequence[LabelFile], keep: Sequence[str] = ()) -> Joined:
        """The rows of a batch with their newest labels: a later file replaces an earlier one, both the log's own.

        Args:
            files: loaded label files, in the order they arrived.
            keep: further columns that business metrics read.
        """
        roles = model.columns
        there = {c.name: c for c in source.columns}
        source.column(roles.prediction)
        own = roles.label is not None and roles.label in there
        known = tuple(c for c in dict.fromkeys(keep) if c in there and c != roles.label)
        latency = f"TRY_CAST({name(roles.latency)} AS DOUBLE)" if roles.latency in there and roles.latency else "NULL"
        time = f"epoch({name(roles.time)})" if roles.time in there and there[roles.time].kind == "time" else "NULL"
        decided = roles.predicted_class if roles.predicted_class in there else None
        fields = [
            plain_text(source, roles.id) if files and roles.id else "NULL::VARCHAR",
            plain_text(source, decided if decided and model.task == "multiclass" else roles.prediction),
            plain_text(source, str(roles.label)) if own else "NULL::VARCHAR",
            f"({latency})::DOUBLE",
            f"({time})::DOUBLE",
            plain_text(source, decided) if decided and model.task == "binary" else "NULL::VARCHAR",
            *(name(column) for column in known),
        ]
        exported = export_rows(source, f"SELECT {', '.join(fields)} FROM log")
        path = self.folder / "rows.duckdb"
        path.unlink(missing_ok=True)
        try:
            with in_words(source.files[0].path):
                self._build(exported, path, model, files, known)
                counts = self._count(model)
        finally:
            self._detach()
            Path(exported).unlink(missing_ok=True)
        columns = (*known, *((roles.label,) if roles.label else ()))
        return Joined(path, columns, counts)

    def part(self, joined: Joined, condition: str, model: ModelFile) -> Joined:
        """The joined rows that fulfil a condition, in a database file of their own; the last part is replaced.

        Raises:
            SourceError: the condition can't be read there.
        """
        path = self.folder / "part.duckdb"
        path.unlink(missing_ok=True)
        try:
            with in_words("the condition"):
                self.db.execute(f"ATTACH {text(str(joined.path))} AS whole (READ_ONLY)")
                self.db.execute(f"ATTACH {text(str(path))} AS joined")
                self.db.execute(f"CREATE TABLE joined.{TABLE} AS SELECT * FROM whole.{TABLE} WHERE {condition}")
                counts = self._count(model)
        finally:
            self._detach()
        return Joined(path, joined.columns, counts)

    def labels_for(self, ids: Sequence[str]) -> dict[str, str]:
        """The newest label of each of these ids, from the label files loaded, as the files wrote it."""
        found: dict[str, str] = {}
        for file in sorted(self.loaded.values(), key=lambda f: (f.arrived_at, f.id)):
            with in_words(file.path):
                asked = f"SELECT id, label FROM labels_{file.id} WHERE id IN (SELECT unnest(?::VARCHAR[]))"
                found.update(self.db.execute(asked, [list(ids)]).fetchall())
        return found

    def _build(
        self, exported: str, path: Path, model: ModelFile, files: Sequence[LabelFile], known: Sequence[str]
    ) -> None:
        """The table of the joined rows, in a database file of its own."""
        self.db.execute(f"ATTACH {text(str(path))} AS joined")
        names = ", ".join(f"c{i}" for i in range(FIXED + len(known)))
        base = f"(SELECT * FROM read_parquet({text(exported)}) AS t({names})) b"
        joins = "".join(f" LEFT JOIN labels_{file.id} l{i} ON l{i}.id = b.c0" for i, file in enumerate(files))
        # The newest label wins even where it is unreadable: an older one must not come back in its place.
        newest = [f"l{i}" for i in reversed(range(len(files)))]
        label = f"coalesce({', '.join([*(f'{n}.label' for n in newest), 'b.c2'])})"
        late = f"coalesce({', '.join([*(f'{n}.at' for n in newest), 'NULL::DOUBLE'])})"
        truth = as_label("__label", model)
        shown = f", {as_shown(model)} AS {name(model.columns.label)}" if model.columns.label else ""
        kept = "".join(f", b.c{FIXED + i} AS {name(column)}" for i, column in enumerate(known))
        carried = "".join(f", {name(column)}" for column in known)
        self.db.execute(
            f"""
            CREATE TABLE joined.{TABLE} AS
            SELECT {as_score("__prediction", model)} AS __score, __prediction IS NULL AS __missing,
                   {as_decided("__decided", model)} AS __class, {truth} AS __truth,
                   __label IS NOT NULL AND {truth} IS NULL AS __unreadable,
                   __latency, __lag {carried} {shown}
            FROM (SELECT b.c1 AS __prediction, {label} AS __label, b.c5 AS __decided, b.c3 AS __latency,
                         {late} - b.c4 AS __lag {kept}
                  FROM {base}{joins})
            """
        )

    def _count(self, model: ModelFile) -> JoinCounts:
        """What the join found."""
        outside = "__score < 0 OR __score > 1" if model.task == "binary" else "false"
        rows, labelled, unreadable, missing, words, infinite, beyond, p50, p95 = self.db.execute(
            f"""
            SELECT count(*), count(__truth), count_if(__unreadable), count_if(__missing),
                   count_if(NOT __missing AND (__score IS NULL OR isnan(__score))), count_if(isinf(__score)),
                   count_if(isfinite(__score) AND ({outside})),
                   quantile_cont(__lag, 0.5) FILTER (WHERE __truth IS NOT NULL AND isfinite(__lag)),
                   quantile_cont(__lag, 0.95) FILTER (WHERE __truth IS NOT NULL AND isfinite(__lag))
            FROM joined.{TABLE}
            """
        ).fetchall()[0]
        unusable = (("missing", missing), ("not a number", words), ("infinite", infinite), ("outside [0, 1]", beyond))
        return JoinCounts(
            rows, labelled, unreadable, tuple((word, count) for word, count in unusable if count), p50, p95
        )

    def _detach(self) -> None:
        attached = [row[0] for row in self.db.execute("SELECT database_name FROM duckdb_databases()").fetchall()]
        for known in ("joined", "whole"):
            if known in attached:
                with in_words("the joined rows"):
                    self.db.execute(f"DETACH {known}")


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A temporary folder with a DuckDB of its own, gone at the end."""
    with in_words("the temporary directory"):
        made = tempfile.TemporaryDirectory(prefix="midwatch-join-", ignore_cleanup_errors=True)
    with made as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": "1",
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": f"{folder}/spill",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        db = duckdb.connect(f"{folder}/labels.duckdb", config=config)
        try:
            yield Workspace(Path(folder), db)
        finally:
            db.close()


def label_column(source: LogSource, model: ModelFile) -> str:
    """The label column of a label file: the model file's, or one that is simply called ``label``.

    Raises:
        SourceError: the file has no such column, or no id column.
    """
    source.column(_id(model))
    wanted = [column for column in (model.columns.label, "label") if column]
    there = {column.name for column in source.columns}
    return next((column for column in wanted if column in there), None) or source.column(wanted[0]).name


def _id(model: ModelFile) -> str:
    if model.columns.id is None:
        raise UsageError(
            f"the model {model.name!r} names no id column: late labels can't be joined",
            "add id = '...' under [columns] of its model file",
        )
    return model.columns.id


def export_rows(source: LogSource, select: str) -> str:
    """Rows of a log as a Parquet file in the one folder where its locked connection may write."""
    with in_words(source.files[0].path):
        folder = Path(source.connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])
        folder.mkdir(exist_ok=True)
        path = str(folder / "rows.parquet")
        source.connection.execute(f"COPY ({select}) TO {text(path)} (FORMAT parquet, COMPRESSION uncompressed)")
    return path
