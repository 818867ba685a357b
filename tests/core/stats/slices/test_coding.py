from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.slices.coding import MOST, SAMPLE, Coding, fit_categories, fit_numbers

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=32) | st.sampled_from([0.0, 1.0, -1.0])


@settings(max_examples=15, deadline=None)
@given(st.lists(NUMBERS, max_size=60), st.integers(1, 40), st.lists(NUMBERS, max_size=30))
def test_every_number_falls_into_the_bin_that_its_code_names(fitted: list[float], bins: int, seen: list[float]) -> None:
    coding = fit_numbers("x", np.array(fitted, np.float64), bins=bins, support=0.001)
    assert all(math.isfinite(edge) for edge in coding.edges)
    assert list(coding.edges) == sorted(set(coding.edges))
    assert coding.size <= bins + 1
    for value, code in zip(seen, coding.encode_numbers(np.array(seen, np.float64)).tolist(), strict=True):
        if math.isnan(value):
            assert code == 0
        elif math.isinf(value):
            assert code == (1 if value < 0 else coding.size - 1)
        else:
            low, high = coding.bin(code)
            assert low < value <= high


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=200), st.integers(2, 10))
def test_a_bin_holds_about_its_share_or_a_single_value(values: list[int], bins: int) -> None:
    numbers = np.array(values, np.float64)
    coding = fit_numbers("x", numbers, bins=bins)
    codes = coding.encode_numbers(numbers)
    for code in range(1, coding.size):
        inside = numbers[codes == code]
        assert len(inside) >= 1
        largest = max(int((inside == value).sum()) for value in np.unique(inside))
        assert len(inside) <= math.ceil(len(numbers) / bins) + largest


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([], ()),
        ([math.nan, math.nan], ()),
        ([7.0], ()),
        ([7.0] * 50, ()),
        ([math.inf, -math.inf, math.nan], ()),
        ([0.0] * 90 + [5.0] * 10, (0.0,)),
        ([1.0, 2.0], (1.0,)),
    ],
)
def test_columns_with_nothing_to_cut(values: list[float], edges: tuple[float, ...]) -> None:
    coding = fit_numbers("x", np.array(values))
    assert coding.edges == edges
    expected = [0 if math.isnan(value) else 1 + sum(value > edge for edge in edges) for value in values]
    assert coding.encode_numbers(np.array(values)).tolist() == expected


def test_many_edges_and_few_code_alike() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(5000) < 0.1, np.nan, rng.normal(size=5000))
    many = fit_numbers("x", values, bins=60)
    assert many.size == 61
    naive = [0 if math.isnan(v) else 1 + sum(v > edge for edge in many.edges) for v in values.tolist()]
    assert many.encode_numbers(values).tolist() == naive


def test_large_columns_are_fitted_on_a_sample_that_meets_no_period() -> None:
    hours = np.tile(np.arange(24.0), SAMPLE // 12)
    assert fit_numbers("hour", hours, bins=8).edges == (2.0, 5.0, 8.0, 11.0, 14.0, 17.0, 20.0)


def test_a_column_of_many_distinct_strings_has_no_literal_but_missing() -> None:
    coding = fit_categories("id", [(f"u{i}", 1) for i in range(100_000)])
    assert (coding.values, coding.size, coding.rest) == ((), 1, 1)
    assert coding.encode_values(["u1", None, "new"]).tolist() == [1, 0, 1]


def test_a_byte_is_enough_whatever_the_support() -> None:
    coding = fit_categories("id", [(f"{i:05}", 1) for i in range(1000)], support=0.0)
    assert len(coding.values) == MOST
    assert coding.rest == 254
    assert coding.encode_values(["00000", "00252", "00253"]).tolist() == [1, 253, 254]
    assert fit_numbers("x", np.arange(10_000.0), bins=10_000, support=0.0).size == MOST + 1


def test_ties_between_values_are_broken_by_name() -> None:
    assert fit_categories("c", [("b", 5), ("a", 5), ("z", 9)]).values == ("z", "a", "b")


def test_a_code_of_a_category_names_its_value() -> None:
    coding = Coding("c", "category", values=("x", "y"))
    assert [coding.values[code - 1] for code in coding.encode_values(["y", "x"])] == ["y", "x"]
