"""Which columns of a JSON lines file are kept as numbers while its pieces are read, and which turn out to be texts."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.logs.types import MARKERS, TOLERATED, Guess

_MARKERS = ", ".join(text(marker) for marker in MARKERS)


def as_numbers(con: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> str:
    """SQL that makes those ``wanted`` columns of the table ``__cells`` numbers that hold nothing else."""
    if not wanted:
        return ""
    failed = ", ".join(f"count({name(c)}) - count(try_cast({name(c)} as double))" for c in wanted)
    [counts] = con.execute(f"select {failed} from __cells").fetchall()
    casts = [f"{name(c)}::double as {name(c)}" for c, n in zip(wanted, counts, strict=True) if not n]
    return f"replace ({', '.join(casts)})" if casts else ""


def texts_after_all(con: duckdb.DuckDBPyConnection, parts: Sequence[str], relation: str, guess: Guess) -> set[str]:
    """Columns that some pieces hold as numbers and that are text all the same: there 1 must not become 1.0.

    Args:
        parts: tables, or Parquet files, of the pieces; a single table is never mixed.
        guess: of the columns that not every piece holds as numbers.
    """
    mixed: dict[str, None] = {}
    for part in parts:
        if part.endswith(".parquet"):
            described = con.execute(f"describe from {text(part)}").fetchall()
            mixed.update({row[0]: None for row in described if row[1] == "DOUBLE" and row[0] in guess.types})
    if not mixed:
        return set()
    failed = ", ".join(
        f"count(*) filter (try_cast({name(c)} as double) is null and {name(c)} not in ({_MARKERS}))" for c in mixed
    )
    [(total, *counts)] = con.execute(f"select count(*), {failed} from {relation}").fetchall()
    return {c for c, n in zip(mixed, counts, strict=True) if n > TOLERATED * total or guess.types[c] == "VARCHAR"}
