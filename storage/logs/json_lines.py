"""JSON lines into a Parquet file of ours: nested objects become dotted columns, bad lines are quarantined.

DuckDB's own reader keeps no rejects of JSON and turns some into nulls, so lines are read as text and taken apart here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb

from storage.errors import SourceError
from storage.logs.delimited import Staged
from storage.logs.dialect import MAX_COLUMNS
from storage.logs.engine import file_text, in_words, name, text
from storage.logs.files import MAX_LINE, Scan
from storage.logs.types import TOLERATED, Guess, guess_types
from storage.records.logs import Reject

_GOOD = "case when json_valid(line) then json_type(line) = 'OBJECT' else false end"


def guess_jsonl(con: duckdb.DuckDBPyConnection, found: Scan, raw_to: str) -> Guess:
    """Columns and types of a JSON lines file; its cells are left as text in a Parquet file at ``raw_to``."""
    lines = (
        f"select line, line_number, case when {_GOOD} then line end as good_line from "
        f"(select line, row_number() over () as line_number from {_lines(found)}) where trim(line) <> ''"
    )
    with in_words(found.path):
        row = con.execute(f"select json_group_structure(good_line::json) from ({lines}) where good_line is not null")
        (grouped,) = row.fetchone() or (None,)
        leaves = _leaves(found.path, json.loads(grouped) if grouped else {})
        transformed = f"json_transform(good_line, {text(json.dumps(_nested(leaves)))}) as cells" if leaves else "1"
        cells = "".join(f", {_reach(path)} as {name(column)}" for column, path in leaves.items())
        con.execute(
            'copy (select line_number as "__line", good_line is not null as "__good", left(line, 500) as "__text"'
            f"{cells} from (select *, {transformed} from ({lines}))) to {text(raw_to)} "
            "(format parquet, compression uncompressed)"
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
            "(format parquet, compression uncompressed)"
        ).fetchone()
    found_rejects = [Reject(found.path, int(n), why or _why(line), line) for n, why, line in rejects]
    return Staged(to, int(copied[0]) if copied else 0, tuple(found_rejects), types, retyped)


def _lines(found: Scan) -> str:
    """The lines of the file as one column, blank ones as null."""
    return (
        f"read_csv({file_text(found.path)}, auto_detect=false, header=false, delim=E'\\x1f', quote='', escape='', "
        f"columns={{'line': 'VARCHAR'}}, max_line_size={MAX_LINE + 100_000}, parallel=false, "
        f"compression='{'gzip' if found.packed else 'none'}')"
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


def _leaves(path: str, structure: object, above: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Dotted column name -> keys that lead there; objects are opened, lists stay JSON text."""
    leaves: dict[str, tuple[str, ...]] = {}
    if not isinstance(structure, dict):
        return leaves
    for key, inner in structure.items():
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
