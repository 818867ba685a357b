import math
import random
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from core.stats.gates.means import Means
from core.stats.gates.mixture import log_evidence, log_normal_cdf, reach


@dataclass(frozen=True)
class Arm:
    """Sums of one arm in one look."""

    n: int
    total: float
    squares: float
    covariate: float = 0.0
    covariate_squares: float = 0.0
    product: float = 0.0

    @classmethod
    def of(cls, y: NDArray[np.float64], x: NDArray[np.float64] | None = None) -> "Arm":
        x = np.zeros(y.size) if x is None else x
        return cls(y.size, *(float(v) for v in (y.sum(), y @ y, x.sum(), x @ x, x @ y)))


numbers = st.lists(st.floats(-100, 100, width=32), max_size=8).map(lambda v: Arm.of(np.array(v, dtype=np.float64)))
pairs = st.lists(st.tuples(numbers, numbers), max_size=6)


def after(seen: list[tuple[Arm, Arm]]) -> Means:
    means = Means.empty(sd=10.0)
    for canary, control in seen:
        means = means.add(canary, control)
    return means


@pytest.mark.parametrize(("score", "information", "tau"), [(40.0, 100.0, 0.2), (-30.0, 50.0, 0.3), (5.0, 4.0, 1.0)])
def test_the_mixture_is_the_integral_it_stands_for(score: float, information: float, tau: float) -> None:
    def weighed(d: float) -> float:
        return 2 * float(norm.pdf(d, scale=tau)) * math.exp(d * score - d * d * information / 2)

    assert math.exp(log_evidence(score, information, tau)) == pytest.approx(quad(weighed, 0, 12 * tau)[0], rel=1e-7)


@pytest.mark.parametrize("z", [3.0, 0.0, -5.0, -29.9, -30.1, -37.0, -200.0])
def test_the_logarithm_of_the_normal_law_holds_far_out(z: float) -> None:
    assert log_normal_cdf(z) == pytest.approx(float(norm.logcdf(z)), rel=1e-9)


def test_estimate_and_information_are_those_of_the_strata() -> None:
    rng = np.random.default_rng(4)
    sizes = [(30, 170), (90, 110), (10, 190)]
    arms = [(rng.normal(m, 2, a), rng.normal(m - 0.5, 5, b)) for m, (a, b) in zip((0, 50, -9), sizes, strict=True)]
    means = Means.empty(sd=3.0)
    for y, z in arms:
        means = means.add(Arm.of(y), Arm.of(z))
    w = np.array([y.size * z.size / (y.size + z.size) for y, z in arms])
    d = np.array([y.mean() - z.mean() for y, z in arms])
    spread = [
        sum(float(arm[side].var() * arm[side].size) for arm in arms) / sum(arm[side].size - 1 for arm in arms)
        for side in (0, 1)
    ]
    spread[0] = max(spread)  # the smaller arm's own, 4, is not believed beside the larger's, 25
    variance = sum(spread[side] * sum(w**2 / [a[side].size for a in arms]) for side in (0, 1)) / w.sum() ** 2
    assert means.estimate == pytest.approx(float(w @ d / w.sum()))
    assert means.information == pytest.approx(1 / variance)
    assert (means.looks, means.canary, means.control) == (3, 130, 470)
    low, high = means.interval(0.05)
    assert (high - low) / 2 == pytest.approx(reach(1 / variance, 0.6, 0.05))
    assert means.log_harm() == pytest.approx(log_evidence(means.estimate / variance, 1 / variance, 0.6))


@settings(max_examples=40, deadline=None)
@given(pairs, st.integers(0, 1000))
def test_the_order_of_looks_and_of_merging_changes_no_bit(seen: list[tuple[Arm, Arm]], seed: int) -> None:
    whole = after(seen)
    assert after(random.Random(seed).sample(seen, len(seen))) == whole
    for cut in range(len(seen) + 1):
        assert after(seen[:cut]).merge(after(seen[cut:])) == whole == after(seen[cut:]).merge(after(seen[:cut]))


