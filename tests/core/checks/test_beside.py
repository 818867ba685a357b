"""Golden rows, leaks and thin training, judged from what lies beside a batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.checks import golden_rows, leakage, thin_training
from core.checks.base import Check
from core.checks.beside import Beside, GoldenAnswer, Training
from core.stats.alone import category_auc, rank_auc
from storage.records.results import Finding
from tests.core.checks.batches import alone, profile, shop_day


def run(check: Check, beside: Beside, **changed: Any) -> list[Finding]:
    rng = np.random.default_rng(3)
    table = {**shop_day(rng, 1, rows=1000), **changed}
    return check.run(alone(table, shop_day(rng, 0, rows=1000), beside=beside))


def failures(found: list[Finding]) -> list[Finding]:
    return [f for f in found if f.status == "fail"]


def test_without_anything_beside_it_every_check_says_what_it_lacks() -> None:
    for check in (golden_rows.CHECK, leakage.CHECK, thin_training.CHECK):
        assert [f.status for f in run(check, Beside())] == ["not_checked"]
    told = run(golden_rows.CHECK, Beside(reasons={"golden_rows": "the scorer failed: gone"}))
    assert told[0].message == "the scorer failed: gone"


def test_golden_rows_tell_features_from_scores() -> None:
    fine = GoldenAnswer("g1", "core", (), 9, 0.25, 0.25)
    joined = replace(fine, id="g2", differing=("basket", "age"), told=0.9)
    other = replace(fine, id="g3", told=0.31)
    silent = replace(fine, id="g4", told=None)
    found = failures(run(golden_rows.CHECK, Beside(golden=(fine, joined, other, silent))))
    assert [(f.tier, f.column) for f in found] == [("ticket", "age"), ("digest", "score")]
    assert "1 of 4 golden rows have other features" in found[0].message
    assert found[0].evidence["rows_sql"] == "CAST(\"request_id\" AS VARCHAR) IN ('g2')"
    assert "2 of 4" in found[1].message
    assert not failures(run(golden_rows.CHECK, Beside(golden=(fine, replace(fine, told=0.25 + 5e-5)))))


def test_a_column_that_knew_and_a_metric_that_promised_too_much() -> None:
    table = shop_day(np.random.default_rng(5), 0, rows=1000)
    training = Training(
        "v9",
        profile(table),
        alone={"age": 0.7, "closed_at": 0.999},
        late={"seen_at": 400},
        offline={"auc": 0.998, "mae": 2.0},
        live={"auc": (0.51, 0.02, 900), "mae": (2.2, 0.1, 900)},
    )
    found = failures(run(leakage.CHECK, Beside(training=training)))
    assert [f.column for f in found] == ["closed_at", "seen_at", "score"]
    assert "0.998 offline and is 0.510 live on 900" in found[2].message
    honest = replace(training, alone={"age": 0.7}, late={"seen_at": 2}, offline={"auc": 0.58})
    assert not failures(run(leakage.CHECK, Beside(training=honest)))
    known = failures(run(leakage.CHECK, Beside(training=replace(honest, known_ids=40))))
    assert [(f.tier, f.column) for f in known] == [("digest", "request_id")]
    assert not failures(run(leakage.CHECK, Beside(training=replace(honest, known_ids=9))))


@pytest.mark.parametrize("seed", range(10))
def test_a_part_ten_times_thinner_in_training_is_told_and_no_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    learned = shop_day(rng, 0, rows=2000)
    assert not failures(run(thin_training.CHECK, Beside(training=Training("v9", profile(learned)))))
    region = np.where((learned["region"] == "LATAM") & (rng.random(2000) < 0.95), "NA", learned["region"])
    thin = profile({**learned, "region": region.astype(object)})
    found = failures(run(thin_training.CHECK, Beside(training=Training("v9", thin))))
    assert [f.slice for f in found] == ["region=LATAM"]
    assert found[0].value is not None
    assert found[0].value > 8
    assert "thin in training" in found[0].message


def test_ranking_by_one_column() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(2000) < 0.3).astype(float)
    assert rank_auc(rng.standard_normal(2000), labels)[0] < 0.55
    assert rank_auc(-labels, labels)[0] == 1.0
    assert rank_auc(np.full(5, np.nan), labels[:5]) == (0.5, 0)
    assert category_auc([(100, 0), (50, 50), (10, 5)]) > 0.95
    assert category_auc([(100, 0)]) == 0.5
