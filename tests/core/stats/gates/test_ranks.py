import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, rankdata

from core.stats.gates.ranks import Ranks

looks = st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0, 1), st.floats(0, 1.0)).map(
    lambda v: (v[0], v[1], v[2], v[3] * (v[0] + v[1]))
)


def after(seen: list[tuple[int, int, float, float]]) -> Ranks:
    ranks = Ranks()
    for look in seen:
        ranks = ranks.add(*look)
    return ranks


def test_one_look_has_the_z_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(1)
    y, z = rng.integers(0, 6, 40), rng.integers(0, 7, 160)
    u, p = mannwhitneyu(y, z, use_continuity=False, alternative="two-sided", method="asymptotic")
    _, t = np.unique(rankdata(np.concatenate([y, z])), return_counts=True)
    ranks = Ranks().add(40, 160, float(u) / 6_400, float((t**3 - t).sum()) / (200 * 199))
    at = abs(ranks.estimate - 0.5) * math.sqrt(ranks.information)
    assert math.erfc(at / math.sqrt(2)) == pytest.approx(float(p))


@settings(max_examples=40, deadline=None)
@given(st.lists(looks, max_size=6), st.integers(0, 1000))
def test_the_order_of_looks_and_of_merging_changes_no_bit(seen: list[tuple[int, int, float, float]], seed: int) -> None:
    whole = after(seen)
    assert after(random.Random(seed).sample(seen, len(seen))) == whole
    for cut in range(len(seen) + 1):
        assert after(seen[:cut]).merge(after(seen[cut:])) == whole


@settings(max_examples=40, deadline=None)
@given(st.lists(looks, max_size=6), st.floats(0, 0.4))
def test_the_other_direction_mirrors_everything(seen: list[tuple[int, int, float, float]], margin: float) -> None:
    there, back = after(seen), after([(n_c, n_b, 1.0 - auc, ties) for n_c, n_b, auc, ties in seen])
    assert back.log_harm("down") == pytest.approx(there.log_harm(), rel=1e-6, abs=1e-9)
    assert back.log_promote(margin, "down") == pytest.approx(there.log_promote(margin), rel=1e-6, abs=1e-9)
    assert there.log_promote(margin) >= there.log_promote(0.0) - 1e-9
    low, high = there.interval()
    assert 0.0 <= low <= high <= 1.0


def test_without_data_and_without_differences_nothing_is_claimed() -> None:
    for ranks in (Ranks(), Ranks().add(0, 5, 0.5, 0.0), Ranks().add(4, 5, 0.5, 10.0)):
        assert (ranks.log_harm(), ranks.log_promote(0.1), ranks.interval()) == (0.0, 0.0, (0.0, 1.0))
    assert math.isnan(Ranks().estimate)


def test_what_ranks_cannot_be_is_refused_in_words() -> None:
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="chance of the larger number"):
            Ranks().add(3, 3, bad, 0.0)
    with pytest.raises(ValueError, match="ties 8"):
        Ranks().add(3, 3, 0.5, 8.0)
    with pytest.raises(ValueError, match="is not a count"):
        Ranks().add(-3, 3, 0.5, 0.0)
    with pytest.raises(ValueError, match="margin"):
        Ranks().log_promote(0.5)
