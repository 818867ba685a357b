"""What a gate can find at this traffic: rows in words, units in the mathematics."""

from __future__ import annotations

import pytest

from core.rollouts.foreseeing import Figures, rows_per_minute, sentence
from core.stats.gates.planner import mean_plan, plan, smallest_change
from storage.records.looks import PairedMeans
from tests.core.rollouts.made_looks import WINDOW, guardrail, look, stage, traffic

ONE = stage(guardrail(method="mean", margin=0.5, sd=20.0))
MINUTE = WINDOW.total_seconds() / 60


def test_a_mean_is_planned_for_as_the_planner_says() -> None:
    told = sentence(ONE.guardrails[0], ONE, Figures(16.0, 20.0, 1.0), 10.0)
    made = mean_plan(20.0, 1.6, ONE.alpha_harm, 10.0, ONE.traffic)
    day = smallest_change(16.0, 20.0, 10.0 * ONE.traffic * 1440, ONE.alpha_harm, ONE.traffic)
    assert f"a rise of 10% takes ~{made.units:,.0f}"[:-1] in told
    assert f"about {made.minutes / 60:.2g} h" in told
    assert f"the smallest change seen in a day is {day:.1%}" in told
    assert "16" in sentence(ONE.guardrails[0], ONE, Figures(16.0, 20.0, 1.0), 10.0)


def test_of_users_rows_are_told_and_users_are_counted() -> None:
    """Four rows a user: a quarter of the units a minute, four times the rows."""
    users = stage(guardrail(unit="user"))
    told = sentence(users.guardrails[0], users, Figures(0.02, None, 0.25), 400.0)
    made = plan(0.02, 2.0, users.alpha_harm, 100.0, users.traffic)
    assert f"at {400 * users.traffic:,.3g} candidate rows ({100 * users.traffic:,.3g} users) a minute" in told
    assert f"({4 * made.units:,.0f}"[:-1] in told
    assert f"a doubling takes ~{made.minutes:.0f} min" in told
    assert f"costs ~{made.extra_errors // 1 + 1:.0f} extra errors" in told


def test_rows_of_all_windows_are_traffic_and_pairs_are_requests() -> None:
    looks = [traffic(nth, 100, 900) for nth in range(3)]
    assert rows_per_minute(looks) == pytest.approx(1000 / MINUTE)
    pairs = [look(nth, PairedMeans(500, 1.0, 2.0)) for nth in range(2)]
    assert rows_per_minute(pairs) == pytest.approx(500 / MINUTE)
    assert rows_per_minute([]) is None


def test_a_shadow_sees_every_request_and_says_at_most() -> None:
    shadow = stage(guardrail(method="paired mean", margin=0.5, sd=20.0), kind="shadow", traffic=0.0)
    told = sentence(shadow.guardrails[0], shadow, Figures(16.0, 20.0, 1.0), 10.0)
    assert told.startswith(f"{shadow.guardrails[0].name}: at 10 candidate rows a minute")
    assert "takes at most " in told


def test_what_can_not_be_planned_for_says_so() -> None:
    rate = stage(guardrail())
    assert "nothing to plan with" in sentence(rate.guardrails[0], rate, Figures(0.0, None, 1.0), 10.0)
    assert "nothing to plan with" in sentence(ONE.guardrails[0], ONE, Figures(0.0, 1.0, 1.0), 10.0)
    ranks = stage(guardrail(method="rank", margin=0.1))
    assert "no plan is made" in sentence(ranks.guardrails[0], ranks, Figures(5.0, 1.0, 1.0), 10.0)
