"""JSON lines into a Parquet file of ours: nested objects become dotted columns, bad lines are quarantined.

DuckDB's own reader keeps no rejects of JSON and turns some into nulls, so lines are read as text and taken apart here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress

import duckdb

from storage.errors import SourceError
from storage.logs.delimited import Staged
from storage.logs.dialect import MAX_COLUMNS
from storage.logs.engine import file_text, in_words, name, text
from storage.logs.files import MAX_LINE, Scan, open_text
from storage.logs.types import TOLERATED, Guess, guess_types
from storage.records.logs import Reject

_STRUCTURE_LINES = 20_000
# Taking JSON apart needs more than DuckDB has for everything else; reset when it is done.
_MEMORY = "450MB"
_GOOD = "case when json_valid(line) then json_type(line) = 'OBJECT' else false end"


def guess_jsonl(con: duckdb.DuckDBPyConnection, found: Scan, raw_to: str) -> Guess:
    """Columns and types of a JSON lines file; its cells are left as text in a Parquet file at ``raw_to``."""
    (usual,) = con.execute("select current_setting('memory_limit')").fetchone() or ("",)
    con.execute(f"set memory_limit='{_MEMORY}'")
    try:
        return _take_apart(con, found, found.path, found.packed, raw_to)
    except SourceError as error:
        if _dead(con):
            raise SourceError(f"{found.path}: an object is nested too deeply", "leave out that line") from error
        copy = _readable_copy(found, raw_to + ".txt")
        guess = _take_apart(con, found, copy, False, raw_to)
        os.unlink(copy)
        return guess
    finally:
        with suppress(duckdb.FatalException):
            con.execute(f"set memory_limit='{usual}'")


def _dead(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether DuckDB has given up the connection for good, as it does on JSON nested thousands deep."""
    try:
        con.execute("select 1")
    except duckdb.FatalException:
        return True
    return False


def _readable_copy(found: Scan, to: str) -> str:
    """A copy whose lines DuckDB can read as text; what is no UTF-8 or holds its separator is no JSON either."""
    with in_words(found.path), open_text(found.path, found.packed) as raw, open(to, "wb") as out:
        for line in raw:
            body = line.rstrip(b"\r\n").replace(b"\r", b" ").replace(b"\x1f", b"\x01")
            try:
                body.decode("utf-8")
            except UnicodeDecodeError:
                body = b"not UTF-8: " + body.decode("ascii", "backslashreplace").encode("ascii")
            out.write(body + b"\n")
    return to


def _take_apart(con: duckdb.DuckDBPyConnection, found: Scan, source: str, packed: bool, raw_to: str) -> Guess:
    """Read the lines of ``source``, open their objects, and guess what the cells are."""
    lines = (
        f"select line, line_number, case when {_GOOD} then line end as good_line from "
        f"(select line, row_number() over () as line_number from {_lines(source, packed)}) where trim(line) <> ''"
    )
    with in_words(found.path):
        grouped: object = None
        for start in range(0, max(found.lines, 1), _STRUCTURE_LINES):  # in parts: DuckDB frees nothing while it groups
            part = f"select line from {_lines(source, packed)} limit {_STRUCTURE_LINES} offset {start}"
            row = con.execute(
                f"select json_group_structure(line::json) from (select case when {_GOOD} then line end as line "
                f"from ({part})) where line is not null"
            ).fetchone()
            grouped = _joined(grouped, json.loads(row[0])) if row and row[0] else grouped
        leaves = _leaves(found.path, grouped)
        transformed = f"json_transform(good_line, {text(json.dumps(_nested(leaves)))}) as cells" if leaves else "1"
        cells = "".join(f", {_reach(path)} as {name(column)}" for column, path in leaves.items())
        con.execute(
            'copy (select line_number as "__line", good_line is not null as "__good", left(line, 500) as "__text"'
            f"{cells} from (select *, {transformed} from ({lines}))) to {text(raw_to)} "
            "(format parquet, compression uncompressed, row_group_size 10240)"
        )
        if not leaves:
            return Guess({}, ("",))
        return guess_types(con, text(raw_to), list(leaves))


