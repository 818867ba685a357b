"""The laws of mergeable summaries: cut and order of rows do not matter, the empty summary changes nothing."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.packing import pack, unpack
from core.stats.profile import BatchProfile, ColumnProfile, NumberProfile, SliceProfile, TextProfile, TimeProfile
from core.stats.profile_numbers import join_codes, number_profile
from core.stats.sketch_numbers import MAX_BINS, Histogram, Moments
from core.stats.sketch_values import HourCounts, ValueCounts

NUMBERS = st.lists(st.floats(width=64) | st.integers(-50, 50).map(float), max_size=60)
WORDS = st.lists(st.text(alphabet="abcdefgh", max_size=3), max_size=80)


def close(left: NumberProfile, right: NumberProfile) -> bool:
    """Equal, moments up to rounding."""
    scale = max(abs(left.minimum), abs(left.maximum), 1e-300) if left.finite else 1.0
    n = max(left.finite, 1)
    spread = min(scale, 1e150) ** 2 * n
    same = {f: getattr(left, f) == getattr(right, f) for f in NumberProfile.__slots__ if f != "moments"}
    return (
        all(same.values())
        and math.isclose(left.moments.mean, right.moments.mean, rel_tol=1e-9, abs_tol=1e-9 * min(scale, 1e150))
        and math.isclose(left.moments.m2, right.moments.m2, rel_tol=1e-9, abs_tol=1e-9 * spread)
    )


@given(NUMBERS, st.integers(0, 60), st.randoms(use_true_random=False))
def test_numbers_do_not_depend_on_cut_or_order(values, cut, random):
    whole = number_profile(np.array(values, dtype=float))
    mixed = list(values)
    random.shuffle(mixed)
    left, right = (number_profile(np.array(part, dtype=float)) for part in (mixed[:cut], mixed[cut:]))
    assert close(left.merge(right), whole)
    assert close(right.merge(left), whole)
    assert close(NumberProfile().merge(whole), whole)
    assert close(whole.merge(NumberProfile()), whole)


@pytest.mark.parametrize("values", [[1.34e154, -1.34e154, 1e150, 2.0], [1e308, 1e308, -1e308], [1.3e154] * 3])
def test_huge_numbers_do_not_overflow_however_they_are_cut(values):
    whole = number_profile(np.array(values))
    assert math.isfinite(whole.moments.m2)
    for cut in range(len(values)):
        left, right = (number_profile(np.array(part)) for part in (values[:cut], values[cut:]))
        assert close(left.merge(right), whole)


@pytest.mark.parametrize("cut", [1, 700, 5_000, 39_999])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "epoch", "discrete", "mixed"])
def test_histogram_level_depends_on_the_union_alone(kind, cut):
    draw = np.random.default_rng(7)
    values = {
        "normal": draw.normal(size=40_000),
        "lognormal": draw.lognormal(sigma=3, size=40_000),
        "epoch": 1.7e9 + draw.integers(0, 90_000, 40_000),
        "discrete": draw.integers(0, 900, 40_000).astype(float),
        "mixed": np.concatenate([np.zeros(30_000), draw.normal(size=10_000) * 1e200]),
    }[kind]
    whole = Histogram.of(values)
    assert Histogram.of(values[cut:]).merge(Histogram.of(values[:cut])) == whole
    assert whole.n == values.size
    assert whole.keys.size <= MAX_BINS
    assert whole.exact == (kind == "discrete")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_histogram_keeps_every_number_inside_its_bin(values):
    low, high = Histogram.of(np.array(values)).edges()
    assert all(((low <= v) & (v <= high)).any() for v in values)
    assert (low[1:] > high[:-1]).all()


def test_quantiles_and_cdf_are_near_the_true_ones():
    values = np.random.default_rng(3).normal(10, 3, 100_000)
    found = Histogram.of(values)
    shares = np.linspace(0.01, 0.99, 50)
    assert np.abs(found.cdf(np.quantile(values, shares)) - shares).max() < 0.004
    assert np.abs(found.quantile(shares) / np.quantile(values, shares) - 1).max() < 0.01
    assert found.cdf([-1e9, 1e9]).tolist() == [0.0, 1.0]


def test_number_profile_counts_by_hand():
    found = number_profile(np.array([0.0, -0.0, -2.5, 7.0, 7.0, np.nan, np.inf]))
    assert (found.rows, found.missing, found.infinite, found.finite) == (7, 1, 1, 5)
    assert (found.minimum, found.maximum, found.at_minimum, found.at_maximum) == (-2.5, 7.0, 1, 2)
    assert (found.zeros, found.negatives, found.integers) == (2, 1, 4)
    assert found.values == {-2.5: 1, 0.0: 2, 7.0: 2}
    assert found.moments.total == pytest.approx(11.5)


@given(WORDS, st.integers(0, 80), st.integers(1, 12))
def test_value_counts_do_not_depend_on_the_cut(words, cut, limit):
    whole = ValueCounts.of(Counter(words).items(), limit)
    left, right = (ValueCounts.of(Counter(part).items(), limit) for part in (words[:cut], words[cut:]))
    assert left.merge(right) == whole == right.merge(left) == whole.merge(ValueCounts(limit=limit))
    assert all(Counter(words)[value] == n for value, n in whole.counts.items())
    assert whole.complete == (len(set(words)) <= limit)


def test_distinct_values_are_estimated():
    found = ValueCounts.of((f"user-{i}", 1) for i in range(30_000))
    assert not found.complete
    assert found.distinct == pytest.approx(30_000, rel=0.1)


@given(st.dictionaries(st.integers(-10_000, 400_000), st.integers(1, 5), max_size=40), st.integers(0, 40))
def test_hours_do_not_depend_on_the_cut(counts, cut):
    items = list(counts.items())
    assert HourCounts.of(dict(items[:cut])).merge(HourCounts.of(dict(items[cut:]))) == HourCounts.of(counts)


def test_hours_become_days_when_they_are_many():
    hours = dict.fromkeys(range(3000), 1)
    whole = HourCounts.of(hours)
    assert whole.unit == 86_400
    assert sum(whole.counts.values()) == 3_000
    parts = [HourCounts.of(dict.fromkeys(range(a, a + 1000), 1)) for a in (0, 1_000, 2_000)]
    assert parts[0].merge(parts[1].merge(parts[2])) == whole


def test_slices_count_each_value_of_joined_columns():
    colour = np.array([1, 2, 0, 1], dtype=np.uint8)
    size = np.array([1, 1, 0, 0], dtype=np.uint8)
    [codes] = join_codes([("colour", ("", "red", "blue"), colour), ("size", ("", "big"), size)])
    found = codes.moments(np.array([1.0, 3.0, np.nan, 5.0]))
    assert found["colour"]["red"][1] == Moments(2, 3.0, 8.0)
    assert found["colour"][""] == (1, Moments())
    assert found["size"]["big"][1].mean == 2.0
    assert found["size"][""][0] == 1


def _batch(values: list[float], words: list[str], hours: dict[int, int]) -> BatchProfile:
    number = number_profile(np.array(values, dtype=float))
    text = TextProfile(
        len(words), 0, words.count(""), 0, 0, len("".join(words)), ValueCounts.of(Counter(words).items())
    )
    time = TimeProfile(sum(hours.values()), 0, 1.5, 9.25, HourCounts.of(hours))
    columns = [ColumnProfile("x", number=number), ColumnProfile("[w]", text=text), ColumnProfile("t", time=time)]
    slices = {"w": {"a": SliceProfile(2, {"x": 1}, {"x": Moments(1, 0.1, 0.0)})}}
    return BatchProfile(9, 1, 2, {c.name: c for c in columns}, slices)


@settings(max_examples=40)
@given(NUMBERS, st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=4), max_size=9))
def test_bytes_give_back_the_same_profile(values, words):
    batch = _batch(values, words, {3: 4, -5: 1})
    assert unpack(pack(batch)) == batch


@pytest.mark.parametrize("data", [b"", b"nonsense", b"mwp\x09xxxx", b"mwp\x01xxxx", pack(BatchProfile())[:-3]])
def test_bytes_that_are_no_profile_are_refused(data):
    with pytest.raises(ValueError, match="profile"):
        unpack(data)


def test_batches_merge_columns_that_one_side_lacks_or_reads_as_another_kind():
    left, right = _batch([1.0, 2.0], ["a"], {1: 1}), _batch([3.0], ["b", "c", "d"], {2: 1})
    retyped = BatchProfile(
        3, columns={"x": ColumnProfile("x", text=right.columns["[w]"].text), "new": left.columns["x"]}
    )
    both = left.merge(retyped)
    assert both.rows == 12
    assert (both.columns["x"].rows, both.columns["x"].kind) == (5, "text")
    assert both.columns["new"].rows == 2
    assert left.merge(BatchProfile()) == left == BatchProfile().merge(left)
    assert left.merge(right).slices["w"]["a"].rows == 4
