"""Parquet files are read where they lie: structs become dotted columns, other foreign types texts."""

from __future__ import annotations

import duckdb

from storage.logs.engine import file_text
from storage.logs.files import Scan
from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.types import kind_of


def parquet_part(con: duckdb.DuckDBPyConnection, place: int, found: Scan, forced: dict[str, str]) -> str:
    """Select over one Parquet file: structs opened into dotted columns, what is no number, time or boolean as text."""
    relation = f"read_parquet({file_text(found.path)}, file_row_number=true)"
    cells = []
    for column, kind, *_ in con.execute(f"describe select * exclude (file_row_number) from {relation}").fetchall():
        for dotted, reach, leaf in _leaves(con, relation, column, name(column), kind):
            cells.append(f"{_as_read(reach, forced.get(dotted), leaf)} as {name(dotted)}")
    return f'select {place} as "__file", file_row_number + 1 as "__row", {", ".join(cells)} from {relation}'


def _leaves(
    con: duckdb.DuckDBPyConnection, relation: str, dotted: str, reach: str, kind: str
) -> list[tuple[str, str, str]]:
    """Dotted name, expression and type of a column, or of all leaves of a struct."""
    if not kind.startswith("STRUCT") or kind.endswith("]"):
        return [(dotted, reach, kind)]
    found = con.execute(f"describe select unnest({reach}) from {relation}").fetchall()
    return [
        leaf
        for key, inner, *_ in found
        for leaf in _leaves(con, relation, f"{dotted}.{key}", f"{reach}[{text(key)}]", inner)
    ]


def _as_read(reach: str, forced: str | None, kind: str) -> str:
    if forced:
        return f"try_cast({reach} as {forced})"
    if kind.endswith("]") or kind.startswith(("MAP", "UNION")):
        return f"to_json({reach})::varchar"
    if kind == "TIMESTAMP WITH TIME ZONE":  # to UTC; as it is, DuckDB asks for one more package
        return f"make_timestamp(epoch_us({reach}))"
    if kind_of(kind) == "text" and kind != "VARCHAR":
        return f"{reach}::varchar"
    return reach