def stage_jsonl(
    con: duckdb.DuckDBPyConnection, found: Scan, guess: Guess, raw_from: str, to: str, forced: Iterable[str] = ()
) -> Staged:
    """Write the rows to Parquet at ``to``, cells cast to the guessed types; a failing cast quarantines the line."""
    types, kept, retyped = dict(guess.types), set(forced), dict[str, str]()
    with in_words(found.path):
        total, *failed = con.execute(
            f"select count(*){''.join(f', count(*) filter ({_fails(c, t, guess)})' for c, t in types.items())} "
            f'from {text(raw_from)} where "__good"'
        ).fetchone() or (0,)
        for column, n in zip(types, failed, strict=True):
            if n > TOLERATED * total and column not in kept:
                retyped[column] = f"{n:,} of {total:,} cells are not {types[column]}"
                types[column] = "VARCHAR"
        wrong = [(c, t) for (c, t), n in zip(types.items(), failed, strict=True) if n and t != "VARCHAR"]
        bad = " or ".join(['not "__good"', *(f"({_fails(c, t, guess)})" for c, t in wrong)])
        reasons = " ".join(
            f"when {_fails(c, t, guess)} then {text(c + ': ')} || left({name(c)}, 80) || {text(' is not ' + t)}"
            for c, t in wrong
        )
        why = f"case when not \"__good\" then '' {reasons} end"
        rejects = con.execute(f'select "__line", {why}, "__text" from {text(raw_from)} where {bad}').fetchall()
        cells = "".join(f", {_cast(c, t)} as {name(c)}" for c, t in types.items())
        copied = con.execute(
            f'copy (select "__line"{cells} from {text(raw_from)} where not ({bad})) to {text(to)} '
            "(format parquet, compression uncompressed, row_group_size 10240)"
        ).fetchone()
    found_rejects = [Reject(found.path, int(n), why or _why(line), line) for n, why, line in rejects]
    return Staged(to, int(copied[0]) if copied else 0, tuple(found_rejects), types, retyped)


def _lines(path: str, packed: bool) -> str:
    """The lines of the file as one column, blank ones as null."""
    return (
        f"read_csv({file_text(path)}, auto_detect=false, header=false, delim=E'\\x1f', quote='', escape='', "
        f"columns={{'line': 'VARCHAR'}}, max_line_size={MAX_LINE + 100_000}, buffer_size=8400000, parallel=false, "
        f"compression='{'gzip' if packed else 'none'}')"
    )


def _why(line: str) -> str:
    """Why a line is no row."""
    try:
        value = json.loads(line)
    except ValueError as error:
        return f"no valid JSON ({error.args[0]})" if len(line) < 500 else "no valid JSON"
    except RecursionError:
        return "JSON nested too deeply"
    return f"JSON, but {type(value).__name__} instead of an object"


def _joined(left: object, right: object) -> object:
    """The structure that holds both: keys of both objects; an object against anything else but null is a text."""
    if isinstance(left, dict) and isinstance(right, dict):
        return {key: _joined(left.get(key), right.get(key)) for key in {**left, **right}}
    if left in (None, "NULL"):
        return right if right is not None else left
    return left if right in (None, "NULL") or left == right else "VARCHAR"


def _leaves(path: str, structure: object, above: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Dotted column name -> keys that lead there; objects are opened, lists stay JSON text."""
    leaves: dict[str, tuple[str, ...]] = {}
    if not isinstance(structure, dict):
        return leaves
    for key, inner in structure.items():
        if not key:
            raise SourceError(f"{path}: an object has an empty key", "give every value a name")
        keys = (*above, key)
        opened = _leaves(path, inner, keys) if isinstance(inner, dict) and inner else {".".join(keys): keys}
        for column, way in opened.items():
            leaves[column if column not in leaves else f"{column}_2"] = way
    if len(leaves) > MAX_COLUMNS:
        raise SourceError(f"{path}: {len(leaves):,} different keys", f"at most {MAX_COLUMNS:,} columns can be read")
    return leaves


def _nested(leaves: dict[str, tuple[str, ...]]) -> dict[str, object]:
    """The structure for json_transform, every leaf a text."""
    nested: dict[str, object] = {}
    for way in leaves.values():
        inner = nested
        for key in way[:-1]:
            inner = inner.setdefault(key, {})  # type: ignore[assignment]
        inner[way[-1]] = "VARCHAR"
    return nested


def _reach(way: tuple[str, ...]) -> str:
    return "cells" + "".join(f"[{text(key)}]" for key in way)


def _cast(column: str, kind: str) -> str:
    return name(column) if kind == "VARCHAR" else f"try_cast({name(column)} as {kind})"


def _fails(column: str, kind: str, guess: Guess) -> str:
    """Whether a cell has a value that its type can't hold."""
    if kind == "VARCHAR":
        return "false"
    cell = name(column)
    nulls = ", ".join(text(marker) for marker in guess.markers)
    return f"{cell} not in ({nulls}) and try_cast({cell} as {kind}) is null"