@settings(max_examples=40, deadline=None)
@given(pairs, st.floats(0.0, 20.0))
def test_arms_the_other_way_round_mirror_everything(seen: list[tuple[Arm, Arm]], margin: float) -> None:
    there, back = after(seen), after([(b, a) for a, b in seen])
    assert back.log_harm("down") == pytest.approx(there.log_harm("up"), rel=1e-9, abs=1e-9)
    assert back.log_promote(margin, "down") == pytest.approx(there.log_promote(margin), rel=1e-9, abs=1e-9)
    assert there.log_promote(margin) >= there.log_promote(0.0) - 1e-9


@settings(max_examples=30, deadline=None)
@given(pairs, st.floats(0.5, 50.0))
def test_a_worse_candidate_is_never_good_news(seen: list[tuple[Arm, Arm]], by: float) -> None:
    moved = [(Arm(a.n, a.total + by * a.n, a.squares + 2 * by * a.total + by * by * a.n), b) for a, b in seen]
    better, worse = after(seen), after(moved)
    if better.information > 1e-3:
        assert worse.log_harm() >= better.log_harm() - 1e-3
        assert worse.log_promote(1.0) <= better.log_promote(1.0) + 1e-3


def test_a_covariate_takes_out_what_it_explains_and_no_difference_of_arms() -> None:
    rng = np.random.default_rng(8)
    plain, helped = Means.empty(sd=1.0), Means.empty(sd=1.0, covariate=True)
    for _ in range(20):
        x, z = rng.normal(5, 1, 200), rng.normal(5, 1, 800)
        y, v = 0.9 * x + rng.normal(0.1, 0.4, 200), 0.9 * z + rng.normal(0, 0.4, 800)
        plain, helped = plain.add(Arm.of(y, x), Arm.of(v, z)), helped.add(Arm.of(y, x), Arm.of(v, z))
    assert helped.slope == pytest.approx(0.9, abs=0.02)
    assert helped.information / plain.information == pytest.approx((0.81 + 0.16) / 0.16, rel=0.05)
    assert helped.estimate == pytest.approx(0.1, abs=0.02)
    assert plain.slope == 0.0


def test_differences_of_pairs_are_one_sample() -> None:
    d = np.random.default_rng(2).normal(0.3, 1.0, 400)
    means = Means.empty(sd=1.0)
    for part in np.split(d, 4):
        means = means.add_differences(part.size, float(part.sum()), float(part @ part))
    within = sum(float(part.var() * part.size) for part in np.split(d, 4)) / 396
    assert means.estimate == pytest.approx(d.mean())
    assert means.information == pytest.approx(400 / within)
    with pytest.raises(ValueError, match="looks so far were pairs"):
        means.add(Arm(1, 1.0, 1.0), Arm(1, 1.0, 1.0))
    with pytest.raises(ValueError, match="one is of pairs"):
        means.merge(PLAIN)


PLAIN = Means.empty(sd=1.0).add(Arm(2, 1.0, 1.0), Arm(2, 1.0, 1.0))


def test_without_data_nothing_is_claimed() -> None:
    empty = Means.empty(sd=1.0)
    assert (empty.log_harm(), empty.log_promote(0.1)) == (0.0, 0.0)
    assert empty.interval() == (-math.inf, math.inf)
    assert math.isnan(empty.estimate)
    some = Arm(3, 6.0, 14.0)
    assert empty.add(Arm(0, 0.0, 0.0), some) == empty.add(some, Arm(0, 0.0, 0.0)) == empty
    constant = empty.add(Arm(9, 0.0, 0.0), Arm(9, 0.0, 0.0))
    assert (constant.log_harm(), constant.interval()) == (0.0, (-math.inf, math.inf))


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        (Arm(-1, 0.0, 0.0), "units of the candidate: -1 is not a count"),
        (Arm(2, math.nan, 0.0), "candidate: a sum is nan"),
        (Arm(2, 1.0, math.inf), "candidate: a sum is inf"),
        (Arm(2, 10.0, 1.0), "cannot come from 2 numbers"),
    ],
)
def test_what_no_log_can_hold_is_refused_in_words(arm: Arm, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Means.empty(sd=1.0).add(arm, Arm(1, 1.0, 1.0))


def test_scales_and_margins_must_make_sense() -> None:
    for sd in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="standard deviation"):
            Means.empty(sd=sd)
    with pytest.raises(ValueError, match="margin"):
        PLAIN.log_promote(-0.1)
    with pytest.raises(ValueError, match="different numbers"):
        PLAIN.merge(Means.empty(sd=2.0))
