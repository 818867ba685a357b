import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nchypergeom_fisher

from core.stats.gates.hypergeometric import log_ratios
from core.stats.gates.odds import GRID, SPREAD, Odds, log_likelihood, points_for

Look = tuple[int, int, int, int]


@st.composite
def looks(draw: st.DrawFn, most: int = 400) -> Look:
    n_c, n_b = draw(st.integers(0, most)), draw(st.integers(0, most))
    return n_c, draw(st.integers(0, n_c)), n_b, draw(st.integers(0, n_b))


def after(seen: list[Look], margin: float = 1.3) -> Odds:
    odds = Odds.empty(margin=margin)
    for look in seen:
        odds = odds.add(*look)
    return odds


@pytest.mark.parametrize(
    "look",
    [
        (10, 3, 20, 5),
        (100, 7, 900, 40),
        (1000, 100, 9000, 450),
        (1000, 1000, 10, 3),
        (10000, 3, 50, 2),
        (400, 90, 300, 9),
    ],
)
def test_a_look_is_weighed_as_scipy_weighs_it(look: Look) -> None:
    n_c, k_c, n_b, k_b = look
    law = [nchypergeom_fisher.logpmf(k_c, n_c + n_b, n_c, k_c + k_b, math.exp(x)) for x in GRID]
    assert log_likelihood(*look) == pytest.approx(np.array(law) - law[30], abs=1e-9)


def test_what_is_left_out_of_a_long_support_cannot_be_seen() -> None:
    """Whole support by lgamma, against the windows about the modes."""
    n_c, k_c, n_b, k_b = 6_000, 1_900, 8_000, 2_100
    k = np.arange(max(0, k_c + k_b - n_b), min(n_c, k_c + k_b) + 1)
    of = np.array([math.lgamma(i + 1) for i in range(n_b + 1)])
    log_p = -of[k] - of[n_c - k] - of[k_c + k_b - k] - of[n_b - (k_c + k_b) + k]
    terms = log_p[None, :] + np.array(GRID)[:, None] * k[None, :]
    top = terms.max(axis=1)
    whole = k_c * np.array(GRID) - top - np.log(np.exp(terms - top[:, None]).sum(axis=1))
    assert log_likelihood(n_c, k_c, n_b, k_b) == pytest.approx(whole - whole[30], abs=1e-7)


def test_pairs_that_differ_are_weighed_as_a_binomial() -> None:
    odds = Odds.empty(margin=1.3).add_paired(14, 5, pairs=200)
    law = {x: float(binom.logpmf(14, 19, 1 / (1 + math.exp(-x)))) for x in odds.points}
    assert np.array(odds.sums) / 2**32 == pytest.approx([law[x] - law[0.0] for x in odds.points], abs=1e-8)
    assert odds.estimate == pytest.approx(14 / 5, rel=0.02)
    assert (odds.canary, odds.control, odds.looks) == (200, 200, 1)
    mirrored = Odds.empty(margin=1.3).add_paired(5, 14)
    assert mirrored.log_harm("down") == pytest.approx(odds.log_harm("up"), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.lists(looks(), max_size=6), st.integers(0, 1000))
def test_the_order_of_looks_and_of_merging_changes_no_bit(seen: list[Look], seed: int) -> None:
    shuffled = random.Random(seed).sample(seen, len(seen))
    whole = after(seen)
    assert after(shuffled) == whole
    for cut in range(len(seen) + 1):
        parts = after(seen[:cut]).merge(after(seen[cut:]))
        assert parts == whole == after(seen[cut:]).merge(after(seen[:cut]))
        assert (parts.log_harm(), parts.log_promote(1.3)) == (whole.log_harm(), whole.log_promote(1.3))


@settings(max_examples=40, deadline=None)
@given(st.lists(looks(), max_size=4))
def test_arms_the_other_way_round_mirror_everything(seen: list[Look]) -> None:
    there, back = after(seen), after([(n_b, k_b, n_c, k_c) for n_c, k_c, n_b, k_b in seen])
    assert back.log_harm("down") == pytest.approx(there.log_harm("up"), abs=1e-6)
    assert back.log_promote(1.3, "down") == pytest.approx(there.log_promote(1.3, "up"), abs=1e-6)
    low, high = there.interval()
    mirrored = back.interval()
    assert mirrored[1] == pytest.approx(1 / low if low else math.inf, rel=1e-6)
    assert mirrored[0] == pytest.approx(1 / high, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(looks(), max_size=3), looks())
def test_one_more_event_of_the_candidate_is_never_good_news(seen: list[Look], look: Look) -> None:
    n_c, k_c, n_b, k_b = look
    better, worse = after([*seen, look]), after([*seen, (n_c, min(k_c + 1, n_c), n_b, max(k_b - 1, 0))])
    assert worse.log_harm() >= better.log_harm() - 1e-8
    assert worse.log_promote(1.3) <= better.log_promote(1.3) + 1e-8


