"""Predicates select the same rows as SQL, as pandas and after a round trip through words."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

import duckdb
import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import UsageError
from storage.logs.predicate_text import parse
from storage.logs.predicates import Kinds, pandas_text, predicate_sql, words
from storage.records.slices import Predicate

QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NUMBERS = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 17.0, 0.1, 0.1 + 0.2, 1e300, math.inf, math.nan])
TEXTS = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
    | st.sampled_from(["", "007", "1e5", "nan", "NULL", "O'Hare", '"x"', "true", "inf", "New York", "\\n", "and"])
)
EDGES = st.floats(allow_nan=False, min_value=-1e308)
ON_NUMBERS = st.one_of(
    EDGES.map(lambda v: Predicate("x y", "<=", v)),
    EDGES.map(lambda v: Predicate("x y", ">", v)),
    EDGES.map(lambda v: Predicate("x y", "=", v)),
    EDGES.map(lambda v: Predicate("x y", "!=", v)),
    st.tuples(EDGES, EDGES).map(lambda v: Predicate("x y", "between", (min(v), max(v)))),
    st.sampled_from([Predicate("x y", "missing"), Predicate("x y", "!=")]),
)


def fulfils(cell: object, p: Predicate) -> bool:
    """The meaning, in Python."""
    missing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    if p.op == "missing" or missing:
        return p.op == "missing" and missing
    match p.op:
        case "=":
            return cell == p.value
        case "!=":
            return cell != p.value
        case "<=":
            return cell <= p.value  # type: ignore[operator]
        case ">":
            return cell > p.value  # type: ignore[operator]
        case "between":
            return p.value[0] < cell <= p.value[1]  # type: ignore[index,operator]
    return cell not in p.value  # type: ignore[operator]


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One for all examples: to start an engine costs more than any of them."""
    return duckdb.connect()


def by_sql(type_: str, cells: Sequence[object], column: str, sql: str) -> list[bool]:
    db = engine()
    db.execute(f'create or replace table log(place int, "{column}" {type_})')
    db.executemany("insert into log values (?, ?)", [[i, cell] for i, cell in enumerate(cells)])
    chosen = {place for (place,) in db.execute(f"select place from log where {sql}").fetchall()}
    return [place in chosen for place in range(len(cells))]


def by_pandas(cells: Sequence[object], column: str, text: str) -> list[bool]:
    log = pandas.DataFrame({column: cells})
    chosen = set(eval(text, {"log": log, "pandas": pandas, "float": float}).index)
    return [place in chosen for place in range(len(cells))]


@QUICK
@given(cells=st.lists(NUMBERS, min_size=1, max_size=8), where=st.lists(ON_NUMBERS, min_size=1, max_size=2))
def test_numbers(cells: list[float | None], where: list[Predicate]) -> None:
    """Also where an edge is itself a value, and for NaN and both infinities."""
    cells = [*cells, *(p.value for p in where if isinstance(p.value, float))]
    expected = [all(fulfils(cell, p) for p in where) for cell in cells]
    kinds: Kinds = {"x y": "number"}
    assert by_sql("DOUBLE", cells, "x y", predicate_sql(where, kinds)) == expected
    assert by_sql("DOUBLE", cells, "x y", predicate_sql(where)) == expected
    assert by_pandas([math.nan if c is None else c for c in cells], "x y", pandas_text(where, kinds)) == expected
    assert parse(words(where), kinds) == tuple(dict.fromkeys(where))


@QUICK
@given(cells=st.lists(TEXTS, min_size=1, max_size=8), data=st.data())
def test_texts(cells: list[str | None], data: st.DataObject) -> None:
    known = [cell for cell in cells if cell is not None] or ["a"]
    value = data.draw(st.sampled_from(known))
    some = tuple(data.draw(st.lists(st.sampled_from(known), max_size=3, unique=True)))
    column = 'o"'
    for p in (
        Predicate(column, "=", value),
        Predicate(column, "!=", value),
        Predicate(column, "other", some),
        Predicate(column, "missing"),
        Predicate(column, "!="),
    ):
        expected = [fulfils(cell, p) for cell in cells]
        kinds: Kinds = {column: "text"}
        assert by_sql("VARCHAR", cells, 'o""', predicate_sql([p], kinds)) == expected
        assert by_sql("VARCHAR", cells, 'o""', predicate_sql([p])) == expected
        assert by_pandas(cells, column, pandas_text([p], kinds)) == expected
        assert parse(words([p]), kinds) == (p,)


