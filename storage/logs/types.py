"""What the cells of a text column are: numbers, times, booleans, or texts after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from storage.logs.quoting import sql_name as name
from storage.logs.quoting import sql_text as text
from storage.records.logs import Kind

# The share of a column's cells that may fail its type: lines up to it are quarantined, beyond it the column is text.
TOLERATED = 0.01
MARKERS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "")
TYPE_OF_KIND: Mapping[Kind, str] = {"number": "DOUBLE", "text": "VARCHAR", "boolean": "BOOLEAN", "time": "TIMESTAMP"}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UTINYINT")
# Per column: cells that are no marker, whole numbers, numbers, numbers with a leading zero, times, booleans, markers.
_CELLS = """
select c, count(*) filter (not marker),
    count(case when number and not contains(v, '.') and not contains(v, 'e') and not contains(v, 'E')
          then try_cast(v as bigint) end),
    count(*) filter (number and not marker),
    count(*) filter (number and v[1] = '0' and length(v) > 1 and not contains(v, '.')),
    count(case when not number and length(v) >= 8 and (strpos(v, '-') > 1 or contains(v, '/'))
          then try_cast(v as timestamp) end),
    count(*) filter (not number and lower(v) in ('true', 'false')),
    list_distinct(list(v) filter (marker))
from (
    select c, v, v in ({markers}) as marker, try_cast(v as double) is not null as number
    from (unpivot (select {columns} from {relation}) on columns(*) into name c value v)
) group by c
"""


@dataclass(frozen=True, slots=True)
class Guess:
    """DuckDB type per column, and the markers that stand for a missing value in columns of numbers and times."""

    types: dict[str, str]
    markers: tuple[str, ...]


def kind_of(type_name: str) -> Kind:
    """The kind of a DuckDB type; everything that is no number, boolean or time is text.

    >>> kind_of("DECIMAL(18,3)"), kind_of("TIMESTAMP WITH TIME ZONE"), kind_of("UUID")
    ('number', 'time', 'text')
    """
    base = type_name.upper()
    if base.endswith("]"):
        return "text"
    if base.removeprefix("U").startswith(_NUMBERS):
        return "number"
    if base == "BOOLEAN":
        return "boolean"
    return "time" if base.startswith(("TIMESTAMP", "DATE")) else "text"


def guess_types(con: duckdb.DuckDBPyConnection, relation: str, names: Sequence[str]) -> Guess:
    """Guess the types of columns read as text, from the rows of ``relation`` (a sample, or all)."""
    types: dict[str, str] = {}
    markers = {""}
    listed = ", ".join(text(marker) for marker in MARKERS)
    for start in range(0, len(names), 100):
        part = names[start : start + 100]
        columns = ", ".join(f"{name(column)} as c{i}" for i, column in enumerate(part))
        found = con.execute(_CELLS.format(columns=columns, markers=listed, relation=relation)).fetchall()
        counted = {place: row for place, *row in found}
        for i, column in enumerate(part):
            cells, whole, numbers, zeros, times, booleans, seen = counted.get(f"c{i}", (0, 0, 0, 0, 0, 0, []))
            enough = (1 - TOLERATED) * cells
            if not cells or max(numbers, times, booleans) < enough or zeros > cells * TOLERATED:
                types[column] = "VARCHAR"
                continue
            types[column] = "DOUBLE" if numbers >= enough else "TIMESTAMP" if times >= enough else "BOOLEAN"
            if types[column] == "DOUBLE" and whole == numbers:
                types[column] = "BIGINT"
            markers.update(seen or ())
    return Guess(types, tuple(sorted(markers)))


def widen(left: str, right: str) -> str:
    """One type for a column that two files type differently: numbers become DOUBLE, all else text.

    >>> widen("BIGINT", "DOUBLE"), widen("BIGINT", "TIMESTAMP")
    ('DOUBLE', 'VARCHAR')
    """
    if left == right:
        return left
    return "DOUBLE" if {left, right} == {"BIGINT", "DOUBLE"} else "VARCHAR"
