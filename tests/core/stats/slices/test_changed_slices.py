import math
from itertools import combinations, product
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.stats.slices.against_rest import paid_slices
from core.stats.slices.capping import capped
from core.stats.slices.change import SCALES, alike, changes, intervals
from core.stats.slices.changed_slices import change_of, changed_slices
from core.stats.slices.search import MEAN, top_slices
from core.stats.slices.sides import Sums
from core.stats.slices.table import Literal, Table

SIZES = (4, 4, 5, 3)
Codes = list[NDArray[np.uint8]]


def rows(count: int, seed: int) -> tuple[Codes, NDArray[np.float64]]:
    """Codes of a few columns, and the chance of an error that depends on them."""
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, size, count).astype(np.uint8) for size in SIZES]
    return codes, 0.05 + 0.1 * (codes[0] == 1) + 0.05 * (codes[2] > 2)


def drawn(count: int, seed: int, *, more: float = 0.0, real: bool = False) -> Table:
    """A window; ``more`` is added where column 0 is 2 and column 1 is 3 (a sixteenth of the rows)."""
    codes, chance = rows(count, seed)
    planted = (codes[0] == 2) & (codes[1] == 3)
    rng = np.random.default_rng(seed + 1000)
    if real:
        return Table.pack(codes, rng.exponential(chance + more * planted), SIZES)
    return Table.pack(codes, rng.random(count) < chance + more * planted, SIZES)


def found(current: Table, reference: Table, **how: object):  # type: ignore[no-untyped-def]
    return changed_slices(current, reference, rng=np.random.default_rng(5), **how)


@pytest.mark.parametrize("real", [False, True])
def test_a_planted_slice_comes_first_and_alone(real: bool) -> None:
    answer = found(drawn(8000, 1, more=0.2, real=real), drawn(9000, 2, real=real))
    first = answer.slices[0]
    assert answer.stands_out
    assert first.literals == (Literal(0, 2), Literal(1, 3))
    assert first.q_value < 0.001
    assert first.interval[0] < 0.2 < first.interval[1]
    assert all(other.q_value > 0.05 for other in answer.slices[1:])
    assert [one.score for one in answer.slices] == sorted((one.score for one in answer.slices), reverse=True)
    assert [one.q_value for one in answer.slices] == sorted(one.q_value for one in answer.slices)


def test_a_fall_is_found_when_asked_for() -> None:
    worse, better = drawn(8000, 1, more=0.3), drawn(8000, 2)
    assert not found(better, worse).stands_out
    for direction in ("better", "both"):
        first = found(better, worse, direction=direction).slices[0]
        assert first.literals == (Literal(0, 2), Literal(1, 3))
        assert first.z < -4
        assert first.interval[1] < 0
    assert found(worse, better, direction="both").slices[0].z > 4


@pytest.mark.parametrize("real", [False, True])
def test_the_same_rows_on_both_sides_changed_nowhere(real: bool) -> None:
    table = drawn(3000, 3, real=real)
    answer = found(table, table)
    assert not answer.stands_out
    assert all(abs(one.z) < 1e-6 for one in answer.slices)
    named = change_of(table, table, [Literal(0, 1)])
    assert named.effect == pytest.approx(0, abs=1e-12)
    assert named.interval[0] < 0 < named.interval[1]
    assert math.isnan(named.explained)


@pytest.mark.parametrize("real", [False, True])
def test_neither_cuts_nor_the_order_of_rows_change_the_counts_it_goes_by(real: bool) -> None:
    codes, chance = rows(4000, 7)
    rng = np.random.default_rng(1)
    signal = rng.exponential(chance) if real else rng.random(4000) < chance
    order = rng.permutation(4000)
    parts = [order[:1111], order[1111:]]
    whole = Table.pack(codes, signal, SIZES)
    first, second = (Table.pack([column[part] for column in codes], signal[part], SIZES) for part in parts)
    reference = drawn(4000, 8, real=real)
    for literals in ([Literal(0, 1)], [Literal(0, 1), Literal(2, 3)], [Literal(1, 0), Literal(2, 0), Literal(3, 1)]):
        assert change_of(whole, reference, literals) == change_of(first.merge(second), reference, literals)


def brute(current: Table, reference: Table, minimum: int) -> dict[tuple[Literal, ...], float]:
    """z of every conjunction to three literals."""
    answer = {}
    for depth in (1, 2, 3):
        for columns in combinations(range(len(SIZES)), depth):
            for codes in product(*(range(SIZES[column]) for column in columns)):
                literals = tuple(Literal(c, code) for c, code in zip(columns, codes, strict=True))
                if current.tally(literals).rows >= minimum:
                    answer[literals] = change_of(current, reference, literals).z
    return answer