def test_booleans_and_times() -> None:
    kinds: Kinds = {"b": "boolean", "t": "time"}
    flags = [True, False, None]
    assert by_sql("BOOLEAN", flags, "b", predicate_sql(parse("b = yes", {"b": "text"}))) == [False] * 3
    for text, expected in (("b = true", [1, 0, 0]), ("b != 1", [0, 1, 0]), ("b is missing", [0, 0, 1])):
        where = parse(text, kinds)
        assert by_sql("BOOLEAN", flags, "b", predicate_sql(where, kinds)) == expected
        assert by_pandas(flags, "b", pandas_text(where, kinds)) == expected
    noon = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - DuckDB's timestamps carry no zone
    times = [noon, noon + timedelta(microseconds=1), noon - timedelta(hours=1), None]
    for text, expected in (
        ("t <= 2026-11-23T12:00", [1, 0, 1, 0]),
        ("t >= 2026-11-23T13:00+01:00", [1, 1, 0, 0]),
        ("t < 2026-11-23T12:00", [0, 0, 1, 0]),
        ("2026-11-23T11:00 < t <= 2026-11-23T12:00", [1, 0, 0, 0]),
        ("t is not missing", [1, 1, 1, 0]),
    ):
        where = parse(text, kinds)
        assert by_sql("TIMESTAMP", times, "t", predicate_sql(where, kinds)) == expected
        assert by_pandas(times, "t", pandas_text(where, kinds)) == expected
        assert parse(words(where), kinds) == where


def test_large_whole_numbers_compare_as_the_numbers_they_are_read_as() -> None:
    cells = [2**63 - 1, 17, 18]
    assert by_sql("BIGINT", cells, "n", predicate_sql(parse("n >= 17.5", {"n": "number"}))) == [True, False, True]


def test_what_a_person_meant_is_what_is_shown() -> None:
    kinds: Kinds = {"hour": "number", "New hub": "text"}
    assert words(parse('hour >= 17 and hour < 20 and "New hub" == JFK', kinds)) == (
        'hour >= 17 and hour < 20 and "New hub" = JFK'
    )
    assert predicate_sql(parse("hour < 0.25", kinds), kinds) == '"hour"::double < 0.25'
    assert words(parse("HOUR between 17 and 20", kinds)) == "17 <= hour <= 20"
    assert pandas_text(parse("17<hour<=20", kinds)) == 'log[((log["hour"] > 17) & (log["hour"] <= 20))]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends too early"),
        ("orign = JFK", "no column 'orign'"),
        ("hour > late", "'late' is none"),
        ("origin > JFK", "no order"),
        ("hour = 1 or hour = 2", "no 'or'"),
        ("origin in (a, b)", "takes one value"),
        ("origin = New York", "where 'and' was expected"),
        ("when = 2026-01-01", "asked for by > and <="),
        ("when > soon", "holds times"),
        ("flag = 7", "true or false"),
        ("hour", "ends too early"),
        ("hour ~ 3", "not =, !="),
        ('origin = "JFK', "can't be read from"),
        ("hour < -inf", "nothing lies below"),
        ("1 < hour > 3", "make no span"),
        ("origin not in (a b)", "parted by commas"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, said: str) -> None:
    kinds: Kinds = {"hour": "number", "origin": "text", "when": "time", "flag": "boolean"}
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        parse(text, kinds)


def test_documents_read_back() -> None:
    for p in (
        Predicate("a", "between", (-math.inf, 2.5)),
        Predicate("a", "other", ("x", "y")),
        Predicate("a", "missing"),
        Predicate("a", "=", "7"),
    ):
        assert Predicate.read(p.document()) == p
    with pytest.raises(ValueError, match="no predicate"):
        Predicate.read({"column": "a", "op": "like"})
