"""Writes columns as files: Parquet through DuckDB, CSV (plain or gzip) and JSON lines by hand.

CSV and JSON lines are the same bytes for the same values, gzip included (no time and no name in its header).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `[first, last)` of some of the columns, to be written as one file."""

    path: Path
    first: int
    last: int
    columns: Sequence[str]


def write_parquet(columns: dict[str, Any], parts: Iterable[Part]) -> None:
    """Writes each part as a Parquet file, rows in order.

    Object columns hold str; NaN in a float column is written as null.
    """
    import duckdb

    chosen = ", ".join(
        f'CASE WHEN isnan("{name}") THEN NULL ELSE "{name}" END AS "{name}"'
        if values.dtype.kind == "f"
        else f'"{name}"'
        for name, values in columns.items()
    )
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("given", columns)
        connection.execute(f"CREATE TABLE drawn AS SELECT {chosen} FROM given")
        for part in parts:
            part.path.parent.mkdir(parents=True, exist_ok=True)
            target = str(part.path).replace("'", "''")
            names = ", ".join(f'"{name}"' for name in part.columns)
            connection.execute(
                f"COPY (SELECT {names} FROM drawn WHERE rowid >= {part.first} AND rowid < {part.last}) "
                f"TO '{target}' (FORMAT parquet)"
            )


def write_csv(path: Path, columns: dict[str, list[str]]) -> None:
    """Writes columns of ready-made cells; a name that ends in `.gz` is compressed. Cells hold no comma or quote."""
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True)), ""]
    data = "\n".join(lines).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, compresslevel=1, mtime=0) if path.suffix == ".gz" else data)


def json_line(record: dict[str, Any]) -> str:
    """One compact JSON document, keys in the order given.

    >>> json_line({"b": 1, "a": None})
    '{"b":1,"a":null}'
    """
    return json.dumps(record, separators=(",", ":"))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes text lines, each ended by a newline, as UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def stamps(times: NDArray[np.datetime64]) -> list[str]:
    """ISO 8601 in UTC with milliseconds and a `Z`."""
    import numpy as np

    return [f"{text}Z" for text in np.datetime_as_string(times, unit="ms").tolist()]


def cells(values: NDArray[Any], digits: int | None = None) -> list[str]:
    """Text cells: NaN and None become empty, floats get at most that many digits.

    >>> import numpy as np
    >>> cells(np.array([1.25, np.nan, 3.0]), 2)
    ['1.25', '', '3']
    """
    if digits is None:
        return ["" if value is None else str(value) for value in values.tolist()]
    return [
        "" if value != value else f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
        for value in values.tolist()
    ]
