"""Looks that cannot be believed, say nothing, or do not belong: held, named, never a crash."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from core.rollouts.policy import judge
from storage.records.looks import Binary, Means, Moments, PairedBinary, PairedMeans, Ranks, Split, Sums
from storage.records.rollouts import Verdict
from tests.core.rollouts.made_looks import START, events, guardrail, look, stage, traffic

HEALTHY = [events(nth, 20, 180) for nth in range(30)]
HARMFUL = [events(nth, 30, 180) for nth in range(30)]


def texts(verdict: Verdict) -> str:
    return "\n".join(reason.text for reason in verdict.reasons)


BROKEN: tuple[tuple[str, Sums], ...] = (
    ("1200 events in 1000 units", Binary(1_000, 1_200, 9_000, 10)),
    ("nan", Binary(1_000, math.nan, 9_000, 10)),  # type: ignore[arg-type]
    ("-5", Binary(1_000, -5, 9_000, 10)),
    ("cannot read", Ranks(10, 10, 0.5, 0.0)),
    ("cannot read", Split(10, 10, 0.5)),
)


@pytest.mark.parametrize(("said", "sums"), BROKEN)
def test_a_look_that_cannot_be_believed_holds_and_is_named(said: str, sums: Sums) -> None:
    verdict = judge(stage(), [*HEALTHY, look(40, sums)])
    assert verdict.outcome == "hold"
    assert "errors: a look of 07:40 UTC cannot be believed" in verdict.reasons[0].text
    assert said in verdict.reasons[0].text
    assert judge(stage(), [*HARMFUL, look(40, sums)]).outcome == "roll back"


@pytest.mark.parametrize(
    ("method", "sums"),
    [
        ("mean", Means(Moments(10, math.nan, 1.0), Moments(90, 1.0, 1.0))),
        ("mean", Means(Moments(10, 100.0, 1.0), Moments(90, 1.0, 1.0))),
        ("rank", Ranks(10, 90, math.nan, 0.0)),
        ("rank", Ranks(10, 90, 1.5, 0.0)),
        ("paired odds", PairedBinary(10, 8, 8)),
        ("paired mean", PairedMeans(10, math.inf, 1.0)),
    ],
)
def test_numbers_that_cannot_be_are_named_under_every_method(method: Any, sums: Sums) -> None:
    margin = 1.3 if method == "paired odds" else 0.1
    verdict = judge(stage(guardrail(method=method, margin=margin, sd=1.0)), [look(0, sums)])
    assert verdict.outcome == "hold"
    assert "cannot be believed" in verdict.reasons[0].text


def test_a_split_that_cannot_be_believed_holds() -> None:
    verdict = judge(stage(), [*HEALTHY, traffic(0, 100, 900, expected=1.5)])
    assert (verdict.outcome, "traffic split" in texts(verdict)) == ("hold", True)


def test_a_window_that_ends_before_it_begins_cannot_be_believed() -> None:
    backwards = events(40, 20, 180, window_end=START)
    assert "ends before it begins" in texts(judge(stage(), [*HEALTHY, backwards]))


def test_an_empty_arm_says_nothing() -> None:
    starved = [look(nth, Binary(0, 0, 9_000, 180)) for nth in range(3)]
    verdict = judge(stage(), starved)
    assert verdict.outcome == "hold"
    assert "nothing to compare in 3 looks" in texts(verdict)
    assert judge(stage(), [*HEALTHY, look(40, Binary(0, 0, 9_000, 180))]).outcome == "promote"


def test_looks_of_another_stage_or_of_no_guardrail_do_not_count() -> None:
    strange = [replace(each, guardrail="old") for each in HARMFUL]
    elsewhere = [replace(each, stage="ab") for each in HARMFUL]
    verdict = judge(stage(), HEALTHY + strange + elsewhere)
    assert (verdict.outcome, verdict.looks) == ("promote", 30)
    assert "old: not in this stage's rule, so its 30 looks do not count" in texts(verdict)
