"""Shrinkage from offline to later gains: recovered, covered, and silent with too little history."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.shrinkage import Case, Survival, learn, predict, survival
from tests.benchmarks.experiments import covered, simulated


def test_a_shrinkage_of_six_tenths_is_recovered() -> None:
    found = learn(simulated(np.random.default_rng(3), 60).cases)
    assert found is not None
    assert found.ratio.low <= 0.6 <= found.ratio.high
    assert abs(found.ratio.value - 0.6) < 0.15
    assert found.ideas == 60
    assert 8 <= found.pairs < 60


def test_intervals_cover_what_they_should() -> None:
    told = covered(runs=30, ideas=20, seed=11)
    assert min(told.ratio, told.if_kept, told.expected) >= 26


def test_under_eight_pairs_nothing_is_said() -> None:
    pairs = [Case(1.0 + n / 9, 0.3, 0.6, 0.2) for n in range(8)]
    assert learn([*pairs[:7], *[Case(0.2, 0.3)] * 20]) is None
    assert learn(pairs) is not None
    with pytest.raises(ValueError, match="finite"):
        learn([*pairs, Case(float("nan"), 0.3)])
    with pytest.raises(ValueError, match="above 0"):
        learn([*pairs, Case(1.0, 0.0)])


def test_the_prior_is_that_of_others_and_own_cases_take_its_place() -> None:
    nobody = survival(launched=0, decided=0, kept=0, followed=0)
    assert nobody == Survival((4.5, 5.5), (5.0, 5.0))
    assert nobody.mean == pytest.approx(0.45 * 0.5)
    own = survival(launched=9, decided=10, kept=6, followed=8)
    assert own == Survival((13.5, 6.5), (11.0, 7.0))
    assert own.mean == pytest.approx(13.5 / 20 * 11 / 18)
    many = survival(launched=9_000, decided=10_000, kept=6_000, followed=8_000)
    assert many.mean == pytest.approx(0.9 * 0.75, abs=1e-3)
    for counts in ((2, 1, 0, 0), (0, 0, 2, 1), (-1, 0, 0, 0)):
        with pytest.raises(ValueError, match="no counts"):
            survival(**dict(zip(("launched", "decided", "kept", "followed"), counts, strict=True)))


HISTORY = simulated(np.random.default_rng(5), 30).cases


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([1e-40, 0.01, 7.0, 1e40]), st.permutations(range(30)))
def test_neither_the_unit_nor_the_order_matters(unit: float, order: list[int]) -> None:
    def scaled(case: Case) -> Case:
        later = None if case.later is None or case.later_se is None else (case.later * unit, case.later_se * unit)
        return Case(case.offline * unit, case.offline_se * unit, *(later or (None, None)))

    one, other = learn(HISTORY), learn([scaled(HISTORY[n]) for n in order])
    assert one is not None
    assert other is not None
    assert other.ratio.value == pytest.approx(one.ratio.value, abs=1e-6)
    assert other.ratio.low == pytest.approx(one.ratio.low, abs=1e-6)
    chances, idea = survival(launched=3, decided=9, kept=1, followed=2), HISTORY[0]
    ends = predict(one, chances, idea), predict(other, chances, scaled(idea))
    assert ends[1].expected.high == pytest.approx(ends[0].expected.high * unit, rel=1e-3)


def test_what_makes_the_end_value_larger() -> None:
    found, chances = learn(HISTORY), survival(launched=8, decided=20, kept=4, followed=8)
    assert found is not None
    small, large = (predict(found, chances, Case(x, 0.3)) for x in (1.0, 3.0))
    assert small.expected.value < large.expected.value
    assert large.expected.low < large.expected.value < large.expected.high
    assert large.if_kept.value * chances.mean == pytest.approx(large.expected.value)
    launched = predict(found, chances, Case(3.0, 0.3), launched=True)
    assert launched.survival == pytest.approx(9 / 18)
    assert launched.expected.value > large.expected.value
    # A later gain says more than history, the more so the better it was measured.
    seen = predict(found, chances, Case(3.0, 0.3, 0.2, 0.05))
    assert seen.if_kept.value == pytest.approx(0.2, abs=0.1)
    assert seen.if_kept.high - seen.if_kept.low < large.if_kept.high - large.if_kept.low
