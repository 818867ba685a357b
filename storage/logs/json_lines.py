"""JSON lines taken apart: nested objects become dotted columns, bad lines are quarantined.

DuckDB's own reader keeps no rejects of JSON and turns some into nulls, so lines are cut here, piece by piece, and taken
apart by DuckDB: strictly and with numbers as numbers where a piece is like the one before, as texts where it is not.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field

import duckdb
import numpy as np

from storage.logs.engine import in_words
from storage.logs.files import BLOCK, Scan
from storage.logs.json_numbers import as_numbers, texts_after_all
from storage.logs.json_pieces import OpenedLines, pieces
from storage.logs.json_structure import DEEPEST, Structure, Way, pointer
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.types import MARKERS, Guess, guess_types

_SAMPLE_ROWS = 5_000
_SAMPLE_OF_PIECE = 500
_MOST_FAILURES = 3
_GOOD = "case when json_valid(line) then json_type(line) = 'OBJECT' else false end"


def open_jsonl(con: duckdb.DuckDBPyConnection, found: Scan, work: str, texts: Collection[str] = ()) -> OpenedLines:
    """Read the lines into cells (in memory, or in Parquet files whose paths begin with ``work``) and guess their types.

    Args:
        texts: columns that are texts whatever their cells look like, and so are kept letter for letter.

    Raises:
        SourceError: an object has an empty key, or there are too many keys.
    """
    structure, verbatim = Structure(found.path), set(texts)
    with in_words(found.path):
        try:
            while True:
                reader = _Reader(con, structure, OpenedLines(found), work, verbatim)
                try:
                    for first, data in pieces(found):
                        reader.read(first, data)
                    return reader.finish()
                except _ChangedError:  # learn the structure of the whole file, then read it again
                    reader.parts.clear()
                    valued: set[Way] = set()
                    for first, data in pieces(found):
                        reader.learn(first, data, valued)
        finally:
            con.execute("drop table if exists __piece")
            con.execute("drop table if exists __good")


class _ChangedError(Exception):
    """Pieces before were read by another structure than the file turns out to have."""


@dataclass(slots=True)
class _Reader:
    con: duckdb.DuckDBPyConnection
    structure: Structure
    opened: OpenedLines
    work: str
    verbatim: set[str]
    parts: list[str] = field(default_factory=list)
    strict: dict[Way, str] | None = None
    failures: int = 0
    as_numbers: set[Way] = field(default_factory=set)

    def read(self, first: int, data: bytes) -> None:
        """Take one piece apart and keep its cells; ``first`` is the number of its first line."""
        if not self._load(first, data):
            return
        if self._strictly("__piece", data):
            self._keep()
            return
        if self._sort_out() and self._strictly("__good", data):
            self._keep()
            return
        self.failures += 1
        self._learn(None)
        if self.strict is None:
            columns = self.structure.columns()
            guess = guess_types(self.con, f"(select * from __cells limit {_SAMPLE_ROWS})", list(columns))
            kinds = {c: kind for c, kind in guess.types.items() if c not in self.verbatim}
            self.strict = {columns[c]: kind for c, kind in kinds.items() if kind in ("DOUBLE", "BOOLEAN")}
            self.failures = 0
        self._keep()

    def learn(self, first: int, data: bytes, valued: set[Way]) -> None:
        """Learn the structure of one piece; ``valued`` are the leaves with values in those before, and in this one."""
        if self._load(first, data):
            self._sort_out()
            self._learn(valued)
            cells = [(way, f"count(*) filter ({name(c)} <> '{{}}')") for c, way in self.structure.columns().items()]
            if cells:
                [counts] = self.con.execute(f"select {', '.join(sql for _, sql in cells)} from __cells").fetchall()
                valued.update(way for (way, _), n in zip(cells, counts, strict=True) if n)

    def finish(self) -> OpenedLines:
        """Everything that was read, with the guess of the types."""
        opened, columns = self.opened, list(self.structure.columns())
        sample = _SAMPLE_ROWS if len(self.parts) <= 4 else _SAMPLE_OF_PIECE
        if len(self.parts) == 1 and not self.parts[0].endswith(".parquet"):
            opened.relation = self.parts[0]
            sampled = f"(select * from {opened.relation} limit {sample})"
        elif self.parts:
            listed = ", ".join(text(part) for part in self.parts)
            opened.relation = f"read_parquet([{listed}], union_by_name=true)"
            sampled = f"(from read_parquet([{listed}], union_by_name=true, file_row_number=true) "
            sampled += f"where file_row_number < {sample})"
        else:
            opened.relation = '(select 0 as "__line" where false)'
            return opened
        described = dict(row[:2] for row in self.con.execute(f"describe from {opened.relation}").fetchall())
        opened.numbers = {column for column in columns if described[column] == "DOUBLE"}
        texts = [column for column in columns if column not in opened.numbers]
        guess = guess_types(self.con, sampled, texts)
        unknown = [column for column in texts if guess.types[column] == "VARCHAR"]
        if unknown:  # a sample without any cell says nothing
            counts = ", ".join(f"count({name(column)})" for column in unknown)
            [seen] = self.con.execute(f"select {counts} from {sampled}").fetchall()
            empty = [column for column, n in zip(unknown, seen, strict=True) if not n]
            guess.types.update(guess_types(self.con, opened.relation, empty).types if empty else {})
        found = texts_after_all(self.con, self.parts, opened.relation, guess) - self.verbatim
        if found:
            self.verbatim |= found
            raise _ChangedError
        types = {column: "DOUBLE" if column in opened.numbers else guess.types[column] for column in columns}
        opened.guess = Guess(types, MARKERS)
        return opened

    def _load(self, first: int, data: bytes) -> bool:
        """Lay the lines of a piece, blank ones left out, into the table ``__piece``; whether there are any."""
        try:
            lines = data.decode().split("\n")
        except UnicodeDecodeError:
            lines = [self._decoded(first + i, line) for i, line in enumerate(data.split(b"\n"))]
        kept = [i for i, line in enumerate(lines) if line and not line.isspace()]
        if len(kept) < len(lines):
            lines = [lines[i] for i in kept]
        given = {"number": np.array(kept, dtype=np.int64) + first, "line": np.array(lines, dtype=object)}
        self.con.register("__given", given)
        self.con.execute("create or replace temp table __piece as select number, line from __given")
        self.con.unregister("__given")
        return bool(lines)

    def _decoded(self, number: int, line: bytes) -> str:
        """The text of a line; one that is none is rejected and left blank."""
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.opened.reject(number, "not UTF-8: " + line.decode("ascii", "backslashreplace"))
            return ""

    def _sort_out(self) -> bool:
        """Leave only lines that are objects in ``__good`` and reject the others; whether there were others."""
        self.con.execute(f"create or replace temp table __good as select * from __piece where {_GOOD}")
        bad = self.con.execute("select number, line from __piece anti join __good using (number) order by 1").fetchall()
        for number, line in bad:
            self.opened.reject(number, line)
        return bool(bad)

    def _strictly(self, relation: str, data: bytes) -> bool:
        """Take the lines apart by what the pieces before were like; False when this one is different."""
        if self.strict is None or self.failures >= _MOST_FAILURES:
            return False
        try:
            self._take_apart("json_transform_strict", relation, {w: k for w, k in self.strict.items() if k == "DOUBLE"})
        except duckdb.Error:
            return False
        # A key that is new and always null passes as known: it is looked for in the first lines only.
        if self._learn_keys(sorted(self.structure.opened), f"(from {relation} limit {_SAMPLE_OF_PIECE})"):
            return False
        columns = self.structure.columns()
        booleans = [
            f"count(*) filter ({name(c)} in ('true', 'false'))"
            for c, way in columns.items()
            if self.strict.get(way) == "BOOLEAN"
        ]
        [(known, _)] = self.con.execute(f"select {' + '.join(booleans) or '0'}, count(*) from __cells").fetchall()
        if known != data.count(b"true") + data.count(b"false"):  # one of them may have become the number 1
            return False
        if any(self._kinds(way, relation) & {"OBJECT"} for way in self._suspects()):
            return False
        self.failures = 0
        return True

    def _learn(self, valued: set[Way] | None) -> None:
        """Take the lines of ``__good`` apart as texts, opening and closing objects until nothing new comes up.

        ``valued`` None means that what was read before is kept: a change of its structure is :class:`_ChangedError`.
        """
        before = set(self.structure.leaves)
        for way in sorted(self.structure.opened - {()}):
            if way in self.structure.opened and self._kinds(way, "__good") - {"OBJECT"}:
                self.structure.close(way)
                if valued is None and self.parts:
                    raise _ChangedError
        self._learn_keys(sorted(self.structure.opened))
        while True:
            self._take_apart("json_transform", "__good", {})
            objects = []
            for way in self._suspects():
                kinds = self._kinds(way, "__good")
                if "OBJECT" not in kinds:
                    continue
                if valued is None and self.parts and way in before:
                    raise _ChangedError
                if kinds == {"OBJECT"} and way not in (valued or ()):
                    self.structure.open(way)
                    objects.append(way)
                else:
                    self.structure.closed.add(way)
            if not objects:
                return
            self._learn_keys(objects)

    def _learn_keys(self, ways: list[Way], relation: str = "__good") -> bool:
        """Take in the keys of opened objects; whether any is new."""
        new = False
        for way in ways:
            keys = f"json_keys(line, {text(pointer(way))})" if way else "json_keys(line)"
            for (found,) in self.con.execute(f"select distinct {keys} from {relation}").fetchall():
                for key in found or ():
                    new = self.structure.add((*way, key)) or new
        return new

    def _suspects(self) -> list[Way]:
        """Leaves in ``__cells`` that look like objects with something in them."""
        asked = {
            column: way
            for column, way in self.structure.columns().items()
            if way not in self.structure.closed and len(way) < DEEPEST and way not in self.as_numbers
        }
        if not asked:
            return []
        looks = ", ".join(f"bool_or({name(c)}[1] = '{{' and {name(c)} <> '{{}}')" for c in asked)
        [row] = self.con.execute(f"select {looks} from __cells").fetchall()
        return [way for way, seen in zip(asked.values(), row, strict=True) if seen]

    def _kinds(self, way: Way, relation: str) -> set[str]:
        """JSON types found at a place, nulls left out."""
        kind = f"json_type(line, {text(pointer(way))})"
        return {row[0] for row in self.con.execute(f"select distinct {kind} from {relation}").fetchall()} - {
            "NULL",
            None,
        }

    def _take_apart(self, function: str, relation: str, types: dict[Way, str]) -> None:
        """Lay the cells of the lines into the table ``__cells``."""
        self.as_numbers = set(types)
        columns = self.structure.columns()
        transform, aside = self.structure.transform(types)
        cells = "".join(f", {_reach(way, way in aside)} as {name(column)}" for column, way in columns.items())
        taken = f", {function}(line, {transform}) as cells" if len(columns) > len(aside) else ""
        self.con.execute(
            f'create or replace temp table __cells as select number as "__line"{cells} '
            f"from (select number, line{taken} from {relation})"
        )

    def _keep(self) -> None:
        """Keep ``__cells``: a small file's as it is, a part of a larger one as Parquet."""
        if len(self.opened.found.head) < BLOCK:
            table = name(os.path.basename(self.work))
            self.con.execute(f"create or replace table {table} as from __cells")
            self.parts = [table]
        else:
            wanted = [
                column
                for column, way in self.structure.columns().items()
                if (self.strict or {}).get(way) == "DOUBLE" and way not in self.as_numbers
            ]
            self.parts.append(f"{self.work}.{len(self.parts)}.parquet")
            self.con.execute(
                f"copy (select * {as_numbers(self.con, wanted)} from __cells) to {text(self.parts[-1])} "
                "(format parquet, compression uncompressed, row_group_size 10240)"
            )
        self.con.execute("drop table __cells")


def _reach(way: Way, aside: bool) -> str:
    if aside:
        return f"json_extract_string(line, {text(pointer(way))})"
    return "cells" + "".join(f"[{text(key)}]" for key in way)
