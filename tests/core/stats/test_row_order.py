"""The order of rows and the bonds of columns: what they count, how they merge, what they cost in bytes."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stats.bonds import MOST_COLUMNS, Bonds, bonds_of
from core.stats.packing import pack, unpack
from core.stats.profile import BatchProfile
from core.stats.row_order import order_profile

VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.0, float("nan"), float("inf")]), max_size=60)


@given(VALUES)
def test_runs_are_those_of_a_walk_through_the_rows(values):
    found = order_profile(np.array(values))
    longest = lost = run = gap = repeats = 0
    before = None
    for value in values:
        gap = gap + 1 if value != value else 0
        run = run + 1 if value == before else int(value == value)
        repeats += value == before and bool(np.isfinite(value))
        longest, lost = max(longest, run), max(lost, gap)
        before = value
    assert (found.rows, found.longest, found.lost, found.repeats) == (len(values), longest, lost, repeats)
    if longest > 1:
        assert len(set(values[found.first : found.first + longest])) == 1


@given(VALUES, VALUES)
def test_two_batches_merge_in_any_order(left, right):
    a, b = order_profile(np.array(left)), order_profile(np.array(right))
    both = a.merge(b)
    assert both == b.merge(a)
    assert (both.rows, both.repeats, both.batches) == (a.rows + b.rows, a.repeats + b.repeats, 2)
    assert both.longest == max(a.longest, b.longest)


def test_a_value_filled_in_here_and_there_is_visited_often_and_a_block_once():
    calm = np.repeat(np.arange(100.0), 10)
    filled = calm.copy()
    filled[::9] = 55.0
    assert order_profile(calm).visits == 1
    assert order_profile(filled).visits >= 100
    assert order_profile(np.tile(filled, 100)).looked <= 16_384


def test_bonds_are_rank_correlations_and_merge_by_rows():
    rng = np.random.default_rng(0)
    a = rng.normal(size=500)
    numbers = {"a": a, "b": np.exp(a), "c": rng.normal(size=500), "same": np.ones(500)}
    first = bonds_of(numbers)
    assert first.names == ("a", "b", "c", "same")
    assert first.correlations[0, 1] == pytest.approx(1.0)
    assert abs(first.correlations[0, 2]) < 0.15
    assert first.correlations[0, 3] == 0.0
    second = bonds_of({"a": a, "b": -a})
    both = first.merge(second)
    assert both == second.merge(first)
    assert both.correlations[0, 1] == pytest.approx(0.0)
    assert both.correlations[0, 2] == first.correlations[0, 2]
    assert first.merge(Bonds.empty()) == first == Bonds.empty().merge(first)
    assert len(bonds_of({f"c{i:02}": a for i in range(40)}).names) == MOST_COLUMNS


def test_a_stored_profile_gives_back_orders_and_bonds_and_older_ones_have_none():
    rng = np.random.default_rng(1)
    batch = BatchProfile(
        3,
        orders={"x": order_profile(rng.normal(size=9))},
        bonds=bonds_of({"x": rng.normal(size=9), "y": np.arange(9.0)}),
    )
    assert unpack(pack(batch)) == batch
    older = zlib.compress(json.dumps([1, 3, 0, 0, {}, {}]).encode())
    assert unpack(older) == BatchProfile(3)


@pytest.mark.parametrize("start", [0, 20_003, 99_600])
def test_a_long_run_is_found_anywhere_in_a_large_batch(start):
    values = np.random.default_rng(2).integers(0, 3, 100_000).astype(float)
    values[start : start + 400] = 7.0
    found = order_profile(values)
    assert (found.first, found.longest) == (start, 400)