def test_every_conjunction_is_looked_at_and_the_first_has_the_most_evidence() -> None:
    for seed in range(2):
        current, reference = drawn(1200, seed, more=0.3), drawn(1500, seed + 50)
        answer = found(current, reference, support=0.03)
        every = brute(current, reference, 36)
        assert answer.candidates == len(every)
        lengths = [sum(len(literals) == depth for literals in every) for depth in (0, 1, 2, 3)]
        evidence = {
            literals: -math.log(0.5 * math.erfc(z / math.sqrt(2))) - math.log(lengths[len(literals)])
            for literals, z in every.items()
        }
        best = max(evidence.values())
        first = answer.slices[0]
        assert evidence[first.literals] >= best - 1.5  # holding the mix and dropping predicates may cost this much
        assert every[first.literals] == pytest.approx(change_of(current, reference, first.literals).z)


def test_uniform_change_and_another_mix_are_no_slices() -> None:
    reference = drawn(20_000, 11)
    codes, chance = rows(20_000, 12)
    rng = np.random.default_rng(13)
    odds = 2 * chance / (1 - chance)
    for worse in (chance + 0.1, chance * 1.7, odds / (1 + odds), 0.9 * chance + 0.1 * (1 - chance)):
        assert not found(Table.pack(codes, rng.random(20_000) < worse, SIZES), reference).stands_out
    kept = rng.random(20_000) < np.where(codes[0] == 1, 1.0, 0.3)
    moved = Table.pack([column[kept] for column in codes], rng.random(int(kept.sum())) < chance[kept], SIZES)
    assert moved.mean > reference.mean + 0.02
    assert not found(moved, reference).stands_out


def test_a_slice_without_rows_in_the_reference_is_told_as_such() -> None:
    codes, chance = rows(5000, 21)
    rng = np.random.default_rng(2)
    old = codes[0] != 3
    reference = Table.pack([column[old] for column in codes], rng.random(int(old.sum())) < chance[old], SIZES)
    current = Table.pack(codes, rng.random(5000) < np.where(codes[0] == 3, 0.9, chance), SIZES)
    named = change_of(current, reference, [Literal(0, 3)])
    assert named.reference_mean is None
    assert named.reference_rows == 0
    assert math.isnan(named.effect)
    assert named.z == 0
    assert all(one.reference_rows for one in found(current, reference).slices)
    nowhere = change_of(reference, current, [Literal(0, 3)])
    assert nowhere.rows == 0
    assert math.isnan(nowhere.mean)


def test_without_signals_no_slice_stands_out() -> None:
    empty = Table.pack([np.zeros(3, np.uint8)] * 4, np.full(3, np.nan), SIZES)
    some = drawn(500, 1, real=True)
    for current, reference in ((empty, some), (some, empty), (empty, empty)):
        answer = found(current, reference)
        assert not answer.stands_out
        assert answer.slices == ()
    one = Table.pack([np.zeros(1, np.uint8)] * 4, np.ones(1, np.bool_), SIZES)
    assert not found(one, one).stands_out
    for always in (np.ones(600, np.bool_), np.zeros(600, np.bool_)):
        same = Table.pack(rows(600, 1)[0], always, SIZES)
        assert not found(same, same).stands_out
        assert not found(same, drawn(600, 1)).stands_out


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 0.5), st.floats(0.01, 0.44), st.floats(0.0, 0.4), st.sampled_from(SCALES))
def test_a_uniform_change_is_expected_on_its_scale_whatever_the_level(
    level: float, there: float, rise: float, scale: str
) -> None:
    here = there + rise
    then = Sums.of([1e6], [level * 1e6])
    now = Sums.of([1e6], alike(scale, np.array([level]), np.array(there), np.array(here)) * 1e6)
    wholes = [Sums.of(9e9 + 1e6, rate * 9e9 + part.totals[0]) for rate, part in ((here, now), (there, then))]
    answer = changes(now, then, wholes[0], wholes[1], is_binary=True)
    assert answer.z[0] < 0.1
    assert answer.effects[0] < 1e-4


def test_few_rows_are_judged_as_the_exact_test_does() -> None:
    for n, m, errors, before in ((200, 200, 12, 2), (50, 50, 9, 1), (300, 3000, 25, 60), (160, 160, 70, 24)):
        now, then = Sums.of([n], [errors]), Sums.of([m], [before])
        rate = (errors + before) / (n + m)
        wholes = [Sums.of(1e9 + rows, 1e9 * rate + total) for rows, total in ((n, errors), (m, before))]
        z = changes(now, then, wholes[0], wholes[1], is_binary=True).z[0]
        every = errors + before  # the hypergeometric tail: as many errors or more among the n, given all
        ways = sum(math.comb(n, k) * math.comb(m, every - k) for k in range(errors, min(n, every) + 1))
        exact = -NormalDist().inv_cdf(ways / math.comb(n + m, every))
        assert z == pytest.approx(exact, abs=0.1)


