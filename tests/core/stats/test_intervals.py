import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stats import intervals
from core.stats.moments import Moments, merge, moments


def test_wilson_is_that_of_scipy() -> None:
    from scipy.stats import binomtest

    for hits, n in ((0, 10), (3, 10), (10, 10), (180, 5_000)):
        peer = binomtest(hits, n).proportion_ci(method="wilson")
        assert intervals.wilson(hits, n) == pytest.approx((peer.low, peer.high), abs=1e-12)


def test_a_mean_interval_is_that_of_scipy() -> None:
    from scipy import stats

    values = np.random.default_rng(0).normal(5, 2, 12)
    peer = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert intervals.mean_interval(values.mean(), values.var(ddof=1), 12) == pytest.approx(peer)


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.lists(st.floats(-1e6, 1e6), max_size=50))
def test_moments_merge(a: list[float], b: list[float]) -> None:
    both = merge(moments(np.array(a)), moments(np.array(b)))
    whole = moments(np.array(a + b))
    assert both.n == whole.n
    assert both.mean == pytest.approx(whole.mean, abs=1e-6)
    assert both.m2 == pytest.approx(whole.m2, rel=1e-6, abs=1e-3)


def test_moments_survive_a_large_offset() -> None:
    values = np.random.default_rng(1).normal(1e9, 1, 1_000)
    parts = merge(moments(values[:300]), moments(values[300:]))
    assert parts.variance == pytest.approx(values.var(ddof=1), rel=1e-6)
    assert Moments().variance == 0.0
