"""Predicates on the rows of a log, written as DuckDB's SQL, as pandas, and in words.

All three select the same rows. A cell is missing when it is null, or NaN in a number column; DuckDB itself takes NaN
for the largest number, so every comparison upwards says that it means real numbers only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from storage.logs.quoting import sql_name, sql_text
from storage.records.logs import Kind
from storage.records.slices import Predicate

Kinds = Mapping[str, Kind]
_PLAIN_NUMBER = re.compile(r"-?\d{1,15}|-?(?=[\d.]{3,16}$)\d+\.\d+")
_PLAIN_WORD = re.compile(r"[^\W\d][\w./@+-]*")
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "between", "missing", "null", "inf"})


def predicate_sql(predicates: Sequence[Predicate], kinds: Kinds | None = None) -> str:
    """The rows that fulfil all of them, as an SQL condition over ``log``; no predicates are every row.

    Args:
        kinds: the kinds of the columns as they were read; without them the condition is longer, not different.

    >>> print(predicate_sql([Predicate("origin", "=", "JFK"), Predicate("hour", "<=", 17.0)]))
    "origin"::varchar = 'JFK' and "hour"::double <= 17
    """
    return " and ".join(_sql(predicate, (kinds or {}).get(predicate.column)) for predicate in predicates) or "true"


def pandas_text(predicates: Sequence[Predicate], kinds: Kinds | None = None) -> str:
    """The same rows of a DataFrame called ``log``.

    >>> print(pandas_text([Predicate("origin", "=", "JFK"), Predicate("hour", ">", 17.0)]))
    log[(log["origin"] == "JFK") & (log["hour"] > 17)]
    """
    parts = [_pandas(predicate, (kinds or {}).get(predicate.column)) for predicate in predicates]
    return f"log[{' & '.join(f'({part})' for part in parts)}]" if parts else "log"


def words(predicates: Sequence[Predicate]) -> str:
    """The same for a person; :func:`storage.logs.predicate_text.parse` reads it back.

    >>> words([Predicate("origin", "=", "JFK"), Predicate("hour", "between", (17.0, 20.0))])
    'origin = JFK and 17 < hour <= 20'
    >>> words([])
    'all rows'
    """
    return " and ".join(_words(predicate) for predicate in predicates) or "all rows"


def number_text(value: float) -> str:
    """A number as short as it can be read back.

    >>> number_text(17.0), number_text(0.1 + 0.2), number_text(float("-inf"))
    ('17', '0.30000000000000004', '-inf')
    """
    return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(value)


def _meant(op: str, value: float) -> tuple[str, float]:
    """``<=`` and ``>`` with the strict or loose sign and the limit that a person typed."""
    above = math.nextafter(value, math.inf)
    if len(number_text(above)) + 4 < len(number_text(value)):
        return ("<" if op == "<=" else ">="), above
    return op, value


def _sql(predicate: Predicate, kind: Kind | None) -> str:
    column, op = sql_name(predicate.column), predicate.op
    match op:
        case "missing":
            return _missing(column, kind)
        case "other":
            listed = ", ".join(sql_text(value) for value in predicate.several)
            present = f"not {_missing(column, kind)}"
            return f"{present} and {column}::varchar not in ({listed})" if listed else present
        case "!=" if predicate.value is None:
            return f"not {_missing(column, kind)}"
        case "between":
            low, high = predicate.bounds
            return f"{_bound(column, low)} and {_bound(column, high)}"
        case "=" | "!=":
            sign = "=" if op == "=" else "<>"
            if isinstance(value := predicate.one, str):
                return f"{column}::varchar {sign} {sql_text(value)}"
            return f"{column}::double {sign} {_literal(value)}{_real(column) if op == '!=' else ''}"
        case _:
            upwards = op == ">" and not isinstance(predicate.one, str)
            return _bound(column, predicate) + (_real(column) if upwards else "")


def _bound(column: str, predicate: Predicate) -> str:
    if isinstance(value := predicate.one, str):
        return f"{column}::timestamp {predicate.op} {sql_text(value)}::timestamp"
    sign, limit = _meant(predicate.op, value)
    return f"{column}::double {sign} {_literal(limit)}"


def _real(column: str) -> str:
    return f" and not isnan({column}::double)"


def _missing(column: str, kind: Kind | None) -> str:
    if kind == "number":
        return f"({column} is null or isnan({column}::double))"
    if kind is not None:
        return f"({column} is null)"
    return f"({column} is null or (typeof({column}) in ('DOUBLE', 'FLOAT') and {column}::varchar = 'nan'))"


def _literal(value: float) -> str:
    """A number that DuckDB reads as exactly this double: short ones as they are, others with an exponent."""
    if not math.isfinite(value):
        return f"'{value}'::double"
    text = number_text(value)
    return text if _PLAIN_NUMBER.fullmatch(text) or "e" in text else f"{text}e0"


def _pandas(predicate: Predicate, kind: Kind | None) -> str:
    cell, op = f"log[{_quoted(predicate.column)}]", predicate.op
    match op:
        case "missing":
            return f"{cell}.isna()"
        case "other":
            listed = ", ".join(_python(value, kind) for value in predicate.several)
            return f"{cell}.notna() & ~{cell}.isin([{listed}])" if listed else f"{cell}.notna()"
        case "!=":
            unlike = "" if predicate.value is None else f" & ({cell} != {_python(predicate.one, kind)})"
            return f"{cell}.notna(){unlike}"
        case "between":
            low, high = predicate.bounds
            return f"({_comparison(cell, low)}) & ({_comparison(cell, high)})"
        case "=":
            return f"{cell} == {_python(predicate.one, kind)}"
        case _:
            return _comparison(cell, predicate)


def _comparison(cell: str, predicate: Predicate) -> str:
    if isinstance(value := predicate.one, str):
        return f"{cell} {predicate.op} {_python(value, 'time')}"
    sign, limit = _meant(predicate.op, value)
    return f"{cell} {sign} {_python(limit, None)}"


def _python(value: str | float, kind: Kind | None) -> str:
    if kind == "boolean" and value in ("true", "false"):
        return str(value == "true")
    if isinstance(value, str):
        return f"pandas.Timestamp({_quoted(value)})" if kind == "time" else _quoted(value)
    return number_text(value) if math.isfinite(value) else f"float({str(value)!r})"


def _quoted(value: str) -> str:
    r"""A Python text in double quotes.

    >>> print(_quoted('say "hi"\n'))
    "say \"hi\"\n"
    """
    body = "".join(
        {'"': '\\"', "\\": "\\\\"}.get(c, c if c.isprintable() else c.encode("unicode_escape").decode()) for c in value
    )
    return f'"{body}"'


def _words(predicate: Predicate) -> str:
    column, op = word(predicate.column), predicate.op
    match op:
        case "missing":
            return f"{column} is missing"
        case "other":
            return f"{column} not in ({', '.join(word(value) for value in predicate.several)})"
        case "!=" if predicate.value is None:
            return f"{column} is not missing"
        case "between":
            (left, low), (right, high) = (_side(bound) for bound in predicate.bounds)
            return f"{low} {'<' if left == '>' else '<='} {column} {right} {high}"
        case _:
            return f"{column} {' '.join(_side(predicate))}"


def _side(predicate: Predicate) -> tuple[str, str]:
    """Sign and value as a person writes them."""
    if isinstance(value := predicate.one, str):
        return predicate.op, word(value)
    sign, limit = _meant(predicate.op, value) if predicate.op in ("<=", ">") else (predicate.op, value)
    return sign, number_text(limit)


def word(text: str) -> str:
    r"""A name or text as it stands when it is one plain word, in double quotes otherwise.

    >>> print(word("JFK"), word("New York"), word("007"), word('"'))
    JFK "New York" "007" "\""
    """
    return text if _PLAIN_WORD.fullmatch(text) and text.lower() not in _KEYWORDS else _quoted(text)
