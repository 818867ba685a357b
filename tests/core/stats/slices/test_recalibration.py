"""Uniform changes of a score, changes too small to matter, slices too small to tell: and searches that end early."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.stats.slices.changed_slices import LEAST_ROWS, changed_slices
from core.stats.slices.counting import FEW, count
from core.stats.slices.search import Found
from core.stats.slices.table import Literal, Table
from core.stats.stopping import Stopped

SIZES = (4, 5, 5, 6)
LOW = (Literal(0, 1), Literal(1, 2))
"""A slice whose scores are far below the others'."""


def scores(rows: int, seed: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, size, rows).astype(np.uint8) for size in SIZES]
    score = 0.6 - 0.3 * (codes[0] == 1) + 0.1 * codes[1] - 0.1 * (codes[1] == 2) * (codes[0] == 1) - 0.05 * codes[2]
    return codes, score + rng.normal(0, 0.08, rows)


def searched(now: NDArray[np.float64], codes: list[NDArray[np.uint8]], *, seed: int = 2) -> Found:
    then_codes, then = scores(8_000, seed)
    rng = np.random.default_rng(4)
    return changed_slices(
        Table.pack(codes, now, SIZES), Table.pack(then_codes, then, SIZES), rng=rng, direction="both", depth=2
    )


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.0), (0.475, 0.05), (0.3, 0.5), (1.0, -1.0), (-0.2, 1.5)])
def test_a_line_that_all_scores_follow_is_no_slice(a: float, b: float) -> None:
    for rows in (900, 6_000):
        codes, score = scores(rows, 1)
        noise = np.random.default_rng(3).normal(0, 0.02, rows)
        answer = searched(a + b * score + noise, codes)
        assert not answer.stands_out
        assert answer.slope == pytest.approx(b, abs=0.08)


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (0.475, 0.05), (1.0, -1.0)])
def test_a_low_slice_that_moved_by_itself_is_found_on_top_of_it(a: float, b: float) -> None:
    codes, score = scores(6_000, 1)
    inside = (codes[0] == 1) & (codes[1] == 2)
    fell = 0.25 if b < 0 else -0.25  # away from where it stood, so that no meaning of "alike" explains it
    if b == 0.05:
        fell = 0.4
    answer = searched(a + b * score + fell * inside, codes)
    first = answer.slices[0]
    assert first.literals == LOW
    assert first.q_value < 1e-6
    assert first.interval[0] < first.effect < first.interval[1]
    assert np.sign(first.effect) == np.sign(fell)
    assert abs(first.effect) <= abs(fell) + 0.03


def test_without_a_line_the_effect_of_an_extreme_slice_is_what_was_planted() -> None:
    codes, score = scores(6_000, 1)
    answer = searched(score - 0.2 * ((codes[0] == 1) & (codes[1] == 2)), codes)
    first = answer.slices[0]
    assert first.literals == LOW
    assert first.effect == pytest.approx(-0.2, abs=0.02)


def test_a_proven_change_that_does_not_matter_does_not_stand_out() -> None:
    codes, score = scores(60_000, 1)
    inside = codes[0] == 2
    for moved, stands_out in ((0.006, False), (0.05, True)):
        then = Table.pack(codes, score, SIZES)  # the same rows: what is left of chance is next to nothing
        now = Table.pack(codes, score + moved * inside, SIZES)
        answer = changed_slices(now, then, rng=np.random.default_rng(4), direction="both", depth=1)
        assert answer.stands_out is stands_out
        assert moved < answer.least_effect or stands_out


def test_no_slice_is_smaller_than_can_carry_a_verdict() -> None:
    codes, score = scores(400, 1)
    answer = searched(score, codes)
    assert answer.least_rows == (LEAST_ROWS, 10)
    assert all(one.rows >= LEAST_ROWS for one in answer.slices)
    assert answer.candidates > 0


def test_many_small_masks_at_once_count_as_one_by_one() -> None:
    codes, score = scores(3_000, 1)
    rng = np.random.default_rng(5)
    for signal in (score, score > 0.5):
        table = Table.pack(codes, signal, SIZES)
        starts = table.starts()
        places = np.array(
            [[rng.integers(starts[c], starts[c + 1]) for c in range(3)] for _ in range(700)], dtype=np.int32
        )
        found = count(table, places)
        for place in range(0, 700, 50):
            tally = table.tally(table.literal(int(p)) for p in places[place])
            assert found.rows[place] == tally.rows
            assert found.low[place] <= tally.total + 1e-9
            assert tally.total <= found.high[place] + 1e-9
    assert table.blocks[0].words <= FEW


def test_a_search_that_nobody_waits_for_ends() -> None:
    codes, score = scores(500, 1)
    table = Table.pack(codes, score, SIZES)
    with pytest.raises(Stopped):
        changed_slices(table, table, rng=np.random.default_rng(1), stop=lambda: True)
