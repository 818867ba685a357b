import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from core.stats.gates.budget import anything, needed, share
from core.stats.gates.split import Split

counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.sampled_from([0.1, 0.5])), max_size=6)


def test_it_is_the_bayes_factor_of_a_beta_law_against_the_expected_share() -> None:
    split = Split().add(130, 870, 0.1)
    factor = betabinom.logpmf(130, 1000, 10, 90) - binom.logpmf(130, 1000, 0.1)
    assert split.log_evidence == pytest.approx(float(factor), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(counts)
def test_neither_order_nor_grouping_changes_a_bit(seen: list[tuple[int, int, float]]) -> None:
    forward, backward = Split(), Split()
    for look in seen:
        forward = forward.add(*look)
    for look in reversed(seen):
        backward = backward.add(*look)
    assert forward == backward
    assert forward.log_evidence == backward.log_evidence
    assert Split().merge(forward) == forward


def test_a_fair_split_is_rarely_off_and_a_wrong_one_is_found() -> None:
    """200 looks of 1,000 units at 1 in 10: at 5 % at most 6.5 % may ever alarm; 10 -> 9 % is found in all."""
    rng = np.random.default_rng(3)
    alarms = found = 0
    for _ in range(50):
        for rate in (0.1, 0.09):
            split, off = Split(), False
            for k in rng.binomial(1_000, rate, 200).tolist():
                split = split.add(k, 1_000 - k, 0.1)
                off = off or split.off(0.05 if rate == 0.1 else 0.001)
            alarms, found = alarms + (off and rate == 0.1), found + (off and rate == 0.09)
    assert alarms <= 5
    assert found == 50


def test_bad_input_is_refused_in_words() -> None:
    for bad in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="expected share"):
            Split().add(1, 1, bad)
    with pytest.raises(ValueError, match="units of the control: -1 is not a count"):
        Split().add(1, -1, 0.5)
    assert math.isnan(Split().expected)
    assert not Split().off()


def test_the_budget_is_shared_and_spent_once() -> None:
    assert share(0.01, 2, 5) * 10 == pytest.approx(0.01)
    assert needed(0.05) == pytest.approx(math.log(20))
    assert anything([0.0, 0.0]) == pytest.approx(0.0)
    for alpha in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            share(alpha)
        with pytest.raises(ValueError, match="between 0 and 1"):
            needed(alpha)
    with pytest.raises(ValueError, match="at least one"):
        share(0.05, 0, 1)
    with pytest.raises(ValueError, match="at least one"):
        anything([])
