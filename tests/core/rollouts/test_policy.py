"""What a gate says of looks made by hand: the outcome, since when, and why."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rollouts.policy import Path, judge
from storage.records.looks import Binary, Look, Means, Moments, PairedMeans, Ranks, Sums
from storage.records.rollouts import Condition, Verdict
from tests.core.rollouts.made_looks import START, WINDOW, events, guardrail, look, stage, traffic

HEALTHY = [events(nth, 20, 180) for nth in range(30)]
HARMFUL = [events(nth, 30, 180) for nth in range(30)]


def texts(verdict: Verdict) -> str:
    return "\n".join(reason.text for reason in verdict.reasons)


def test_a_candidate_like_its_baseline_is_promoted_once_it_is_clear() -> None:
    verdict = judge(stage(), HEALTHY)
    assert verdict.outcome == "promote"
    assert (verdict.looks, verdict.rows, verdict.hours) == (30, 30_000, 5.0)
    assert verdict.at is not None
    assert START < verdict.at < START + 30 * WINDOW
    early = judge(stage(), [each for each in HEALTHY if each.counted_at < verdict.at])
    assert early.outcome == "hold"
    assert "not yet clear of 1.3 (interval" in texts(early)
    assert "more rows at this rate" in texts(early)
    assert texts(verdict).startswith("errors: clear of 1.3 since 0")


def test_harm_rolls_back_and_stays_though_later_looks_are_healthy() -> None:
    verdict = judge(stage(), HARMFUL)
    assert verdict.outcome == "roll back"
    assert f"harm since {verdict.at:%H:%M} UTC" in texts(verdict)
    assert "against v41" in texts(verdict)
    later = [events(nth, 8, 180) for nth in range(30, 130)]
    mended = judge(stage(), HARMFUL + later)
    assert mended.evidence[0].log_harm < mended.evidence[0].harm_needed
    assert (mended.outcome, mended.at) == ("roll back", verdict.at)


def test_a_candidate_that_was_clear_and_is_no_longer_holds_again() -> None:
    turned = HEALTHY[:12] + [events(nth, 28, 180) for nth in range(12, 18)]
    after = [judge(stage(), turned[:count]) for count in range(12, 19)]
    assert after[0].outcome == "promote"
    assert after[-1].outcome == "hold"
    assert after[-1].evidence[0].cleared_at is None
    first = next(each for each in after if each.outcome == "hold")
    assert after[-1].at == first.at == turned[12 + after.index(first) - 1].counted_at


def test_without_a_look_a_gate_holds() -> None:
    verdict = judge(stage(), [])
    assert (verdict.outcome, verdict.at, verdict.looks) == ("hold", None, 0)
    assert verdict.reasons[0].kind == "no data"
    assert math.isnan(verdict.evidence[0].estimate)


def test_every_guardrail_must_be_clear_and_any_may_say_harm() -> None:
    both = stage(guardrail(), guardrail("slow", signal="latency", margin=1.5))
    slow = [replace(each, guardrail="slow") for each in HEALTHY]
    assert judge(both, HEALTHY).outcome == "hold"
    assert "slow: no look yet" in texts(judge(both, HEALTHY))
    assert judge(both, HEALTHY + slow).outcome == "promote"
    harmed = judge(both, HEALTHY + [replace(each, guardrail="slow") for each in HARMFUL])
    assert harmed.outcome == "roll back"
    assert harmed.reasons[0].guardrail == "slow"


def test_guardrails_share_the_chance_of_a_false_alarm_and_each_must_clear_in_full() -> None:
    alone, many = judge(stage(), []), judge(stage(*(guardrail(str(nth)) for nth in range(4))), [])
    assert alone.evidence[0].harm_needed == pytest.approx(math.log(100))
    assert many.evidence[0].harm_needed == pytest.approx(math.log(400))
    assert many.evidence[0].promote_needed == pytest.approx(math.log(20))


def test_minimums_hold_and_say_how_much_is_missing() -> None:
    short = stage(minimum_rows=50_000, minimum_labels=40_000, minimum_hours=24)
    verdict = judge(short, HEALTHY)
    assert verdict.outcome == "hold"
    for said in (
        "rows: 30,000 of 50,000, 20,000 missing",
        "labels: 30,000 of 40,000, 10,000 missing",
        "hours of data: 5 of 24, 19 missing",
    ):
        assert said in texts(verdict)
    assert judge(short, HARMFUL).outcome == "roll back"


def test_labels_are_those_of_guardrails_that_need_them() -> None:
    rule = stage(guardrail(needs_labels=True, lag=timedelta(hours=36)), minimum_labels=100)
    assert "a look waits 36 h for its labels" in texts(judge(rule, [traffic(0, 100, 900)]))
    labelled = [replace(each, labelled=3) for each in HEALTHY]
    assert "labels: 90 of 100, 10 missing" in texts(judge(rule, labelled))


def test_small_arms_of_skewed_numbers_are_not_believed() -> None:
    rule = stage(guardrail(minimum_units=20_000))
    early, late = judge(rule, HARMFUL[:10]), judge(rule, HARMFUL)
    assert early.outcome == "hold"
    assert "10,000 of 20,000 rows of the candidate before it may be clear; it says harm" in texts(early)
    assert (late.outcome, late.at) == ("roll back", HARMFUL[19].counted_at)
    assert judge(rule, HEALTHY[:19]).outcome == "hold"


def test_means_of_few_units_are_not_believed() -> None:
    rule = stage(guardrail(method="mean", margin=0.3, sd=1.0))

    def looks(units: int, mean: float) -> list[Look]:
        canary = Moments(units, units * mean, units * (1 + mean**2))
        return [look(0, Means(canary, Moments(9_000, 0.0, 9_000.0)))]

    assert [judge(rule, looks(units, 2.0)).outcome for units in (29, 30)] == ["hold", "roll back"]
    assert [judge(rule, looks(units, -1.0)).outcome for units in (99, 100)] == ["hold", "promote"]


def test_a_traffic_split_that_is_off_voids_what_guardrails_say_after_it() -> None:
    lost = [traffic(nth, 850, 9_000) for nth in range(30)]
    verdict = judge(stage(), HEALTHY + lost)
    assert (verdict.outcome, verdict.reasons[0].kind) == ("hold", "traffic split")
    assert "25,500 of 295,500 rows are the candidate's, 10 % should be" in texts(verdict)
    late = [events(nth, 20, 180) for nth in range(20)] + [events(nth, 40, 180) for nth in range(20, 30)]
    void = judge(stage(), late + lost)
    assert void.outcome == "hold"
    assert "void with the traffic split" in texts(void)
    before = judge(stage(), HARMFUL + [traffic(nth, 850, 9_000) for nth in range(20, 30)])
    assert before.outcome == "roll back"


def test_users_that_keep_their_arm_are_counted_once() -> None:
    rule = stage(guardrail(unit="user"))
    same_users = [events(nth, 20, 180, of=1_050, times=9) for nth in range(30)]
    by_rows = [traffic(nth, 10_500, 89_500) for nth in range(30)]
    assert judge(stage(), same_users + by_rows).reasons[0].kind == "traffic split"
    assert judge(rule, same_users + by_rows).outcome == "promote"
    lost = [look(nth, Binary(850, 17, 9_150, 183)) for nth in range(30)]
    found = judge(rule, lost + by_rows)
    assert "850 of 10,000 users are the candidate's, 10 % should be" in texts(found)
    assert found.at == lost[0].counted_at
    labelled = stage(guardrail(unit="user", needs_labels=True), guardrail("seen", unit="user", harm="down"))
    assert judge(labelled, lost).outcome == "hold"
    assert "traffic split" not in texts(judge(labelled, lost))


def test_conditions_only_turn_a_promotion_into_a_hold() -> None:
    unmet = [Condition("approval", False, "approvals: 1 of 2"), Condition("item", True, "legal: yes")]
    verdict = judge(stage(), HEALTHY, unmet)
    assert verdict.outcome == "hold"
    assert verdict.reasons[0].text == "approvals: 1 of 2"
    assert verdict.at is None  # since when a condition holds, the data can't tell
    assert judge(stage(), HARMFUL, unmet).outcome == "roll back"
    assert judge(stage(), HEALTHY, unmet[1:]).outcome == "promote"


def test_a_stage_without_arms_rests_on_its_evaluation() -> None:
    test = stage(stage="test", kind="test", guardrails=())
    assert judge(test, []).outcome == "hold"
    assert judge(test, [], [Condition("item", True, "legal: yes")]).outcome == "hold"
    assert judge(test, [], [Condition("evaluation", False, "auc 0.6 below 0.7")]).reasons[0].kind == "evaluation"
    assert judge(test, [], [Condition("evaluation", True, "evaluated")]).outcome == "promote"
    last = stage(stage="full", kind="full", guardrails=())
    assert judge(last, [], [Condition("evaluation", True, "evaluated")]).outcome == "hold"


def test_a_shadow_without_guardrails_rests_on_how_often_both_agree() -> None:
    shadow = stage(stage="shadow", kind="shadow", guardrails=())
    agree = Condition("shadow", True, "v42 answers otherwise in 0.4 %; 1 % are allowed")
    assert judge(shadow, []).outcome == "hold"
    assert judge(shadow, [], [agree]).outcome == "promote"
    assert judge(shadow, [], [replace(agree, met=False)]).outcome == "hold"
    assert "rows: 0 of 10, 10 missing" in texts(judge(replace(shadow, minimum_rows=10), [], [agree]))


def test_nothing_judged_is_nothing_clear() -> None:
    verdict = judge(stage(guardrails=()), [traffic(nth, 1_000, 9_000) for nth in range(30)])
    assert verdict.outcome == "hold"
    assert "judges no guardrail" in texts(verdict)


def test_what_becomes_rarer_is_harm_where_less_is_worse() -> None:
    clicks = stage(guardrail(harm="down"))
    assert judge(clicks, HARMFUL).outcome == "promote"
    lost = judge(clicks, [events(nth, 12, 180) for nth in range(30)])
    assert lost.outcome == "roll back"
    assert lost.evidence[0].estimate < 1
    assert "not yet clear of 0.769" in texts(judge(clicks, HEALTHY[:3]))


@pytest.mark.parametrize(("mean", "outcome"), [(1.0, "promote"), (1.3, "roll back")])
@pytest.mark.parametrize("method", ["mean", "rank", "paired mean"])
def test_numbers_and_ranks_are_judged_too(method: Any, mean: float, outcome: str) -> None:
    def sums() -> Sums:
        if method == "mean":
            return Means(Moments(500, 500 * mean, 500 * (1 + mean**2)), Moments(4_500, 4_500.0, 9_000.0))
        if method == "rank":
            return Ranks(500, 4_500, 0.5 + (mean - 1) / 4, 0.0)
        return PairedMeans(500, 500 * (mean - 1), 500 * (1 + (mean - 1) ** 2))

    rule = stage(guardrail(method=method, margin=0.08, sd=1.0))
    verdict = judge(rule, [look(nth, sums()) for nth in range(40)])
    assert verdict.outcome == outcome


def test_the_chance_to_be_worse_is_told_of_the_side_that_is_worse() -> None:
    rule = stage(guardrail(method="rank", margin=0.05, harm="down"))
    found = judge(rule, [look(nth, Ranks(500, 4_500, 0.4, 0.0)) for nth in range(20)]).evidence[0]
    assert found.harmed_at is not None
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(0.6)


def test_zeros_and_ones_are_numbers_under_another_rule() -> None:
    rule = stage(guardrail(method="mean", margin=0.008, sd=0.14))
    assert judge(rule, HEALTHY).outcome == "promote"
    assert judge(rule, [events(nth, 40, 180) for nth in range(30)]).outcome == "roll back"


def test_a_path_goes_forwards_only() -> None:
    path = Path(stage())
    path.add(())
    path.add((HEALTHY[3],))
    for looks in ((HEALTHY[3],), (HEALTHY[1],), (HEALTHY[7], HEALTHY[8])):
        with pytest.raises(ValueError, match="moment by moment"):
            path.add(looks)
    assert path.outcome == "hold"


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Look], list[Look]]:
    """Looks of two guardrails and of the traffic, windows overlapping, several of a moment; and in another order."""
    counts = st.integers(0, 60)
    looks: list[Look] = []
    for nth, (more, control) in enumerate(draw(st.lists(st.tuples(counts, counts), min_size=1, max_size=12))):
        late = {"counted_at": START + draw(st.integers(0, 5)) * WINDOW, "window_start": START - nth * WINDOW}
        looks.append(events(nth, more, control, of=60, **late))
        sums = Means(Moments(60, more / 7, more / 3), Moments(500, control / 3, control * 1.1))
        looks.append(look(nth, sums, "loss", **late))
        looks.append(replace(traffic(nth, 60 + more, 540), counted_at=late["counted_at"]))
    return looks, [replace(each, id=nth) for nth, each in enumerate(draw(st.permutations(looks)))]


@settings(max_examples=50)
@given(shuffled())
def test_the_order_of_arrival_changes_not_one_byte(both: tuple[list[Look], list[Look]]) -> None:
    rule = stage(guardrail(), guardrail("loss", method="mean", margin=0.1, sd=0.5))
    first, second = (repr(judge(rule, looks)) for looks in both)
    assert first == second


@settings(max_examples=50)
@given(st.lists(st.integers(5, 60), min_size=2, max_size=12), st.integers(1, 11))
def test_evidence_gathered_all_night_is_that_of_the_morning(counts: list[int], cut: int) -> None:
    looks = [events(nth, count, 180) for nth, count in enumerate(counts)]
    path = Path(stage())
    for each in looks[:cut]:
        path.add((each,))
    path.verdict()
    for each in looks[cut:]:
        path.add((each,))
    assert repr(path.verdict()) == repr(judge(stage(), reversed(looks)))
