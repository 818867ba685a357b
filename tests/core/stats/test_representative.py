"""Held against what sampling gives by itself: skewed parts are told, small good ones are not."""

import numpy as np
import pytest

from core.stats.representative import representation


def drawn(rng: np.random.Generator, rows: int, tilt: float = 0.0) -> dict[str, list[int]]:
    """Rows of a few columns; ``tilt`` moves the shares."""
    shares = {"platform": [0.55, 0.44, 0.01], "hour": [1 / 24] * 24, "plan": [0.7, 0.2, 0.05, 0.05]}
    shares |= {f"noise {i}": [0.5, 0.3, 0.15, 0.05] for i in range(10)}
    found = {}
    for column, share in shares.items():
        p = np.array(share) * np.exp(tilt * np.arange(len(share)))
        found[column] = rng.multinomial(rows, p / p.sum()).tolist()
    return found


@pytest.mark.parametrize("rows", [15, 60, 200, 1000])
def test_a_small_part_that_was_drawn_well_is_seldom_called_off(rows: int) -> None:
    rng = np.random.default_rng(rows)
    called = 0
    for _ in range(150):
        rest, here = drawn(rng, 20_000), drawn(rng, rows)
        called += representation({c: (here[c], rest[c]) for c in rest}).good is False
    assert called <= 4  # 1 % of 150 would be 1.5


def test_a_part_that_is_not_drawn_alike_is_told_with_what_it_lacks() -> None:
    rng = np.random.default_rng(1)
    rest, here = drawn(rng, 20_000), drawn(rng, 300)
    here["platform"] = [300, 0, 0]
    found = representation({c: (here[c], rest[c]) for c in rest})
    assert found.good is False
    assert [column.column for column in found.columns if column.off] == ["platform"]
    assert found.columns[0].psi > 1 > 0.02 > found.columns[0].noise
    [android] = found.thin  # the third platform has a hundredth of the rest: so few rows do not tell
    assert (android.column, android.place, android.rows, android.share) == ("platform", 1, 0, 0.0)
    assert android.interval[0] == 0
    assert android.interval[1] == pytest.approx(0.0126, abs=1e-4)
    assert android.rest_share == pytest.approx(0.44, abs=0.01)
    tilted = drawn(rng, 3_000, tilt=1.0)
    assert representation({c: (tilted[c], rest[c]) for c in rest}).good is False


def test_a_handful_of_rows_tells_nothing_and_nothing_is_no_part() -> None:
    assert representation({"platform": ([2, 1], [9_000, 9_000])}).good is None
    assert representation({"platform": ([0, 0], [9_000, 9_000])}).good is None
    assert representation({}).good is None
    assert representation({"platform": ([500, 500], [50, 50])}).good is True
