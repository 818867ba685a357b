"""Estimates without labels: what each method must get right, when none is shown, and that intervals hold the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.stats.estimation import calibration
from core.stats.estimation.backtest import Window, cut, interval, judge
from core.stats.estimation.expected import Expected, expected
from core.stats.estimation.learned import Learned, enough, estimate, learn, measured
from core.stats.estimation.rows import Rows, together
from core.stats.estimation.weighting import rake, shares

SIZES = (3, 22)


def rows(n: int, seed: int, hidden: float = 0.3, *, fault: float = 0.0, regression: bool = False) -> Rows:
    """Rows whose score knows one column; the other, on with chance ``hidden``, makes it worth less.

    ``fault``: share of labels that no longer have to do with the score: concept drift.
    """
    rng = np.random.default_rng(seed)
    known, other = rng.normal(size=n), rng.random(n) < hidden
    score = 1 / (1 + np.exp(-1.5 * known))
    truth = (rng.random(n) < 1 / (1 + np.exp(-known * np.where(other, 0.3, 2.0)))).astype(float)
    broken = rng.random(n) < fault
    truth[broken] = (rng.random(n) < 0.5)[broken]
    if regression:
        truth = score + rng.normal(size=n) * np.where(other, 0.5, 0.1)
    bins = np.minimum((score * 20).astype(np.uint8), 19) + 1
    codes = np.array([other.astype(np.uint8) + 1, bins], np.uint8)
    return Rows(score, (score >= 0.5) & (not regression), codes, truth)


@pytest.fixture(scope="module")
def learned() -> Learned:
    return learn(rows(12_000, 1), SIZES)


def test_expected_metrics_of_true_labels_are_the_measured_ones() -> None:
    from sklearn.metrics import (
        accuracy_score,
        brier_score_loss,
        log_loss,
        precision_score,
        recall_score,
        roc_auc_score,
    )

    some = rows(3_000, 2)
    got = {name: one.value for name, one in measured(some).items()}
    assert got["auc"] == pytest.approx(roc_auc_score(some.truth, some.scores), abs=2e-4)
    assert got["accuracy"] == pytest.approx(accuracy_score(some.truth, some.decided))
    assert got["precision"] == pytest.approx(precision_score(some.truth, some.decided))
    assert got["recall"] == pytest.approx(recall_score(some.truth, some.decided))
    assert got["log_loss"] == pytest.approx(log_loss(some.truth, some.scores))
    assert got["brier"] == pytest.approx(brier_score_loss(some.truth, some.scores))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_calibrated_chances_expect_what_drawn_labels_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.beta(1.0, 2.0, 4_000)
    some = Rows(scores, scores >= 0.5, np.zeros((1, 4_000), np.uint8), (rng.random(4_000) < scores).astype(float))
    said, truth = expected(some, scores), measured(some)
    for name, one in said.items():
        assert abs(one.value - truth[name].value) < 5.5 * one.error


def test_a_mix_that_drifts_is_followed_by_the_methods_that_see_the_columns(learned: Learned) -> None:
    later = rows(12_000, 3, hidden=0.9)
    said, truth = estimate(learned, later).found, measured(later)
    for name in ("auc", "accuracy"):
        off = {method: abs(one.value - truth[name].value) for method, one in said[name].items()}
        assert off["same"] > 0.05
        assert off["confidence"] > 0.05
        assert off["columns"] < 0.02
        assert off["weighted"] < 0.02
        assert off["mixed"] < 0.02


def test_labels_of_the_estimated_rows_are_not_looked_at(learned: Learned) -> None:
    later = rows(2_000, 4, hidden=0.5)
    blind = replace(later, truth=np.full(2_000, np.nan))
    assert estimate(learned, later) == estimate(learned, blind)


def test_intervals_hold_the_truth_about_as_often_as_they_say(learned: Learned) -> None:
    windows, inside = cut(learned, chunk=1_000), []
    for seed in range(40):
        later = rows(1_000, 100 + seed)
        said, truth = estimate(learned, later), measured(later)
        verdict = judge(windows["auc"], list(said.found["auc"]))
        assert verdict.usable, verdict.why_not
        low, high = interval(said.found["auc"][verdict.method], verdict)
        inside.append(low <= truth["auc"].value <= high)
    assert np.mean(inside) >= 0.85


def test_concept_drift_seen_in_matured_windows_switches_the_estimate_off(learned: Learned) -> None:
    windows = []
    for seed in range(6):
        later = rows(2_000, 200 + seed, fault=0.5)
        said, truth = estimate(learned, later).found["auc"], measured(later)["auc"]
        windows.append(Window({k: v.value for k, v in said.items()}, truth.value, said["confidence"].error))
    verdict = judge(windows, ["mixed", "same"])
    assert not verdict.usable
    assert verdict.own_error is not None
    assert verdict.own_error > 0.05
    assert verdict.why_not.startswith("no estimate: off by 0.")
    assert "on the last 6 windows" in verdict.why_not


def test_an_estimate_worse_than_saying_that_nothing_changed_is_off() -> None:
    rng = np.random.default_rng(0)
    truth = 0.7 + rng.normal(size=8) * 0.001
    windows = [Window({"mixed": t + 0.02, "same": t + 0.001}, float(t), 0.02) for t in truth]
    verdict = judge(windows, ["mixed", "same"])
    assert not verdict.usable
    assert "more than saying that nothing changed (0.001)" in verdict.why_not


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"calibration_error": 0.2}, "chances are off by 0.2, more than 0.05"),
        ({"uncovered": 0.4}, "40% of its rows are unlike any labelled row"),
    ],
)
def test_uncalibrated_and_unlike_rows_switch_it_off(given: dict[str, float], why: str) -> None:
    windows = [Window({"mixed": 0.7, "same": 0.7}, 0.7, 0.01)] * 5
    verdict = judge(windows, ["mixed", "same"], **given)
    assert not verdict.usable
    assert why in verdict.why_not


def test_nothing_was_tried_is_no_reason_to_trust() -> None:
    windows = [Window({"mixed": 0.7, "same": 0.7}, 0.7, 0.01)] * 2
    assert judge(windows, ["mixed", "same"]).why_not == (
        "no estimate: only 2 earlier windows to try it on, 3 are needed"
    )
    assert not judge(windows * 4, ["same"]).usable


def test_the_method_that_was_nearer_is_shown() -> None:
    windows = [Window({"mixed": 0.75 + i / 1e3, "columns": 0.7, "same": 0.8}, 0.7, 0.01) for i in range(8)]
    assert judge(windows, ["mixed", "columns", "same"]).method == "columns"
    assert judge(windows[:1], ["mixed", "columns", "same"]).method == "mixed"


def test_raking_reproduces_the_shares_and_reports_what_it_is_worth(learned: Learned) -> None:
    later = rows(5_000, 5, hidden=0.8)
    weights = rake(learned.sample.codes, shares(later.codes, SIZES))
    on = learned.sample.codes[0] == 2
    assert float(weights.values @ on) / len(on) == pytest.approx(float((later.codes[0] == 2).mean()), abs=0.005)
    assert 500 < weights.effective < len(on)
    assert weights.usable
    alike = rake(learned.sample.codes, shares(learned.sample.codes, SIZES))
    assert alike.effective == pytest.approx(len(on), rel=1e-6)
    unlike = replace(later, codes=np.array([np.zeros(5_000), later.codes[1]], np.uint8))
    missing = rake(learned.sample.codes, shares(unlike.codes, SIZES))
    assert missing.uncovered == 1.0
    assert not missing.usable


def test_calibration_is_kept_only_where_it_helps() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(8_000)
    right = (rng.random(8_000) < scores).astype(float)
    chosen, cautious = calibration.learn(scores, right)
    assert np.abs(chosen.chances(scores) - scores).mean() < 0.02
    assert calibration.calibration_error(cautious, right) < 0.02
    squeezed = (rng.random(8_000) < 0.3 + 0.2 * (scores > 0.5)).astype(float)
    chosen, cautious = calibration.learn(scores, squeezed)
    assert chosen.kind != "raw"
    assert (
        calibration.calibration_error(scores, squeezed) > 0.2 > 0.04 > calibration.calibration_error(cautious, squeezed)
    )


def test_the_calibration_error_of_right_chances_does_not_grow_with_the_bins() -> None:
    rng = np.random.default_rng(9)
    found = []
    for _ in range(40):
        scores = rng.random(600)
        found.append(calibration.calibration_error(scores, (rng.random(600) < scores).astype(float), 30))
    assert np.mean(found) < 0.04  # without the correction it is 0.08


def test_losses_of_a_regression_follow_the_mix() -> None:
    learned = learn(rows(8_000, 1, regression=True), SIZES, regression=True)
    later = rows(8_000, 2, hidden=0.9, regression=True)
    said, truth = estimate(learned, later).found, measured(later, regression=True)
    for name in ("mae", "rmse"):
        assert abs(said[name]["same"].value - truth[name].value) > 0.1
        assert abs(said[name]["mixed"].value - truth[name].value) < 0.02
    windows = cut(learned, chunk=800)
    assert judge(windows["mae"], list(said["mae"])).usable


def test_too_few_rows_or_one_class_teach_nothing() -> None:
    some = rows(2_000, 1)
    assert enough(some, regression=False)
    assert not enough(some.spread(500), regression=False)
    assert not enough(replace(some, truth=np.zeros(2_000)), regression=False)
    assert len(together([some, some.spread(500)])) == 2_500


def test_an_interval_grows_with_what_the_method_was_off() -> None:
    sharp = judge([Window({"mixed": 0.70, "same": 0.72}, 0.70, 0.01)] * 6, ["mixed"])
    blunt = judge([Window({"mixed": 0.73, "same": 0.95}, 0.70, 0.01)] * 6, ["mixed"])
    told = Expected(0.7, 0.01)
    assert interval(told, sharp)[1] - 0.7 == pytest.approx(0.0196, abs=1e-4)
    assert interval(told, blunt)[1] > interval(told, sharp)[1] + 0.03
