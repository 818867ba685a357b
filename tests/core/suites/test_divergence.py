"""ML metric and business metric over batches: a flip is flagged, noise and trends are not."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from core.stats.sign_flip import sign_flip
from core.suites.held_to import held_to
from core.suites.overview import overview
from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.results import MetricValue
from storage.tables import batches, metrics
from tests.conftest import NOW
from tests.core.log_batches import DAY, START
from tests.core.suites.scene import BUSINESS, TEXT


def rate(of: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]], seeds: int = 60) -> float:
    return float(np.mean([sign_flip(*of(np.random.default_rng(seed))).flipped for seed in range(seeds)]))


def drifting(rng: np.random.Generator) -> np.ndarray:
    found = np.zeros(40)
    for i, step in enumerate(rng.normal(size=40)):
        found[i] = 0.8 * found[i - 1] + step
    return found


def test_noise_and_drift_are_not_flagged_and_a_flip_is() -> None:
    assert rate(lambda rng: (rng.normal(size=40), rng.normal(size=40))) <= 0.01 + 3 * 0.0128
    assert rate(lambda rng: (drifting(rng), drifting(rng))) <= 0.01 + 3 * 0.0128
    turned = np.r_[np.ones(28), -np.ones(12)]

    def flip(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        a = rng.normal(size=40)
        return a, 0.8 * turned * a + 0.6 * rng.normal(size=40)

    assert rate(flip) >= 0.9


@pytest.mark.parametrize("flipped", [True, False])
def test_the_overview_says_when_ml_and_business_part_ways(
    db: sqlite3.Connection, register: Callable[..., Model], flipped: bool
) -> None:
    model = register(TEXT + BUSINESS)
    rng = np.random.default_rng(1)
    db.execute("BEGIN")
    for day in range(36):
        window = (START + day * DAY, START + (day + 1) * DAY)
        batch = Batch(
            0, model.id, "serving", f"{day}.csv", f"{day:064d}", "csv", 1, "v1", None, *window, 900, 0, (), NOW, False
        )
        batch_id = batches.insert(db, batch, [], b"")
        error = float(rng.normal(10, 1))
        sign = -1 if flipped and day >= 24 else 1
        cost = 20 + sign * (error - 10) + float(rng.normal(0, 0.2))
        values = [
            MetricValue("mae", "ml", error, error - 0.1, error + 0.1, 900, 900, version="v1"),
            MetricValue("cost", "business", cost, None, None, 900, 900, version="v1"),
        ]
        metrics.append(db, model.id, batch_id, values, NOW)
    db.execute("COMMIT")
    told = overview(db, model, now=NOW + timedelta(days=60))
    cost_told = next(one for one in told.divergences if one.business == "cost")
    assert cost_told.past is not None
    assert cost_told.past > 0.9
    assert cost_told.flipped is flipped
    assert ("part ways" in cost_told.sentence) is flipped
    assert (cost_told.sentence in held_to(db, model, now=NOW + timedelta(days=60)).parted) is flipped
    assert "too few" in next(one for one in told.divergences if one.business == "long_delays").sentence
    newest = {line.spec.name: line.newest for line in told.lines}
    assert newest["mae"] is not None
    assert newest["rmse"] is None
    assert [line.role for line in told.lines] == ["primary", "", "", ""]