@settings(max_examples=40, deadline=None)
@given(st.lists(looks(), max_size=4), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_estimate_lies_in_the_interval_and_less_error_makes_it_longer(seen: list[Look], alpha: float) -> None:
    odds = after(seen)
    low, high = odds.interval(alpha)
    assert 0.0 <= low < high
    if not math.isnan(odds.estimate):
        assert low <= odds.estimate <= high
    wider = odds.interval(alpha / 2)
    assert wider[0] <= low
    assert wider[1] >= high


@settings(max_examples=25, deadline=None)
@given(looks(60), st.floats(0.02, 0.98))
def test_the_interval_leaves_out_no_ratio_that_the_grid_would_keep(look: Look, rate: float) -> None:
    """The level set of a grid ten times as fine is inside."""
    odds = after([look] * 5, margin=1.0)
    low, high = odds.interval()
    fine = np.linspace(-2.4, 2.4, 601)
    n_c, _, n_b, _ = look
    exact = 5 * log_ratios(*(np.array(v) for v in look), points=tuple(fine)) if n_c and n_b else np.zeros(601)
    base = np.array(odds.sums) / 2**32
    weights = np.exp(-0.5 * (np.array(GRID) / SPREAD) ** 2)
    level = math.log(float((weights / weights.sum() * np.exp(base)).sum())) + math.log(0.05)
    kept = np.exp(fine[exact >= level + 1e-6])
    assert low <= kept.min() * (1 + 1e-9)
    assert high >= kept.max() * (1 - 1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_expected_evidence_is_one_at_the_edge_of_the_null_hypothesis(n_c: int, n_b: int, data: st.DataObject) -> None:
    """Over all outcomes of a look with ``K`` events: exactly 1 at psi = 1 (harm) and at the margin (promotion)."""
    events = data.draw(st.integers(0, n_c + n_b))
    support = range(max(0, events - n_b), min(n_c, events) + 1)
    harm = promote = 0.0
    for k in support:
        odds = Odds.empty(margin=1.3).add(n_c, k, n_b, events - k)
        harm += float(nchypergeom_fisher.pmf(k, n_c + n_b, n_c, events, 1.0)) * math.exp(odds.log_harm())
        promote += float(nchypergeom_fisher.pmf(k, n_c + n_b, n_c, events, 1.3)) * math.exp(odds.log_promote(1.3))
    assert harm == pytest.approx(1.0, abs=1e-6)
    assert promote == pytest.approx(1.0, abs=1e-6)


def test_without_data_nothing_is_claimed() -> None:
    empty = Odds.empty(margin=2.0)
    assert (empty.log_harm(), empty.log_promote(2.0)) == (pytest.approx(0.0), pytest.approx(0.0))
    assert empty.interval() == (0.0, math.inf)
    assert math.isnan(empty.estimate)
    assert empty.add(0, 0, 100, 7) == empty.add(50, 3, 0, 0) == empty


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ((3, 4, 10, 1), "candidate: 4 events in 3 units"),
        ((3, 1, 10, 11), "control: 11 events in 10 units"),
        ((-1, 0, 10, 1), "units of the candidate: -1 is not a count"),
        ((3, math.nan, 10, 1), "events of the candidate: nan is not a count"),
        ((3, 1, 10.5, 1), "units of the control: 10.5 is not a count"),
        ((3, 1, math.inf, 1), "units of the control: inf is not a count"),
    ],
)
def test_what_no_log_can_hold_is_refused_in_words(look: Look, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Odds.empty().add(*look)


def test_margins_are_named_beforehand() -> None:
    with pytest.raises(ValueError, match=r"margin 1\.2 was not named"):
        Odds.empty(margin=1.3).log_promote(1.2)
    with pytest.raises(ValueError, match="odds ratio of 1 or more"):
        Odds.empty(margin=0.9)
    with pytest.raises(ValueError, match="3 pairs differ, of 2"):
        Odds.empty().add_paired(2, 1, pairs=2)
    with pytest.raises(ValueError, match="different margins"):
        Odds.empty(margin=1.3).merge(Odds.empty(margin=1.2))


def test_many_looks_at_once_are_the_same_looks() -> None:
    rng = np.random.default_rng(1)
    n_c, n_b = rng.integers(0, 50, (4, 3)), rng.integers(0, 300, (4, 3))
    k_c, k_b = rng.binomial(n_c, 0.2), rng.binomial(n_b, 0.1)
    points = points_for(1.3)
    together = log_ratios(n_c, k_c, n_b, k_b, points)
    assert together.shape == (4, 3, len(points))
    for at in np.ndindex(4, 3):
        one = log_likelihood(n_c[at], k_c[at], n_b[at], k_b[at], extra=points)
        assert together[at].tolist() == one.tolist()
