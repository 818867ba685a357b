"""Two arms of a stage in one table: as pandas has them, covered at the nominal rate, never from one arm alone."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.shadow.arms import arms
from core.stats.intervals import difference_interval, mean_interval, wilson
from storage.errors import UsageError
from storage.records.models import Model
from tests.conftest import NOW
from tests.core.shadow.kit import START, TEXT, requests, take

Register = Callable[..., Model]
STAGES = """
[[metrics]]
name = "revenue"
kind = "business"
sql = "avg(spend * label)"
direction = "up"
[[metrics]]
name = "orders"
kind = "business"
sql = "sum(label)"
direction = "up"
[[stages]]
name = "canary"
traffic = 0.5
minimum_rows = 10000
minimum_labels = 100
[[stages]]
name = "full"
"""
AB = TEXT.split("[[stages]]")[0].replace('name = "accuracy"\n', 'name = "accuracy"\nprimary = true\n') + STAGES


def split(base: pd.DataFrame, share: float, seed: int = 103) -> pd.DataFrame:
    """Each row served by the candidate with that chance; its users buy a third more often."""
    rng = np.random.default_rng(seed)
    mine = rng.random(len(base)) < share
    lifted = np.where(mine & (rng.random(len(base)) < 0.25), 1, base["label"])
    return base.assign(version=np.where(mine, "v2", "v1"), stage=np.where(mine, "canary", "full"), label=lifted)


def test_both_arms_as_pandas_has_them_with_what_is_missing_said(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(AB)
    log = pd.concat([split(requests(2000, seed=s, hour=s), 0.5, seed=100 + s) for s in (1, 2)])
    for hour, part in log.groupby(log["ts"].str[:13]):
        take(db, model, tmp_path / f"{str(hour)[-2:]}.parquet", part)
    lonely = requests(300, seed=9, hour=20)
    take(db, model, tmp_path / "lonely.parquet", lonely)
    found = arms(db, model, "v2", "v1", "canary", now=NOW)
    sides = [log[log["version"] == version] for version in ("v2", "v1")]
    assert [(a.version, a.rows) for a in found.arms] == [("v2", len(sides[0])), ("v1", len(sides[1]))]
    assert (len(found.batches), found.alone) == (2, 1)  # an hour without the candidate is no control
    assert found.share == pytest.approx(len(sides[0]) / len(log))
    assert not found.split_off
    assert found.short == (f"{len(sides[0]):,} of 10,000 rows",)
    assert "not valid for peeking" in found.caution
    told = {one.metric: one for one in found.metrics}
    revenue = [side["spend"] * side["label"] for side in sides]
    gap = told["revenue"]
    assert (gap.candidate.value, gap.control.value) == pytest.approx((revenue[0].mean(), revenue[1].mean()))
    assert gap.difference == pytest.approx(revenue[0].mean() - revenue[1].mean())
    welch = 1.96 * np.sqrt(sum(side.var() / len(side) for side in revenue))
    assert gap.difference is not None
    assert (gap.low, gap.high) == pytest.approx((gap.difference - welch, gap.difference + welch), rel=0.01)
    assert gap.better == "v2"
    right = [((side["score"] >= 0.6) == (side["label"] == 1)).mean() for side in sides]
    accuracy = told["accuracy"]
    assert accuracy.primary
    assert accuracy.difference == pytest.approx(right[0] - right[1])
    assert accuracy.labelled == (len(sides[0]), len(sides[1]))
    assert told["orders"].difference is None
    assert "give the metric as avg(x)" in (told["orders"].note or "")
    assert found.worse == ()
    [worse] = arms(db, model, "v1", "v2", "full", now=NOW).worse
    assert worse.startswith("business metric revenue is worse by -")


def test_a_split_of_48_to_52_is_flagged_and_labels_wait_their_time(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(AB.replace("minimum = 50", 'minimum = 50\nlag = "2d"'))
    take(db, model, tmp_path / "log.parquet", split(requests(20_000), 0.48))
    early = arms(db, model, "v2", "v1", "canary", now=START + timedelta(days=1))
    assert early.split_off
    told = {one.metric: one for one in early.metrics}
    assert told["accuracy"].difference is None
    assert told["accuracy"].note == "no label has had its time"
    assert (early.immature, early.arms[0].labelled) == (1, 0)
    assert "0 of 100 labels" in early.short


def test_nobody_beside_it_is_no_table_and_a_wrong_stage_is_named(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(AB)
    take(db, model, tmp_path / "log.parquet", requests(200))
    found = arms(db, model, "v2", "v1", "canary", now=NOW)
    assert found.metrics == ()
    assert found.not_answered == "no window holds rows of 'v2' in 'canary' beside rows of 'v1'"
    with pytest.raises(UsageError, match="has no stage 'beta'"):
        arms(db, model, "v2", "v1", "beta", now=NOW)


def test_a_known_effect_is_covered_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(11)
    runs, n, m = 1500, 400, 2500
    for p, q in ((0.06, 0.05), (0.004, 0.002)):
        hits = 0
        for x, y in zip(rng.binomial(n, p, runs), rng.binomial(m, q, runs), strict=True):
            low, high = difference_interval(x / n, wilson(x, n), y / m, wilson(y, m))
            hits += low <= p - q <= high
        assert 0.93 <= hits / runs <= 0.985
    hits = 0
    for _ in range(runs):
        a, b = rng.gamma(2, 3, 60), rng.gamma(2, 2, 300)
        ends = [mean_interval(float(x.mean()), float(x.var(ddof=1)), len(x)) for x in (a, b)]
        assert ends[0] is not None
        assert ends[1] is not None
        low, high = difference_interval(float(a.mean()), ends[0], float(b.mean()), ends[1])
        hits += low <= 2.0 <= high
    assert 0.93 <= hits / runs <= 0.97
