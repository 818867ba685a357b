"""Business metrics: what they answer, and what they are refused."""

import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from storage import business_sql, fenced_sql
from storage.errors import ModelFileError, SourceError

COLUMNS = ["price", "churned", "region", "scored at"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    prices = rng.gamma(2.0, 10.0, 5_000)
    prices[::50] = np.nan
    churned, regions = rng.integers(0, 2, 5_000), rng.choice(["N", "S"], 5_000)
    return pd.DataFrame({"price": prices, "churned": churned, "region": regions, "scored at": 1.0})


@pytest.fixture(scope="module")
def rows(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.duckdb"
    with duckdb.connect(str(path)) as db:
        db.register("frame", frame)
        # pandas has NaN where SQL has NULL.
        price = "CASE WHEN NOT isnan(price) THEN price END AS price"
        db.execute(f"CREATE TABLE log_rows AS SELECT * REPLACE ({price}) FROM frame")
    return path


def ask(rows: Path, sql: str, **options: float) -> business_sql.Outcome:
    return business_sql.run(rows, business_sql.plan(sql, COLUMNS, "the metric m"), "the metric m", **options)


def test_a_mean_is_that_of_pandas(rows: Path, frame: pd.DataFrame) -> None:
    kept = (frame.price * (1 - frame.churned)).dropna()
    got = ask(rows, "avg(price * (1 - churned))")
    assert (got.n, got.value, got.variance) == (len(kept), pytest.approx(kept.mean()), pytest.approx(kept.var()))


def test_a_filter_stays_with_its_mean(rows: Path, frame: pd.DataFrame) -> None:
    north = frame[frame.region == "N"].price.dropna()
    got = ask(rows, "avg(price) FILTER (WHERE region = 'N')")
    assert (got.n, got.value, got.variance) == (len(north), pytest.approx(north.mean()), pytest.approx(north.var()))


def test_a_ratio_keeps_both_sides(rows: Path, frame: pd.DataFrame) -> None:
    got = ask(rows, "100.0 * sum(price) / count(*)")
    assert business_sql.plan("100.0 * sum(price) / count(*)", COLUMNS, "m").shape == "ratio"
    assert sum(got.above) == pytest.approx(100 * frame.price.sum())
    assert sum(got.below) == len(frame)
    assert got.value == pytest.approx(100 * frame.price.sum() / len(frame))


@pytest.mark.parametrize(
    ("sql", "shape"),
    [
        ("AVG(price)", "mean"),
        ("avg(DISTINCT price)", "value"),
        ("sum(price)", "total"),
        ("count(*)", "total"),
        ("sum(price) - 2 * sum(churned)", "total"),
        ("sum(price) / sum(churned)", "ratio"),
        ("sum(price) * sum(churned)", "value"),
        ("quantile_cont(price, 0.5)", "value"),
        ("count(DISTINCT region)", "value"),
        ("avg(CASE WHEN region = 'N' THEN price ELSE 0 END)", "mean"),
        ("sum(price) / (1 + count(*))", "value"),
        ('avg("scored at")', "mean"),
        ("avg(price) -- of all", "mean"),
    ],
)
def test_shapes(rows: Path, sql: str, shape: str) -> None:
    assert business_sql.plan(sql, COLUMNS, "m").shape == shape
    assert ask(rows, sql).value is not None


ATTACKS = [
    "(SELECT count(*) FROM read_csv('/etc/passwd'))",
    "count(*) FROM read_csv('/etc/passwd') --",
    "count(*) FROM '/etc/passwd' --",
    "count(*) FROM log_rows; COPY log_rows TO '/tmp/stolen.csv'; SELECT count(*)",
    "count(*) FROM log_rows; ATTACH '/tmp/x.db'; SELECT count(*)",
    "1; INSTALL httpfs; SELECT 1",
    "1; PRAGMA database_list; SELECT 1",
    "1; SET lock_configuration = false; SELECT 1",
    "count(*) FROM log_rows a, log_rows b --",
    "count(*) FROM range(100000000000) --",
    "count(*), avg(price)",
    "avg(price) FROM log_rows UNION ALL SELECT avg(price)",
    "sum(len(range(1000000000)))",
    "max(length(repeat('x', 1000000000)))",
    "max(current_setting('memory_limit'))",
    "sum(price) OVER ()",
    "sum(price IN (SELECT price FROM log_rows))",
    "avg(COLUMNS(*))",
    "max(getvariable('x'))",
    "list(price)",
    "avg(price) FROM (WITH RECURSIVE t AS (SELECT 1 x UNION ALL SELECT x + 1 FROM t) SELECT * FROM t) log_rows --",
    "sum(list_sum([x FOR x IN [1]]))",
    "sum(?)",
    "avg(price",
    "",
    "price",
    "1",
    "avg(prize)",
    "avg(price) " + "+ 0 " * 2_000,
    "(" * 1_500 + "avg(price)" + ")" * 1_500,
    "query('select 1')",
    "nextval('s')",
]


@pytest.mark.parametrize("sql", ATTACKS, ids=range(len(ATTACKS)))
def test_whatever_is_not_one_plain_aggregate_is_refused(rows: Path, sql: str) -> None:
    before = rows.read_bytes()
    with pytest.raises(ModelFileError) as told:
        ask(rows, sql)
    assert str(told.value).startswith("the metric m: ")
    assert "\n" not in told.value.message
    assert rows.read_bytes() == before


def test_a_wrong_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelFileError, match="did you mean 'price'"):
        business_sql.plan("avg(prize)", COLUMNS, "m")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM 'https://example.com/x.csv'",
        "COPY log_rows TO '/tmp/midwatch_stolen.csv'",
        "EXPORT DATABASE '/tmp/midwatch_stolen'",
        "ATTACH '/tmp/midwatch_stolen.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "PRAGMA memory_limit = '100GB'",
        "SET enable_external_access = true",
        "CREATE TABLE t AS SELECT 1",
        "DELETE FROM log_rows",
        "DROP TABLE log_rows",
    ],
)
def test_the_connection_alone_refuses_too(rows: Path, statement: str) -> None:
    before = rows.read_bytes()
    with pytest.raises(SourceError):
        fenced_sql.query(rows, [statement], "m", time_limit=5)
    assert rows.read_bytes() == before
    assert not list(Path("/tmp").glob("midwatch_stolen*"))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT count(*) FROM log_rows a, log_rows b, log_rows c", "stopped after"),
        ("WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t", "stopped after"),
        ("SELECT count(DISTINCT repeat('x', 200000) || rowid) FROM log_rows", "memory"),
    ],
)
def test_time_and_memory_have_an_end(rows: Path, statement: str, words: str) -> None:
    start = time.monotonic()
    with pytest.raises(SourceError, match=words):
        fenced_sql.query(rows, [statement], "m", time_limit=0.3 if "stopped" in words else 10)
    assert time.monotonic() - start < 5


def test_what_is_no_number_is_said(rows: Path) -> None:
    with pytest.raises(SourceError):
        ask(rows, "max(region)")
    assert ask(rows, "avg(price) FILTER (WHERE region = 'nowhere')") == business_sql.Outcome(None, 0)
