"""CUSUM: how often it is wrong and how soon it is right, by simulation with fixed seeds."""

import numpy as np
import pytest

from core.stats import cusum


def auc_series(seed: int, shift_at: int | None = None, shift: float = 0.01, count: int = 60) -> list[float]:
    """Windows of 10,000 labels at an AUC near 0.75: their own noise is about 0.005."""
    values = np.random.default_rng(seed).normal(0.75, 0.005, count)
    if shift_at is not None:
        values[shift_at:] -= shift
    return values.tolist()


def test_false_alarms_are_as_rare_as_stated() -> None:
    runs, length = 250, 120
    alarms = sum(ever_fires(auc_series(seed, count=length)) for seed in range(runs))
    # An average run of 743 windows means that 1 - exp(-112 / 743) = 14 % of runs of 112 judged windows end in one.
    assert 0.02 < alarms / runs < 0.19
    assert cusum.run_length() == pytest.approx(743, abs=1)


def ever_fires(values: list[float]) -> bool:
    walk = cusum._Walk(-1.0)
    for value in values:
        walk.step(value, 0.0)
        if walk.found is not None:
            return True
    return False


def test_a_drop_of_one_point_is_found_within_six_windows() -> None:
    delays, onsets = [], []
    for seed in range(100):
        values = auc_series(seed, shift_at=40)
        for upto in range(41, 61):
            verdict = cusum.drop(values[:upto], good="up")
            if verdict.status == "fail":
                delays.append(upto - 40)
                onsets.append(verdict.onset)
                break
    assert len(delays) >= 97
    assert np.median(delays) <= 5
    assert np.quantile(delays, 0.8) <= 6
    assert abs(np.median(onsets) - 40) <= 1


def test_the_scores_in_control_are_standard_normal() -> None:
    drawn = []
    for seed in range(200):
        walk = cusum._Walk(-1.0)
        for value in auc_series(seed, count=30):
            walk.step(value, 0.0)
        drawn += [score for score in walk.scores if score is not None] if walk.found is None else []
    assert abs(np.mean(drawn)) < 0.06
    assert abs(np.std(drawn) - 1) < 0.06


def test_a_drop_that_stays_does_not_become_the_new_normal() -> None:
    verdicts = [cusum.drop(auc_series(seed, shift_at=30, shift=0.02, count=300), good="up") for seed in range(15)]
    assert {verdict.status for verdict in verdicts} == {"fail"}
    assert np.median([verdict.onset for verdict in verdicts]) == pytest.approx(30, abs=1)
    assert np.median([verdict.before - verdict.after for verdict in verdicts]) == pytest.approx(0.02, abs=0.003)


def test_one_blip_is_no_drop() -> None:
    values = auc_series(3)
    values[50] -= 0.2
    assert cusum.drop(values, good="up").status != "fail"


@pytest.mark.parametrize(("good", "sign"), [("up", -1), ("down", 1), ("zero", 1)])
def test_direction_decides_what_is_worse(good: str, sign: int) -> None:
    base = auc_series(1, count=40)
    worse = base[:30] + [v + sign * 0.03 for v in base[30:]]
    assert cusum.drop(worse, good=good).status == "fail"
    better = base[:30] + [v - sign * 0.03 for v in base[30:]]
    assert cusum.drop(better, good=good).status == "pass"


def test_a_drop_that_was_made_good_is_over() -> None:
    values = auc_series(2, count=70)
    for i in range(30, 36):
        values[i] -= 0.03
    assert cusum.drop(values[:36], good="up").status == "fail"
    assert cusum.drop(values, good="up").status == "pass"


def test_a_window_of_few_labels_is_not_held_to_the_noise_of_large_ones() -> None:
    values = [*auc_series(4, count=30), *[0.72] * 6]
    few = [0.002] * 30 + [0.05] * 6
    assert cusum.drop(values, good="up").status == "fail"
    assert cusum.drop(values, good="up", errors=few).status == "pass"


def test_too_little_is_a_named_outcome() -> None:
    assert cusum.drop([0.7] * 5, good="up").status == "no_data"
    constant = cusum.drop([0.7] * 40, good="up")
    assert constant.status == "no_data"
    assert "don't vary" in constant.message


@pytest.mark.parametrize("worse", [0.3, 0.5])
def test_a_drop_at_the_first_window_that_can_be_judged_begins_there(worse: float) -> None:
    steady = [0.70 + 0.01 * (i % 3) for i in range(cusum.LEAST_BASELINE)]
    found = cusum.drop([*steady, *([worse] * 6)], good="up")
    assert (found.status, found.onset) == ("fail", cusum.LEAST_BASELINE)
    assert found.before == pytest.approx(sum(steady) / len(steady))
    assert found.after == pytest.approx(worse)
