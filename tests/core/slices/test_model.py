"""Slices of a registered model's stored batches: which window, which labels, what they cost, what stays hidden."""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.query import query
from core.slices.compare import compare
from core.slices.distribution import distribution
from core.slices.request import SliceRequest
from core.slices.rows import rows
from core.slices.search import search
from core.slices.split import split
from storage.errors import SourceError, UsageError
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import batches, labels
from tests.conftest import CHURN
from tests.core.log_batches import DAY, START, add_batch, predictions
from tests.core.slices.kit import csv, parquet

ROWS = 500
EU_PRO = (Predicate("region", "=", "EU"), Predicate("plan", "=", "pro"))
MORE = """
[[metrics]]
name = "revenue"
kind = "business"
sql = "avg(plan_price * (1 - churned))"
direction = "up"
[[stages]]
name = "shadow"
kind = "shadow"
[[stages]]
name = "full"
kind = "full"
"""


def day(number: int, *, bad: bool = False) -> pd.DataFrame:
    """One day: on a bad one the answers of EU pro users are turned round."""
    rng = np.random.default_rng(1000 + number)
    frame = predictions(number, rows=ROWS)
    frame["region"] = rng.choice(["EU", "NA", "APAC"], ROWS)
    frame["plan"] = rng.choice(["free", "pro"], ROWS)
    frame["account"] = rng.integers(0, 200, ROWS)
    frame["email"] = [f"user{i}@x.org" for i in range(ROWS)]
    frame["latency"] = rng.gamma(2, 20, ROWS)
    if bad:
        hit = (frame["region"] == "EU") & (frame["plan"] == "pro")
        frame.loc[hit, "score"] = 1 - frame.loc[hit, "score"]
    return frame


