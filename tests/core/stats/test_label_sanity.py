import numpy as np
import pytest

from core.stats.auc import area, histogram
from core.stats.label_sanity import LabelRate, Ranking, judge


def past(rate: float, rng: np.random.Generator, count: int = 10) -> list[LabelRate]:
    return [LabelRate(2_000, int(rng.binomial(2_000, rate))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_flipped_labels_are_found_twenty_times_of_twenty_and_clean_ones_never(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = float(rng.uniform(0.02, 0.4))
    history = past(rate, rng)
    positive = int(rng.binomial(2_000, rate))
    assert judge(LabelRate(2_000, 2_000 - positive), history).verdict == "flipped"
    assert judge(LabelRate(2_000, positive), history, auc_high=0.8, n_auc=2_000).verdict == "fine"


def test_a_balanced_base_rate_is_judged_by_the_auc() -> None:
    history = past(0.5, np.random.default_rng(0))
    assert judge(LabelRate(2_000, 1_000), history).verdict == "fine"
    turned = judge(LabelRate(2_000, 1_000), history, auc_high=0.31, n_auc=2_000)
    assert turned.verdict == "flipped"
    assert "under one half" in turned.reasons[0]
    assert judge(LabelRate(2_000, 1_000), history, auc_high=0.31, n_auc=20).verdict == "fine"


def test_a_rate_that_moved_elsewhere_is_not_called_flipped() -> None:
    assert judge(LabelRate(2_000, 600), past(0.1, np.random.default_rng(1))).verdict == "moved"


def test_a_rate_that_always_swings_may_swing() -> None:
    history = [LabelRate(2_000, hits) for hits in (200, 900, 300, 1_000, 250)]
    assert judge(LabelRate(2_000, 1_100), history).verdict == "fine"


def test_too_little_is_a_named_outcome() -> None:
    assert judge(LabelRate(99, 99), [LabelRate(1_000, 100)]).verdict == "no_data"
    assert judge(LabelRate(1_000, 900), []).verdict == "no_data"
    assert judge(LabelRate(1_000, 900), [], auc_high=0.2, n_auc=1_000).verdict == "flipped"


def drawn(rng: np.random.Generator, rate: float, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels that they rank with an AUC near 0.75."""
    labels = rng.random(rows) < rate
    return 1 / (1 + np.exp(-(rng.standard_normal(rows) + 0.95 * labels - 1))), labels


def ranked(past: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray]) -> Ranking:
    sides = [area(histogram(scores[labels]), histogram(scores[~labels])) for scores, labels in (now, past)]
    assert sides[0] is not None
    assert sides[1] is not None
    error = (sides[0].error ** 2 + sides[1].error ** 2) ** 0.5
    return Ranking(sides[0].value, sides[1].value, error, moved=False)


@pytest.mark.parametrize("seed", range(20))
def test_a_third_of_the_labels_flipped_is_found_and_a_world_that_changed_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = float(rng.uniform(0.1, 0.3))
    before = drawn(rng, rate, 10_000)
    history = [LabelRate(10_000, int(before[1].sum()))]
    scores, labels = drawn(rng, rate, 1_000)
    turned = labels ^ (rng.random(1_000) < 0.35)
    told = judge(LabelRate(1_000, int(turned.sum())), history, ranking=ranked(before, (scores, turned)))
    assert told.verdict == "flipped"
    assert "did not move" in told.reasons[0]
    more = drawn(rng, rate + 0.2, 1_000)  # more of the same people: the ranking stays
    assert judge(LabelRate(1_000, int(more[1].sum())), history, ranking=ranked(before, more)).verdict == "moved"
