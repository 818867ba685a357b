"""A past rollout under another rule, and gates by thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.rollouts.policy import judge
from core.rollouts.replay import replay
from core.rollouts.thresholds import ThresholdPath, Thresholds
from storage.records.looks import Binary, Look, Means, Moments, PairedBinary
from storage.records.rollouts import Rollout, RolloutRule, StageRule
from tests.core.rollouts.made_looks import START, WINDOW, events, guardrail, look, stage, traffic

FIRST, SECOND = [events(nth, 24, 180) for nth in range(12)], [events(nth, 23, 180, stage="ab") for nth in range(12, 40)]


def rule(*stages: StageRule) -> RolloutRule:
    return RolloutRule((stage(stage="test", kind="test", guardrails=()), *stages), False, "0" * 64)


def rollout(*stages: StageRule) -> Rollout:
    return Rollout(1, 1, "churn", "v42", "v41", rule(*stages), "ab", "open", "ana", START, START)


TWO = (stage(guardrail(margin=2.0)), stage(guardrail(margin=1.5), stage="ab", kind="ab"))


def test_under_its_own_rule_a_rollout_ends_each_stage_where_it_first_could() -> None:
    past = rollout(*TWO)
    found = replay(past, [*reversed(SECOND), *FIRST], past.rule)
    assert [each.stage for each in found.stages] == ["canary", "ab"]
    assert [each.outcome for each in found.stages] == ["promote", "promote"]
    first = found.stages[0]
    assert first.at == judge(TWO[0], FIRST).at
    assert first.looks < first.of == 12
    assert first.extra_events == pytest.approx(4.0 * first.looks)
    assert [each.all_events for each in found.happened] == [pytest.approx(48.0), pytest.approx(84.0)]
    assert found.extra_events is not None
    assert found.extra_events < (found.happened_events or 0.0) == pytest.approx(132.0)


def test_the_same_rule_gives_the_same_answer_and_it_is_the_gates() -> None:
    """Also where the gate takes a promotion back, and where harm comes behind it."""
    worse = [events(nth, 60, 180) for nth in range(12, 40)]
    for later in ((), worse[:2], worse):
        looks = [*FIRST, *later]
        past = rollout(TWO[0])
        found = replay(past, looks, past.rule)
        assert found.stages == found.happened
        assert found.extra_events == found.own_events
        [one] = found.stages
        said = judge(TWO[0], looks)
        assert (one.outcome, one.at) == (said.outcome, said.at)
        assert one.spoke == "promote"
    assert (one.outcome, one.looks < len(FIRST)) == ("roll back", True)


def test_a_mean_costs_no_events() -> None:
    means = (stage(guardrail(method="mean", margin=0.5, sd=1.0)),)
    looks = [look(nth, Means(Moments(100, 50.0, 120.0), Moments(900, 450.0, 1000.0))) for nth in range(3)]
    found = replay(rollout(*means), looks, rule(*means))
    assert (found.extra_events, found.happened_events, found.stages[0].extra_events) == (None, None, None)


def test_a_stricter_rule_would_have_rolled_back_and_spared_what_came_after() -> None:
    strict = rule(replace(TWO[0], guardrails=(guardrail(margin=1.15),), alpha_harm=0.5), TWO[1])
    found = replay(rollout(*TWO), FIRST + SECOND, strict)
    assert [(each.outcome, each.reached) for each in found.stages] == [("roll back", True), ("promote", False)]
    assert found.stages[0].reasons[0].kind == "harm"
    assert found.extra_events == found.stages[0].extra_events
    assert (found.extra_events or 0.0) < (found.happened_events or 0.0)


def test_what_was_never_looked_at_is_not_known() -> None:
    longer = rule(replace(TWO[0], minimum_hours=48), stage(stage="region", kind="canary"))
    found = replay(rollout(*TWO), FIRST + SECOND, longer)
    held, nowhere = found.stages
    assert (held.outcome, held.looks) == ("hold", 12)
    assert any("46 missing" in each.text for each in held.reasons)
    assert (nowhere.outcome, nowhere.at, nowhere.extra_events) == ("hold", None, None)
    assert found.apart == ("ab",)


def test_another_method_reads_the_same_sums() -> None:
    means = rule(stage(guardrail(method="mean", margin=0.02, sd=0.14)))
    assert replay(rollout(*TWO), FIRST, means).stages[0].outcome == "promote"


def test_pairs_that_differ_are_extra_events_and_broken_counts_are_none() -> None:
    paired = (stage(guardrail(method="paired odds", margin=1.5), kind="shadow"),)
    looks = [look(nth, PairedBinary(1_000, 12, 10)) for nth in range(3)]
    broken = look(3, Binary(10, 20, 90, 1))
    found = replay(rollout(*paired), [*looks, broken], rule(*paired))
    assert found.happened_events == 6.0


def thresholds(looks: list[Look], **given: Any) -> tuple[str, int]:
    path = ThresholdPath(
        Thresholds(**{"every": 2 * WINDOW, "limit": 1.5, "stay": timedelta(hours=4)} | given), "errors"
    )
    for nth, each in enumerate(looks):
        path.add((each, traffic(nth, 1_000, 9_000)))
        if path.outcome != "hold":
            return path.outcome, nth + 1
    return path.outcome, len(looks)


def test_thresholds_count_failed_measurements() -> None:
    bad, good = [events(nth, 40, 180) for nth in range(40)], [events(nth, 20, 180) for nth in range(40)]
    assert thresholds(bad, allowed=0) == ("roll back", 2)
    assert thresholds(bad, allowed=3) == ("roll back", 8)
    assert thresholds(good) == ("promote", 24)
    mixed = [(bad if nth % 4 < 2 else good)[nth] for nth in range(40)]
    assert thresholds(mixed, allowed=1) == ("roll back", 6)
    assert thresholds(mixed, allowed=1, in_a_row=True) == ("promote", 24)
    assert thresholds(bad, limit=0.05, relative=False) == ("promote", 24)
    assert thresholds(bad, limit=0.03, relative=False) == ("roll back", 8)
    assert thresholds([events(nth, 0, 0, of=0) for nth in range(6)]) == ("hold", 6)


def test_a_rollout_can_be_replayed_under_thresholds() -> None:
    found = replay(rollout(*TWO), FIRST + SECOND, Thresholds(WINDOW, 1.18, allowed=3))
    assert [(each.outcome, each.looks) for each in found.stages] == [("roll back", 4), ("promote", 6)]
    assert found.extra_events == pytest.approx(16.0)