def times(frame: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(frame["scored_at"]).dt.tz_localize(None)


@dataclass
class Scene:
    """Four good days, admitted, and a bad one: without labels in the logs."""

    db: sqlite3.Connection
    model: Model
    folder: Path
    days: list[pd.DataFrame]

    def labels(self) -> None:
        """Every label arrives, recorded as joined with every batch."""
        path = self.folder / "labels.csv"
        pd.concat(self.days)[["request_id", "churned"]].to_csv(path, index=False)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        file, _ = labels.register(
            self.db, self.model.id, path=str(path), sha256=sha, rows=5 * ROWS, quarantined=0, now=LATER
        )
        for number in range(1, 6):
            labels.joined(self.db, file.id, number, ROWS)

    def ask(self, **options: object) -> SliceRequest:
        return SliceRequest(model="churn", **options)  # type: ignore[arg-type]


SOON = START + 5 * DAY + timedelta(hours=1)
LATER = START + 30 * DAY


@pytest.fixture
def scene(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Scene:
    roles = 'redact = ["email"]\nuser = "account"\nlatency = "latency"'
    model = register(CHURN.replace('redact = ["email"]', roles) + MORE)
    days = [day(number, bad=number == 4) for number in range(5)]
    for number, frame in enumerate(days):
        path = tmp_path / f"day{number}.{'csv' if number == 4 else 'parquet'}"
        (csv if number == 4 else parquet)(path, frame.drop(columns="churned").assign(scored_at=times(frame)))
        batch = add_batch(db, model, path, number, len(frame), now=SOON)
        if number < 4:
            batches.set_baseline(db, batch.id, admit=True, reason="test", by="ada", now=SOON)
    return Scene(db, model, tmp_path, days)


def test_late_labels_lead_to_the_slice_with_its_users_and_its_money(scene: Scene) -> None:
    scene.labels()
    page = search(scene.db, scene.ask(), now=LATER)
    assert (page.signal, page.ranking, page.stands_out) == ("error", "change", True)
    assert page.current.startswith("batch 5 ")
    assert page.reference is not None
    assert page.reference.startswith("4 batches")
    worst = page.slices[0]
    assert set(worst.predicates) == set(EU_PRO)
    bad = scene.days[4]
    held = bad[(bad["region"] == "EU") & (bad["plan"] == "pro")]
    assert worst.rows == len(held)
    assert worst.users == held["account"].nunique()
    assert worst.error == pytest.approx(float(((held["score"] >= 0.5) != (held["churned"] == 1)).mean()))
    good = pd.concat(scene.days[:4])
    good = good[(good["region"] == "EU") & (good["plan"] == "pro")]
    paid = [float((part["plan_price"] * (1 - part["churned"])).mean()) for part in (good, held)]
    assert worst.money == pytest.approx((paid[0] - paid[1]) * len(held))
    assert dict(page.left_out)["email"] == "redacted"
    assert page.slices[0].document()["predicates"][0] == {"column": "region", "op": "=", "value": "EU"}


def test_without_mature_labels_the_next_signal_is_taken_and_said(scene: Scene) -> None:
    page = search(scene.db, scene.ask(), now=SOON)
    assert page.signal == "shift"
    assert "labels" in page.why_this_signal
    scene.labels()
    early = search(scene.db, scene.ask(), now=SOON)  # labels came, but the batch is younger than their lag
    assert early.signal == "shift"
    assert "not all in yet" in early.why_this_signal
    forced = search(scene.db, scene.ask(signal="error", batch=5), now=SOON)
    assert forced.signal == "error"
    assert set(forced.slices[0].predicates) == set(EU_PRO)


def test_the_window_and_the_sides_can_be_named(scene: Scene) -> None:
    scene.labels()
    window = (START + 3 * DAY, START + 4 * DAY)
    page = search(scene.db, scene.ask(window=window), now=LATER)
    assert (page.rows, page.stands_out) == (ROWS, False)
    assert page.verdict.startswith("no slice stands out; everywhere alike")
    found = compare(scene.db, scene.ask(where=EU_PRO), sides="windows", now=LATER)
    assert [line.name[:3] for line in found.lines] == ["now", "ref"]
    assert found.lines[0].difference is not None
    assert found.lines[0].difference > 0.3
    versions = compare(scene.db, scene.ask(), sides="versions", now=LATER)  # as recorded of the batch
    assert [line.name for line in versions.lines] == ["v1"]
    with pytest.raises(UsageError, match="tells the host"):
        compare(scene.db, scene.ask(), sides="hosts", now=LATER)
    with pytest.raises(UsageError, match="no row is of the version 'v9'"):
        search(scene.db, scene.ask(version="v9"), now=LATER)


def test_two_versions_that_answered_the_same_requests_disagree_somewhere(scene: Scene) -> None:
    """A shadow batch beside the newest one: its answers differ for EU free users."""
    shadow = scene.days[4].drop(columns="churned").assign(model_version="v2")
    hit = (shadow["region"] == "EU") & (shadow["plan"] == "free")
    shadow.loc[hit, "score"] = 1 - shadow.loc[hit, "score"]
    path = scene.folder / "shadow.csv"
    shadow.to_csv(path, index=False)
    add_batch(scene.db, scene.model, path, 4, ROWS, now=SOON, stage="shadow")
    page = search(scene.db, scene.ask(), now=SOON)
    assert page.signal == "disagreement"
    assert "v1 and v2 answered the same 500 requests" in page.why_this_signal
    assert page.rows == ROWS
    assert {Predicate("region", "=", "EU"), Predicate("plan", "=", "free")} == set(page.slices[0].predicates)
    assert page.slices[0].error == pytest.approx(1.0)


def test_split_distribution_and_rows_of_a_slice(scene: Scene) -> None:
    scene.labels()
    found = split(scene.db, scene.ask(where=EU_PRO[:1]), by="plan", now=LATER)
    by_plan = {line.words: line for line in found.lines}
    assert by_plan["plan = pro"].error is not None
    assert by_plan["plan = pro"].reference_error is not None
    assert by_plan["plan = pro"].error > by_plan["plan = pro"].reference_error + 0.3
    assert sum(line.rows for line in found.lines) == found.rows
    shares = distribution(scene.db, scene.ask(where=EU_PRO), column="plan_price", now=LATER)
    assert sum(now for _, now, _ in shares.rows) == pytest.approx(1.0)
    assert sum(then for *_, then in shares.rows) == pytest.approx(1.0)

    page = rows(scene.db, scene.ask(where=EU_PRO), now=LATER, limit=5)
    assert page.signals == (1.0,) * 5
    bad = scene.days[4]
    for row in page.rows:
        assert row.values["email"] == "[redacted]"
        here = bad.iloc[row.line - 2]  # line 1 is the header
        assert (row.values["request_id"], here["region"]) == (here["request_id"], "EU")
    with pytest.raises(UsageError, match="redacted"):
        rows(scene.db, scene.ask(where=(Predicate("email", "=", "user1@x.org"),)), now=LATER)
    with pytest.raises(UsageError, match="redacted"):
        split(scene.db, scene.ask(), by="email", now=LATER)


def test_latency_missing_and_money_are_signals_too(scene: Scene) -> None:
    scene.labels()
    for signal, unit in (("latency", "milliseconds"), ("missing", "share of features missing"), ("loss", "loss")):
        page = search(scene.db, scene.ask(signal=signal), now=LATER)
        assert (page.signal, page.unit, page.rows) == (signal, unit, ROWS)
    page = search(scene.db, scene.ask(signal="value"), now=LATER)
    paid = -(scene.days[4]["plan_price"] * (1 - scene.days[4]["churned"])).mean()
    assert page.overall == pytest.approx(float(paid))
    assert page.unit == "revenue lost"


def test_a_file_that_is_gone_or_changed_is_named(scene: Scene) -> None:
    (scene.folder / "day0.parquet").unlink()
    page = search(scene.db, scene.ask(), now=SOON)
    assert any("day0.parquet, is gone" in note for note in page.notes)
    (scene.folder / "day4.csv").write_text("a\n1\n")
    with pytest.raises(SourceError, match="no column 'scored_at'"):
        search(scene.db, scene.ask(), now=SOON)
    scene.days[0].to_csv(scene.folder / "day4.csv", index=False)
    with pytest.raises(SourceError, match="has changed"):
        search(scene.db, scene.ask(), now=SOON)


SECRETS = (
    "select email from log limit 1",
    "select email as e, upper(email) as u from log limit 1",
    "select distinct substr(email, 1, 20) from log",
    "with x as (select * from log) select max(email) from x",
    "select * from (select email as id from log) limit 1",
    "select min(l.email) from log l join log r on l.email = r.email",
)


def test_no_query_brings_a_redacted_value_back(scene: Scene) -> None:
    for statement in SECRETS:
        page = query(scene.db, scene.ask(), statement, now=SOON)
        assert page.redacted == ("email",)
        told = [str(cell).lower() for row in page.rows for cell in row]
        assert told
        assert not any("x.org" in cell or "user" in cell for cell in told)


def test_a_query_sees_late_labels_and_has_an_end(scene: Scene) -> None:
    scene.labels()
    page = query(scene.db, scene.ask(), "select count(*), count(late_label), sum(late_label::int) from log", now=SOON)
    assert page.rows == ((ROWS, ROWS, int(scene.days[4]["churned"].sum())),)
    page = query(scene.db, scene.ask(), "select * from log", now=SOON, limit=7)
    assert (len(page.rows), page.truncated) == (7, True)
    assert "__row" not in page.columns
    with pytest.raises(SourceError, match=r"stopped after 0\.3 s"):
        query(scene.db, scene.ask(), "select sum(hash(a.score, b.score, c.score)) from log a, log b, log c", now=SOON,
              seconds=0.3)  # fmt: skip


REFUSED = (
    ("drop view log", "not a single SELECT"),
    ("select 1; select 2", "not a single SELECT"),
    ("copy log to '/tmp/x'", "not a single SELECT"),
    ("set memory_limit='10GB'", "not a single SELECT"),
    ("select * from read_text('/etc/passwd')", "table function"),
    ("select * from '/etc/passwd'", "no table"),
    ("select * from __log_all", "no table '__log_all'"),
    ("with __log_all as (select * from __log_all) select * from __log_all", "can't be called"),
    ('with "a.parquet" as (select * from "a.parquet") select * from "a.parquet"', "can't be called"),
    ("with duckdb_views as (select * from duckdb_views) select * from duckdb_views", "can't be called"),
    ("select * from main.log", "no table"),
    ("select * from range(10)", "table function"),
    ("select getenv('HOME') from log", "'getenv' is not allowed"),
    ("select current_setting('temp_directory')", "not allowed"),
    ("select list_aggregate(range(1000000000), 'sum')", "not allowed"),
    ("select nope from log", "fails"),
    ("selec 1", "can't be read as SQL"),
)


def test_a_query_reads_the_log_and_nothing_else(scene: Scene) -> None:
    for statement, said in REFUSED:
        with pytest.raises((UsageError, SourceError), match=said):
            query(scene.db, scene.ask(), statement, now=SOON)
