from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.stats.slices.search import MEAN, SLICELINE, Slice, candidates, tallies, top_slices
from core.stats.slices.table import Table
from tests.core.stats.slices.brute import best, conjunctions

SIGNALS = ("error", "loss", "signed", "ties")


@dataclass(frozen=True)
class Rows:
    codes: list[NDArray[np.uint8]]
    signal: NDArray[Any]
    sizes: list[int]

    def table(self, *cuts: int) -> Table:
        ends = [0, *sorted(cuts), len(self.signal)]
        parts = [
            Table.pack([column[a:b] for column in self.codes], self.signal[a:b], self.sizes) for a, b in pairwise(ends)
        ]
        return Table.gather(parts)


@st.composite
def rows(draw: st.DrawFn, kinds: tuple[str, ...] = SIGNALS, most: int = 200) -> Rows:
    """Random columns, some codes beyond the literals, with a signal of one of the kinds; some rows without signal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, columns = draw(st.integers(1, most)), draw(st.integers(1, 4))
    sizes = [draw(st.integers(1, 6)) for _ in range(columns)]
    codes = [rng.integers(0, size + draw(st.integers(0, 1)), count).astype(np.uint8) for size in sizes]
    kind = draw(st.sampled_from(kinds))
    if kind == "error":
        return Rows(codes, rng.random(count) < draw(st.sampled_from([0.0, 0.05, 0.3, 0.9, 1.0])), sizes)
    if kind == "ties":
        signal = rng.integers(0, 3, count) / 2.0
    elif kind == "loss":
        signal = rng.exponential(size=count) ** draw(st.sampled_from([1, 8]))
    else:
        signal = rng.normal(size=count) * draw(st.sampled_from([1e-6, 1.0, 1e6]))
    signal[rng.random(count) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
    return Rows(codes, signal, sizes)


def lines(found: tuple[Slice, ...]) -> list[tuple[float, int, tuple[tuple[int, int], ...]]]:
    return [(one.score, one.rows, tuple((x.column, x.code) for x in one.literals)) for one in found]


@settings(max_examples=15, deadline=None)
@given(rows(), st.sampled_from([1, 3, 10]), st.sampled_from([0.0, 0.01, 0.1]), st.integers(1, 4), st.data())
def test_equals_brute_force_however_the_rows_are_cut(
    given_rows: Rows, k: int, support: float, depth: int, data: st.DataObject
) -> None:
    signed = bool((np.nan_to_num(given_rows.signal.astype(np.float64)) < 0).any())
    score = MEAN if signed else data.draw(st.sampled_from([SLICELINE, MEAN]))
    cut = data.draw(st.integers(0, len(given_rows.signal)))
    tables = [given_rows.table(), given_rows.table(cut)]
    minimum = max(1, math.ceil(support * tables[0].rows - 1e-9))
    expected = best(given_rows.codes, given_rows.signal, given_rows.sizes, depth=depth, minimum=minimum, score=score)
    for table in tables:
        for prune in (True, False):
            found = top_slices(table, k=k, depth=depth, support=support, score=score, prune=prune)
            assert lines(found) == expected[:k]
    with_ties = top_slices(tables[0], k=k, depth=depth, support=support, score=score, ties=True)
    last = expected[k - 1][0] if len(expected) >= k else 0.0
    assert lines(with_ties) == [line for line in expected if line[0] >= last]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([SLICELINE, MEAN]))
def test_more_identifier_literals_than_rows_lose_no_slice(seed: int, score: Any) -> None:
    """The regime in which the published bound, made with the number of one-hot columns, loses the first slice."""
    rng = np.random.default_rng(seed)
    sizes = [40, 40, 30, 3]  # 113 literals of 30 rows
    codes = [rng.integers(0, size, 30).astype(np.uint8) for size in sizes]
    signal = rng.random(30) < 0.2
    table = Table.pack(codes, signal, sizes)
    found = top_slices(table, k=10, depth=2, support=0.0, score=score)
    assert lines(found) == best(codes, signal, sizes, depth=2, minimum=1, score=score)[:10]


@settings(max_examples=15, deadline=None)
@given(rows(), st.integers(1, 3), st.integers(1, 20))
def test_candidates_are_all_of_minimum_support_with_their_parents(given_rows: Rows, depth: int, minimum: int) -> None:
    table = given_rows.table()
    found = candidates([table], depth=depth, minimum=minimum)
    literals = [tuple((x.column, x.code) for x in found.of(table, i)) for i in range(len(found))]
    known = ~np.isnan(given_rows.signal.astype(np.float64))
    expected = {}
    for some in conjunctions(given_rows.sizes, depth):
        count = int(np.logical_and.reduce([known, *(given_rows.codes[c] == v for c, v in some)]).sum())
        if count >= minimum:
            expected[some] = count
    assert dict(zip(literals, found.rows.tolist(), strict=True)) == expected
    for index, some in enumerate(literals):
        parents = [literals[p] if p >= 0 else () for p in found.parents[index][: len(some)]]
        assert parents == [some[:i] + some[i + 1 :] for i in range(len(some))]


@settings(max_examples=15, deadline=None)
@given(rows(kinds=("error",)), st.data())
def test_tallies_count_any_signal_on_any_table(given_rows: Rows, data: st.DataObject) -> None:
    table = given_rows.table(data.draw(st.integers(0, len(given_rows.signal))))
    found = candidates([table], depth=3, minimum=1)
    count, total = tallies(table, found)
    again, common = tallies(table, found, [table.errors(), table.mask(())])
    assert count.tolist() == again.tolist() == found.rows.tolist() == common[:, 1].tolist()
    assert total.tolist() == common[:, 0].tolist() == found.totals.tolist()


@settings(max_examples=15, deadline=None)
@given(rows(kinds=("loss", "signed", "ties")))
def test_totals_of_a_real_signal_are_close_and_tallies_exact(given_rows: Rows) -> None:
    table = given_rows.table()
    found = candidates([table], depth=2, minimum=1)
    for index in range(min(len(found), 50)):
        tally = table.tally(found.of(table, index))
        inside = ~np.isnan(given_rows.signal)
        for literal in found.of(table, index):
            inside &= given_rows.codes[literal.column] == literal.code
        assert tally.rows == inside.sum() == found.rows[index]
        total, squares = math.fsum(given_rows.signal[inside]), math.fsum(given_rows.signal[inside] ** 2)
        assert tally.total == pytest.approx(total, rel=1e-12, abs=1e-20 * table.peak)
        assert tally.squares == pytest.approx(squares, rel=1e-12, abs=1e-20 * table.peak**2)


def test_sliceline_refuses_a_signal_with_negative_values() -> None:
    table = Table.pack([np.array([1, 0], np.uint8)], np.array([-1.0, 2.0]), [2])
    with pytest.raises(ValueError, match="shift it"):
        top_slices(table)


def test_nothing_is_found_where_nothing_is() -> None:
    codes = [np.array([0, 1, 1], np.uint8)]
    assert top_slices(Table.pack(codes, np.zeros(3, np.bool_), [2])) == ()
    assert top_slices(Table.pack(codes, np.full(3, np.nan), [2])) == ()
    assert top_slices(Table.pack([np.empty(0, np.uint8)], np.empty(0, np.bool_), [2])) == ()
    assert top_slices(Table.pack([], np.array([True, False]), [])) == ()


def test_a_slice_tells_effect_interval_and_share() -> None:
    codes = [np.repeat(np.array([0, 1], np.uint8), [100, 300])]
    signal = np.concatenate([np.arange(100) < 40, np.arange(300) < 30])
    (worst,) = top_slices(Table.pack(codes, signal, [2]), support=0.1, score=MEAN)
    assert (worst.rows, worst.mean, worst.effect) == (100, 0.4, 0.4 - 70 / 400)
    assert worst.interval[0] < worst.effect < worst.interval[1]
    assert worst.explained == pytest.approx(30 / 70)  # with the 10 % of the rest, 30 of 70 errors would go
    assert worst.z == pytest.approx(6.83, abs=0.01)  # hypergeometric: 22.5 / sqrt(100 * .175 * .825 * 300 / 399)
    assert worst.q_value < 1e-10
