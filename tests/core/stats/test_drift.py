"""Laws of the distances: zero for equal, bounded, blind to size; and what is expected of a past."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stats import drift
from core.stats.effect import UNITS, best_unit, log_score
from core.stats.expectation import expectations, family_threshold
from core.stats.mixture import mixed_unit, plausible
from core.stats.sketch_numbers import Histogram

COUNTS = st.lists(st.integers(1, 1000), min_size=2, max_size=12)


@given(COUNTS, st.integers(2, 50))
def test_equal_shares_are_no_distance_at_any_size(counts: list[int], times: int) -> None:
    more = [c * times for c in counts]
    assert drift.psi(counts, more) == pytest.approx(0, abs=1e-12)
    assert drift.jensen_shannon(counts, more) == pytest.approx(0, abs=1e-6)
    assert drift.total_variation(counts, more) == pytest.approx(0, abs=1e-12)


@given(COUNTS, st.randoms(use_true_random=False))
def test_distances_are_symmetric_and_bounded(counts: list[int], random: object) -> None:
    other = list(reversed(counts))
    for measure in (drift.psi, drift.jensen_shannon, drift.total_variation):
        assert measure(counts, other) == pytest.approx(measure(other, counts))
    assert 0 <= drift.jensen_shannon(counts, other) <= 1
    assert 0 <= drift.total_variation(counts, other) <= 1


def test_kolmogorov_and_wasserstein_of_a_shift() -> None:
    left, right = Histogram.of(np.arange(0.0, 100)), Histogram.of(np.arange(25.0, 125))
    assert drift.kolmogorov(left, right) == pytest.approx(0.25)
    assert drift.wasserstein(left, right) == pytest.approx(25, abs=0.5)
    assert np.isnan(drift.kolmogorov(left, Histogram.empty()))


@pytest.mark.parametrize(
    "unit", [u for u in UNITS if u[0].startswith(("hours", "x 1000", "Fahr", "Celsius for F", "the"))]
)
def test_a_unit_is_named(unit: tuple[str, float, float]) -> None:
    rng = np.random.default_rng(1)
    before, now = rng.gamma(4, 12, 3000) + 5, rng.gamma(4, 12, 3000) + 5
    found = best_unit(Histogram.of(unit[1] * now + unit[2]), Histogram.of(before))
    assert found is not None
    assert found[1:3] == pytest.approx(unit[1:])
    assert found[3] < 0.05 < found[4]


def test_a_part_in_another_unit_is_told_as_a_share() -> None:
    rng = np.random.default_rng(2)
    before, now = rng.gamma(4, 12, 4000), rng.gamma(4, 12, 4000)
    now[:1200] *= 60
    found = mixed_unit(Histogram.of(now), Histogram.of(before))
    assert found is not None
    assert found[1] == 60
    assert found[3] == pytest.approx(0.3, abs=0.05)
    assert plausible(Histogram.of(now), Histogram.of(before), 60, 0, found[3])
    assert mixed_unit(Histogram.of(rng.gamma(4, 13, 4000)), Histogram.of(before)) is None


def test_a_season_is_expected_and_a_departure_stands_out() -> None:
    rng = np.random.default_rng(3)
    days = np.arange(28)
    weekend = np.where(days % 7 >= 5, 50.0, 100.0)
    past = (weekend + rng.normal(0, 1, 28))[:, None]
    floor = np.array([1.0])
    for day, value in ((5, 50.0), (0, 100.0)):
        assert expectations(past, np.array([value]), floor, days % 7, day).ratio[0] < 1
        assert expectations(past, np.array([150 - value]), floor, days % 7, day).ratio[0] > 3
    with pytest.raises(ValueError, match="4 past days"):
        expectations(past[:4], np.array([1.0]), floor, days[:4] % 7, 0)


def test_one_odd_day_does_not_blind_the_rest() -> None:
    ratios = np.full((20, 3), 0.5)
    ratios[7, 1] = 50.0
    assert family_threshold(ratios) == 1.0
    assert 1 <= family_threshold(np.random.default_rng(4).uniform(0, 5, (20, 3))) <= 3


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_scores_keep_the_order(left: float, right: float) -> None:
    assert (log_score(left) <= log_score(right)) or left > right
    assert 0 <= log_score(left) <= 10
