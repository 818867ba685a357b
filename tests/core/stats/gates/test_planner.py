import math

import pytest

from core.stats.gates.mixture import log_evidence
from core.stats.gates.planner import mean_plan, plan, plan_pass, smallest_change


@pytest.mark.parametrize(("ratio", "errors"), [(1.25, 211), (1.5, 56), (2.0, 16), (3.0, 4.7)])
def test_rare_errors_on_a_small_arm_follow_the_rule(ratio: float, errors: float) -> None:
    found = plan(rate=0.0005, odds_ratio=ratio, alpha=0.01, per_minute=1_000, share=0.005)
    assert found.errors_needed == pytest.approx(errors, rel=0.04)
    assert found.errors_needed == pytest.approx(found.units * 0.0005)
    assert found.minutes == pytest.approx(found.units / 5)


def test_more_traffic_and_a_greater_harm_are_found_sooner() -> None:
    def minutes(ratio: float, share: float) -> float:
        return plan(0.02, ratio, 0.01, 2_000, share).minutes

    assert minutes(3.0, 0.1) < minutes(2.0, 0.1) < minutes(1.2, 0.1)
    assert minutes(2.0, 0.5) < minutes(2.0, 0.1) < minutes(2.0, 0.01)
    assert minutes(0.5, 0.1) < minutes(0.8, 0.1)
    assert plan(0.02, 2.0, 0.01, 0.0, 0.1).minutes == math.inf
    assert plan(0.02, 0.5, 0.01, 10.0, 0.1).extra_errors < 0


def test_a_narrow_margin_takes_longer_to_pass() -> None:
    def minutes(margin: float, share: float) -> float:
        return plan_pass(0.02, margin, 0.05, 2_000, share).minutes

    assert minutes(2.0, 0.1) < minutes(1.3, 0.1) < minutes(1.1, 0.1)
    assert minutes(1.3, 0.5) < minutes(1.3, 0.1)
    rare = plan_pass(1e-4, 2.0, 0.05, 2_000, 1e-3)
    assert rare.errors_needed == pytest.approx(math.log(20) / (1 - math.log(2)), rel=0.01)


def test_what_a_number_of_units_can_find_is_what_that_change_needs() -> None:
    change = smallest_change(mean=2.0, sd=30.0, units=50_000, alpha=0.01, share=0.1)
    assert mean_plan(30.0, 2.0 * change, 0.01, 1_000, 0.1).units == pytest.approx(50_000, rel=1e-3)
    information = 45_000 / 900
    assert log_evidence(2.0 * change * information, information, 6.0) == pytest.approx(math.log(100), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plan(0.0, 2.0, 0.01, 1.0, 0.1), "rate 0.0"),
        (lambda: plan(0.1, 1.0, 0.01, 1.0, 0.1), "odds ratio 1.0"),
        (lambda: plan(0.1, 2.0, 0.01, -1.0, 0.1), "per minute"),
        (lambda: plan(0.1, 2.0, 1.0, 1.0, 0.1), "alpha"),
        (lambda: plan(0.1, 2.0, 0.1, 1.0, math.nan), "share"),
        (lambda: plan_pass(0.1, 1.0, 0.1, 1.0, 0.1), "margin 1.0"),
        (lambda: mean_plan(0.0, 2.0, 0.1, 1.0, 0.1), "standard deviation"),
        (lambda: mean_plan(1.0, 0.0, 0.1, 1.0, 0.1), "difference"),
        (lambda: smallest_change(0.0, 1.0, 10.0, 0.1, 0.1), "mean"),
    ],
)
def test_what_no_plan_can_hold_is_refused_in_words(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
