from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.slices.blocks import Block
from core.stats.slices.bound import MEAN, SLICELINE, Limits, Score
from core.stats.slices.counting import count, excesses, totals
from core.stats.slices.sums import sum_exactly
from core.stats.slices.table import Literal, Table

FLOATS = st.floats(-1e12, 1e12, allow_subnormal=False)


@settings(max_examples=20, deadline=None)
@given(st.lists(FLOATS, min_size=1, max_size=200), st.integers(0, 200))
def test_a_sum_is_the_same_for_every_order_and_cut(values: list[float], cut: int) -> None:
    whole = np.array(values)
    shuffled = np.random.default_rng(cut).permutation(whole)
    for squared in (False, True):
        found = sum_exactly([whole], squared=squared)
        assert found == sum_exactly([shuffled[:cut], shuffled[cut:]], squared=squared)
        terms = [v * v for v in values] if squared else values
        peak = max(abs(term) for term in terms)
        assert found == pytest.approx(math.fsum(terms), rel=1e-15, abs=peak * 1e-25)


def test_sums_do_not_depend_on_the_size_of_the_pieces() -> None:
    values = np.random.default_rng(0).exponential(size=50_000)
    parts = [values[:3], values[3:20_001], values[20_001:]]
    assert sum_exactly([values]) == sum_exactly(parts) == pytest.approx(math.fsum(values), rel=1e-15)


def test_counts_hold_above_two_to_the_twenty_third_rows() -> None:
    words = 1 << 18  # 16,777,216 rows, of which the first 9,437,184 are errors
    head = 147_456
    full = np.full(words, ~np.uint64(0))
    nothing = np.empty(0)
    block = Block(np.stack([full, full]), full, head, nothing, nothing, nothing)
    errors = head * 64.0
    table = Table((1, 1), words * 64, True, (block,), errors, errors, 1.0)
    places = np.array([[0, 1]], np.int32)
    counted = count(table, places)
    assert (counted.rows.tolist(), counted.high.tolist()) == ([1 << 24], [errors])
    assert excesses(table, places, [0.0])[0].tolist() == [errors]
    rows, common = totals(table, places, [full])
    assert (rows.tolist(), common.tolist()) == ([1 << 24], [[1 << 24]])
    assert table.tally([Literal(0, 0), Literal(1, 0)]).total == errors


def test_long_tables_are_packed_in_blocks_and_count_the_same() -> None:
    rng = np.random.default_rng(1)
    rows = (1 << 20) + 777
    codes = [rng.integers(0, 3, rows).astype(np.uint8)]
    signal = rng.random(rows) < 0.25
    table = Table.pack(codes, signal, [3])
    assert len(table.blocks) == 2
    for code in range(3):
        tally = table.tally([Literal(0, code)])
        assert (tally.rows, tally.total) == ((codes[0] == code).sum(), (signal & (codes[0] == code)).sum())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([SLICELINE, MEAN, Score(0.5)]))
def test_no_extension_is_above_the_bound_of_its_parent(seed: int, is_binary: bool, score: Score) -> None:
    """The claim of bound.py, with limits from one parent and any level, against every subset drawn."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(2, 60))
    values = (rng.random(rows) < 0.4).astype(float) if is_binary else rng.exponential(size=rows)
    if score.alpha is None:
        values -= rng.random()
    values[0] = 1.0
    whole = (rows, float(values.sum()))
    if score.alpha is not None and whole[1] <= 0:
        return
    parent = rng.random(rows) < 0.6
    parent[0] = True
    inside = values[parent]
    least = int(rng.integers(1, len(inside) + 1))
    lines = tuple((np.array([np.clip(inside - level, 0, None).sum()]), float(level)) for level in (-0.3, 0.2, 1.1))
    total, top = np.array([np.clip(inside, 0, None).sum()]), np.array([inside.max()])
    limits = Limits(np.array([float(least)]), np.array([float(len(inside))]), total, top, lines)
    bound = float(score.bound(limits, whole)[0])
    for _ in range(40):
        size = int(rng.integers(least, len(inside) + 1))
        best = np.sort(inside)[-size:] if rng.random() < 0.5 else rng.choice(inside, size, replace=False)
        value = float(score.of(np.array([float(size)]), np.array([best.sum()]), whole)[0])
        assert value <= bound + 1e-9 * (1 + abs(bound))


def test_a_bound_is_nothing_where_no_rows_are_left() -> None:
    limits = Limits(np.array([5.0]), np.array([4.0]), np.array([1.0]), np.array([1.0]))
    assert SLICELINE.bound(limits, (10, 2.0)).tolist() == [-math.inf]


def test_what_cannot_be_packed_is_refused() -> None:
    codes = [np.zeros(2, np.uint8)]
    with pytest.raises(ValueError, match="as long as"):
        Table.pack(codes, np.zeros(3, np.bool_), [1])
    with pytest.raises(ValueError, match="1e140"):
        Table.pack(codes, np.array([np.inf, 0.0]), [1])
    with pytest.raises(ValueError, match="merge"):
        Table.pack(codes, np.zeros(2, np.bool_), [1]).merge(Table.pack(codes, np.zeros(2), [1]))
    with pytest.raises(ValueError, match="no literal"):
        Table.pack(codes, np.zeros(2, np.bool_), [1]).mask([Literal(0, 1)])
