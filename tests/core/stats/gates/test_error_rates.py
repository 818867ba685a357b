"""False alarms and power over a few hundred rollouts; the benchmark has thousands."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from core.stats.gates.hypergeometric import log_ratios
from core.stats.gates.means import TAU, Means
from core.stats.gates.odds import GRID, Harm, Odds, points_for
from core.stats.gates.paths import harm_path, log_mean, mean_scores, mixture_path, promote_path, rank_scores
from core.stats.gates.planner import plan
from core.stats.gates.ranks import Ranks
from tests.core.stats.gates.test_means import Arm

ROLLOUTS, LOOKS, ALPHA = 200, 300, 0.05
LIMIT = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / ROLLOUTS)
DAY = 1 + 0.5 * np.sin(2 * np.pi * np.arange(LOOKS) / 100)
RAMP = np.repeat([10, 100, 500], LOOKS // 3)
WORLDS = {
    "constant": (np.full(LOOKS, 100), np.full(LOOKS, 900), np.full(LOOKS, 0.05)),
    "rare": (np.full(LOOKS, 100), np.full(LOOKS, 9_900), np.full(LOOKS, 0.001)),
    "diurnal": (np.full(LOOKS, 100), np.full(LOOKS, 900), 0.05 * DAY),
    "ramp": (RAMP, 1_000 - RAMP, np.linspace(0.02, 0.06, LOOKS)),
}
Counts = NDArray[np.int64]


def made(name: str, seed: int = 5) -> tuple[Counts, Counts, Counts, Counts]:
    n_c, n_b, rate = WORLDS[name]
    rng = np.random.default_rng(seed)
    return n_c, rng.binomial(n_c, rate, (ROLLOUTS, LOOKS)), n_b, rng.binomial(n_b, rate, (ROLLOUTS, LOOKS))


def ever(evidence: NDArray[np.float64]) -> float:
    return float((evidence >= -math.log(ALPHA)).any(axis=-1).mean())


@pytest.mark.parametrize("name", WORLDS)
def test_a_harmless_candidate_is_rarely_accused_however_often_one_looks(name: str) -> None:
    for harm in ("up", "down"):
        assert ever(harm_path(*made(name), GRID, harm)) <= LIMIT


def test_a_candidate_at_the_margin_hardly_ever_passes() -> None:
    rng = np.random.default_rng(6)
    for harm, worse in (("up", 0.06 / 0.94 * 1.3), ("down", 0.06 / 0.94 / 1.3)):
        odds: Harm = "up" if harm == "up" else "down"
        k_c = rng.binomial(300, worse / (1 + worse), (ROLLOUTS, 100))
        k_b = rng.binomial(700, 0.06, (ROLLOUTS, 100))
        assert ever(promote_path(np.int64(300), k_c, np.int64(700), k_b, points_for(1.3), 1.3, odds)) <= LIMIT


def test_a_z_test_at_each_look_cries_wolf() -> None:
    n_c, k_c, n_b, k_b = (x.cumsum(axis=-1) for x in made("constant"))
    p = (k_c + k_b) / (n_c + n_b)
    z = (k_c / n_c - k_b / n_b) / np.sqrt(p * (1 - p) * (1 / n_c + 1 / n_b))
    assert float((z > 1.645).any(axis=1).mean()) > 0.20


def test_counts_pooled_over_a_ramp_accuse_everybody() -> None:
    n_c, k_c, n_b, k_b = (x.cumsum(axis=-1)[..., 59::60] for x in made("ramp"))
    worse = tuple(x for x in GRID if x > 0)
    assert ever(log_mean(log_ratios(n_c, k_c, n_b, k_b, worse)) - math.log(len(worse))) > 0.90


def test_conversions_counted_on_arrival_accuse_everybody() -> None:
    """All come 20 looks after exposure; when the candidate's share grows tenfold, its conversions seem to vanish."""
    n_c, k_c, n_b, k_b = (x[..., :150] for x in made("ramp"))
    late_c, late_b = np.zeros_like(k_c), np.zeros_like(k_b)
    late_c[:, 20:], late_b[:, 20:] = k_c[:, :-20], k_b[:, :-20]
    assert ever(harm_path(n_c, np.minimum(late_c, n_c), n_b, np.minimum(late_b, n_b), GRID, "down")) > 0.90


def test_twice_the_odds_are_found_within_the_plan() -> None:
    budget = plan(rate=0.02, odds_ratio=2.0, alpha=0.01, per_minute=1_000, share=0.1)
    n_c = round(budget.units / 30)
    rng = np.random.default_rng(7)
    k_c, k_b = rng.binomial(n_c, 0.04 / 1.02, (ROLLOUTS, 90)), rng.binomial(9 * n_c, 0.02, (ROLLOUTS, 90))
    found = harm_path(np.int64(n_c), k_c, np.int64(9 * n_c), k_b, GRID) >= math.log(100)
    assert found[:, :30].any(axis=1).mean() >= 0.40
    assert found.any(axis=1).mean() >= 0.95


def test_many_rollouts_at_once_are_the_same_rollouts() -> None:
    n_c, k_c, n_b, k_b = made("ramp")
    odds = Odds.empty(margin=1.3)
    for look in range(40):
        odds = odds.add(n_c[look], k_c[3, look], n_b[look], k_b[3, look])
    first = (n_c[:40], k_c[3:4, :40], n_b[:40], k_b[3:4, :40])
    assert odds.log_harm() == pytest.approx(harm_path(*first, GRID)[0, -1], abs=1e-6)
    assert odds.log_promote(1.3) == pytest.approx(promote_path(*first, points_for(1.3), 1.3)[0, -1], abs=1e-6)


def test_many_paths_of_numbers_are_the_same_paths() -> None:
    rng = np.random.default_rng(9)
    y, z = rng.gamma(2, 1, (5, 30)), rng.gamma(2, 1, (5, 70))
    means, ranks = Means.empty(sd=1.4), Ranks()
    auc = (y[:, :, None] > z[:, None, :]).mean(axis=(1, 2))
    for look in range(5):
        means = means.add(Arm.of(y[look]), Arm.of(z[look]))
        ranks = ranks.add(30, 70, float(auc[look]), 0.0)
    n_c, n_b = np.full(5, 30.0), np.full(5, 70.0)
    sums = [(n, v.sum(axis=1), (v * v).sum(axis=1)) for n, v in ((n_c, y), (n_b, z))]
    path = mixture_path(*mean_scores(sums[0], sums[1]), TAU * 1.4)
    assert means.log_harm() == pytest.approx(path[-1])
    score, information = rank_scores(n_c, n_b, auc, np.zeros(5))
    assert ranks.information == pytest.approx(information[-1])
    assert (ranks.estimate - 0.5) * ranks.information == pytest.approx(score[-1])


def test_a_candidate_of_another_variance_is_rarely_accused() -> None:
    """Gamma numbers of the same mean, four times the variance in the candidate's arm; decreases from 2,000 units on."""
    rng = np.random.default_rng(10)
    rollouts, looks = 200, 100
    y, z = rng.gamma(0.5, 2.0, (rollouts, looks, 50)), rng.gamma(2.0, 0.5, (rollouts, looks, 200))
    sums = [(np.full(looks, v.shape[2] * 1.0), v.sum(axis=2), (v * v).sum(axis=2)) for v in (y, z)]
    score, information = mean_scores(sums[0], sums[1])
    assert ever(mixture_path(score, information, TAU * math.sqrt(0.5))) <= LIMIT
    assert ever(mixture_path(-score, information, TAU * math.sqrt(0.5))[:, 39:]) <= LIMIT
