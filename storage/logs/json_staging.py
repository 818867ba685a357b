"""JSON lines that were taken apart, into a Parquet file of ours: cells cast, lines whose cells fail quarantined."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from storage.logs.delimited import Staged
from storage.logs.engine import in_words
from storage.logs.json_pieces import MOST_REJECTS, OpenedLines
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.types import MARKERS, TOLERATED, Guess
from storage.records.logs import Reject

_MARKERS = ", ".join(text(marker) for marker in MARKERS)


def stage_jsonl(
    con: duckdb.DuckDBPyConnection, opened: OpenedLines, agreed: Guess, to: str, forced: Collection[str] = ()
) -> Staged:
    """Write the rows to Parquet at ``to``, cells cast to the agreed types; a failing cast quarantines the line."""
    types, retyped, relation = dict(agreed.types), dict[str, str](), opened.relation
    with in_words(opened.found.path):
        total, failed = _failures(con, opened, types)
        # Whole numbers in the sample, others further on: numbers still.
        broader = {c: "DOUBLE" for c, n in failed.items() if n and types[c] == "BIGINT"}
        if broader:
            types |= broader
            failed |= _failures(con, opened, broader)[1]
        for column, n in failed.items():
            if n > TOLERATED * total and column not in forced:
                retyped[column] = f"{n:,} of {total:,} cells are not {types[column]}"
                types[column] = "VARCHAR"
        wrong = [(c, types[c]) for c, n in failed.items() if n and types[c] != "VARCHAR"]
        bad = " or ".join(f"({_fails(c, t)})" for c, t in wrong) or "false"
        rejects = list(opened.rejects)
        rejected = opened.rejected
        if wrong:
            reasons = " ".join(
                f"when {_fails(c, t)} then {text(c + ': ')} || left({name(c)}::varchar, 80) || {text(' is not ' + t)}"
                for c, t in wrong
            )
            [(more,)] = con.execute(f"select count(*) from {relation} where {bad}").fetchall()
            rejected += int(more)
            found = con.execute(
                f'select "__line", case {reasons} end from {relation} where {bad} limit {MOST_REJECTS}'
            ).fetchall()
            rejects += [Reject(opened.found.path, int(line), why, "") for line, why in found]
        cells = "".join(f", {_cast(c, t, c in opened.numbers)} as {name(c)}" for c, t in types.items())
        copied = con.execute(
            f'copy (select "__line"{cells} from {relation} where not ({bad})) to {text(to)} '
            "(format parquet, compression uncompressed, row_group_size 10240)"
        ).fetchall()
    rejects = sorted(rejects, key=lambda reject: reject.line)[:MOST_REJECTS]
    return Staged(to, int(copied[0][0]), tuple(rejects), types, retyped, rejected)


def _failures(con: duckdb.DuckDBPyConnection, opened: OpenedLines, types: dict[str, str]) -> tuple[int, dict[str, int]]:
    """Rows, and per column that is cast the cells that fail; for whole numbers those too that are not whole."""
    asked = {c: t for c, t in types.items() if t != "VARCHAR" and not (c in opened.numbers and t == "DOUBLE")}
    counts = "".join(f", count(*) filter ({_fails(c, t)})" for c, t in asked.items())
    [(total, *failed)] = con.execute(f"select count(*){counts} from {opened.relation}").fetchall()
    return int(total), {column: int(n) for column, n in zip(asked, failed, strict=True)}


def _cast(column: str, kind: str, number: bool) -> str:
    if kind == "VARCHAR":
        return f"{name(column)}::varchar"
    cast = name(column) if number and kind == "DOUBLE" else f"try_cast({name(column)}::varchar as {kind})"
    return f"nullif({cast}, 'nan'::double)" if kind == "DOUBLE" else cast


def _fails(column: str, kind: str) -> str:
    """Whether a cell has a value that its type can't hold."""
    cell = f"{name(column)}::varchar"
    failed = f"{cell} is not null and try_cast({cell} as {kind}) is null and {cell} not in ({_MARKERS})"
    if kind == "BIGINT":  # a cast would round
        return f"({failed}) or contains({cell}, '.') or contains(lower({cell}), 'e') and {cell} not in ({_MARKERS})"
    return failed