def test_intervals_hold_the_effect_as_often_as_they_say() -> None:
    rng = np.random.default_rng(4)
    trials = 4000
    for level, effect, n in ((0.02, 0.03, 300), (0.2, 0.15, 400), (0.1, 0.0, 2000)):
        now = Sums.of(np.full(trials, n), rng.binomial(n, level + effect, trials))
        then = Sums.of(np.full(trials, n), rng.binomial(n, level, trials))
        wholes = Sums.of(1e9, 1e8), Sums.of(1e9, 1e8)
        answer = changes(now, then, *wholes, is_binary=True)
        low, high = intervals(answer, now, then, *wholes, is_binary=True)
        assert 0.94 <= np.mean((low <= effect) & (effect <= high)) <= 0.985
        assert np.all((low <= answer.effects) & (answer.effects <= high))


def test_what_a_slice_explains_is_its_share_of_the_whole_change() -> None:
    current, reference = drawn(30_000, 31, more=0.5), drawn(30_000, 32)
    assert found(current, reference).slices[0].explained == pytest.approx(1, abs=0.35)
    assert math.isnan(found(reference, current).slices[0].explained)


def test_arguments_out_of_range_and_strange_tables_are_refused() -> None:
    table = drawn(100, 1)
    for wrong in ({"k": 0}, {"depth": 0}, {"support": 2.0}, {"q": 0.0}):
        with pytest.raises(ValueError, match="at least 1"):
            found(table, table, **wrong)
    with pytest.raises(ValueError, match="same columns"):
        found(table, drawn(100, 1, real=True))


@pytest.mark.parametrize("real", [False, True])
def test_the_absolute_ranking_is_paid_for_too(real: bool) -> None:
    table = drawn(6000, 41, more=0.3, real=real)
    slices = top_slices(table, k=5, score=MEAN)
    paid = paid_slices(table, slices, rng=np.random.default_rng(1))
    assert [one.literals for one in paid] == [one.literals for one in slices]
    assert paid[0].q_value < 1e-3
    assert paid[0].interval[0] < paid[0].effect < paid[0].interval[1]
    codes, _ = rows(6000, 42)
    flat = Table.pack(codes, np.random.default_rng(3).random(6000) < 0.1, SIZES)
    assert all(
        one.q_value > 0.05 for one in paid_slices(flat, top_slices(flat, score=MEAN), rng=np.random.default_rng(1))
    )
    assert paid_slices(flat, (), rng=np.random.default_rng(1)) == ()


def test_a_capped_signal_counts_what_is_beyond_as_the_cap() -> None:
    codes, _ = rows(4000, 51)
    rng = np.random.default_rng(6)
    heavy = rng.pareto(1.1, 4000)
    reference = Table.pack(codes, heavy, SIZES)
    low, high = np.quantile(heavy, [0.05, 0.95])
    signal = np.where(np.arange(4000) % 7 == 0, np.nan, rng.pareto(1.1, 4000) + 2 * (codes[0] == 2) * (codes[1] == 3))
    current, other = capped(Table.pack(codes, signal, SIZES), reference, 0.95)
    known = ~np.isnan(signal)
    assert current.total == pytest.approx(np.clip(signal[known], low, high).sum())
    assert other.total == pytest.approx(np.clip(heavy, low, high).sum())
    first = found(Table.pack(codes, signal, SIZES), reference, cap=0.95).slices[0]
    assert first.literals == (Literal(0, 2), Literal(1, 3))
    assert first.q_value < 0.01
    inside = known & (codes[0] == 2) & (codes[1] == 3)
    assert first.mean == pytest.approx(np.clip(signal[inside], low, high).mean())
    with pytest.raises(ValueError, match="capped"):
        capped(current, other, 0.2)


def test_what_stands_out_comes_first_and_changed_by_itself() -> None:
    rng = np.random.default_rng(11)
    codes = [rng.integers(1, 4, 6_000).astype(np.uint8) for _ in range(3)]
    loss = rng.gamma(2.0, 2.0, 6_000)
    reference = Table.pack(codes, loss, [4] * 3)
    worse = loss + np.where((codes[0] == 1) & (codes[1] == 2), 3.0, 0.0)
    found = changed_slices(Table.pack(codes, worse, [4] * 3), reference, k=10, rng=np.random.default_rng(1))
    clear = [one.q_value <= 0.05 for one in found.slices]
    assert clear == sorted(clear, reverse=True)
    assert found.stands_out
    assert all(one.interval[1] > 0 and one.effect > 0 for one, out in zip(found.slices, clear, strict=True) if out)
