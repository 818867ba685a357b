"""The quick form of the whole policy: candidates on simulated traffic, from 1 % to everyone."""

from __future__ import annotations

import math
from functools import partial

from core.rollouts.thresholds import ThresholdPath, Thresholds
from tests.core.rollouts.simulated import MINUTE, Gate, Run, ours, run, traffic


def runs(ratio: float, times: int) -> list[Run]:
    return [run(ours, traffic(ratio, seed)) for seed in range(times)]


def share(found: list[Run], outcome: str) -> float:
    return sum(each.outcome == outcome for each in found) / len(found)


def at_most(chance: float, times: int) -> float:
    return chance + 3 * math.sqrt(chance * (1 - chance) / times)


def test_healthy_candidates_reach_everyone() -> None:
    assert 1 - share(runs(1.0, 25), "promote") <= at_most(0.02, 25)


def test_harm_at_the_margin_is_let_through_no_oftener_than_allowed() -> None:
    assert share(runs(1.15, 15), "promote") <= at_most(0.05, 15)


def test_a_doubling_is_rolled_back_at_little_cost() -> None:
    found = runs(2.0, 40)
    assert share(found, "roll back") == 1.0
    assert sum(each.stage == 0 for each in found) >= 36
    assert sum(each.extra for each in found) / len(found) <= 25


def test_thresholds_on_the_same_traffic_cry_wolf_or_sleep() -> None:
    def gate(stage: int, rule: Thresholds) -> Gate:
        return ThresholdPath(rule, "error")

    loud = Thresholds(MINUTE, 1.5, allowed=3)
    quiet = Thresholds(5 * MINUTE, 0.05, relative=False, allowed=3)
    assert all(run(partial(gate, rule=loud), traffic(1.0, seed)).outcome == "roll back" for seed in range(5))
    asleep = [run(partial(gate, rule=quiet), traffic(1.5, seed)) for seed in range(5)]
    assert sum(each.outcome == "promote" for each in asleep) >= 4
