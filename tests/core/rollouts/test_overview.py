"""Candidates as the pane and `midwatch gate` show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

from core import versions
from core.rollouts import documents, overrides, overview, promotion
from core.rollouts.candidates import CandidateLine
from core.rollouts.shortly import shortly
from storage.records.rollouts import GuardrailRule, Reason, ReasonKind, StageRule, Verdict
from tests.conftest import ADA
from tests.core.rollouts.road import BOB, TWO, Road

LATE = GuardrailRule("error", "error", "up", "odds", 1.5, needs_labels=True, lag=timedelta(days=7))

Build = Callable[..., Road]


def line(made: Road, version: str = "v2") -> CandidateLine:
    return next(one for one in overview.candidates(made.db, made.now) if one.version == version)


def test_a_line_says_where_it_is_and_what_it_waits_for(build: Build) -> None:
    made = build()
    made.promote()
    made.now += timedelta(hours=30)
    told = line(made)
    assert (told.stage, told.kind, told.next_stage, told.traffic) == ("canary", "canary", "full", 0.1)
    assert (told.outcome, told.dry_run, told.in_stage) == ("hold", True, timedelta(hours=30))
    assert told.waits_for == "nobody (dry run), it would hold: no data: no look has counted yet"
    made.arm()
    made.look(range(2), 20, 180)
    assert 0.0 < line(made).toward_promote < 1.0
    assert line(made).waits_for.startswith("error: not yet clear of 1.5")
    made.look(range(2, 24), 20, 180)
    told = line(made)
    assert (told.outcome, told.toward_promote, told.waits_for) == ("promote", 1.0, "you: promote it to full")
    assert (told.looks, told.rows) == (48, 24_000)


def test_harm_is_told_first(build: Build) -> None:
    made = build()
    made.promote()
    made.arm()
    made.look(range(6), 80, 180)
    told = line(made)
    assert (told.outcome, told.toward_harm) == ("roll back", 1.0)
    assert told.waits_for.startswith("you: take it off (error: ")


def test_versions_that_came_without_a_gate_are_told(build: Build) -> None:
    made = build()
    versions.deploy(made.db, made.model, "v3", "canary", at=made.now, actor=ADA, now=made.now)
    told = line(made, "v3")
    assert (told.rollout_id, told.entered_without_gate, told.stage) == (None, True, "canary")
    made.promote()
    assert not line(made).entered_without_gate
    made.now += timedelta(hours=1)
    made.live("v2", at=made.now)
    assert line(made).entered_without_gate


def test_a_candidate_with_everything_behind_it(build: Build) -> None:
    made = build(TWO.format(canary='approvals = 1\nitems = ["legal"]\n'))
    made.promote()
    made.arm()
    before = overview.candidate(made.db, made.rollout().id, made.now)
    assert (before.charts[0].points, before.planner, before.items[0].owner) == ((), (), None)
    made.look(range(24), 20, 180)
    made.record()
    found = overview.candidate(made.db, made.rollout().id, made.now)
    [chart] = found.charts
    assert (chart.scale, chart.neutral, chart.margin, len(chart.points)) == ("odds ratio", 1.0, 1.5, 24)
    assert chart.points[-1].log_promote == found.verdict.evidence[0].log_promote
    assert all(point.low <= point.estimate <= point.high for point in chart.points)
    assert [one.outcome for one in found.history] == ["promote", "promote"]
    assert found.planner[0].startswith("error: at 16.7 candidate rows a minute and 2.00% at the baseline, a doubling ")
    assert (found.approvals_needed, found.approvals, found.waiting) == (1, (), ())
    assert {one.kind for one in found.verdict.conditions if not one.met} == {"item", "approval"}


def test_one_that_has_ended_waits_for_nothing(build: Build) -> None:
    made = build()
    made.promote()
    promotion.stop(made.db, made.model, "v2", reason="no need", actor=ADA, now=made.now)
    assert overview.candidates(made.db, made.now) == ()
    found = overview.candidate(made.db, made.rollout().id, made.now)
    assert (found.line.state, found.line.waits_for) == ("stopped", "nothing: stopped")
    with pytest.raises(KeyError):
        overview.candidate(made.db, 99, made.now)


def test_an_override_that_nobody_reviewed_keeps_an_ended_candidate_in_sight(build: Build) -> None:
    made = build()
    made.promote()
    made.arm()
    made.promote(override=True, reason="labels are late", confirmed="v2")
    told = line(made)
    assert (told.state, told.short, told.overrides_open) == ("done", "live in full", 1)
    assert overview.line(made.db, made.rollout().id, made.now) == told
    [open_one] = overview.candidate(made.db, made.rollout().id, made.now).overrides
    overrides.review(made.db, open_one.id, actor=BOB, now=made.now)
    assert overview.candidates(made.db, made.now) == ()


def test_a_wait_is_told_in_a_few_words() -> None:
    rule = StageRule("canary", "canary", 0.1, (LATE,), 2_000, 50, 12.0)

    def said(kind: ReasonKind, text: str = "", guardrail: str | None = None, rows: int = 5_000) -> str:
        reasons = (Reason("clear", "a: clear"), Reason(kind, text, guardrail))
        return shortly(Verdict("canary", "hold", None, reasons, (), (), 1, rows, 9, 3.0), rule)

    assert [
        said("floor", "the critical slice 'pro-plan' breaks its floor 0.8: accuracy 0.7"),
        said("floor", "the critical slice 'pro-plan' could not be held against its floor 0.8: no rows"),
        said("minimum", rows=238),
        said("minimum"),
        said("labels"),
        said("no data", guardrail="error"),
        said("no data", guardrail="other"),
        said("not yet", guardrail="abs_error"),
        said("item", "legal: nobody has answered yet"),
        said("approval", "1 of 2 people approved: ada"),
    ] == [
        "pro-plan below floor", "pro-plan floor not judged", "1,762 rows missing", "9 h of data missing",
        "41 labels missing", "labels in 7d", "no data: other", "not clear yet: abs_error", "answer: legal",
        "1 of 2 approvals",
    ]  # fmt: skip


def test_a_gate_is_the_same_one_while_people_change_nothing(build: Build) -> None:
    made = build()
    made.promote()
    rule = made.rollout().rule.stages[0]
    [guardrail] = rule.guardrails
    same = dataclasses.replace(rule, guardrails=(guardrail, dataclasses.replace(guardrail, name="jfk", floored=True)))
    assert documents.gate_sha(same) == documents.gate_sha(rule)
    for other in (
        dataclasses.replace(rule, minimum_rows=1),
        dataclasses.replace(rule, items=("legal",)),
        dataclasses.replace(rule, guardrails=()),
        dataclasses.replace(rule, guardrails=(dataclasses.replace(guardrail, margin=2.0),)),
    ):
        assert documents.gate_sha(other) != documents.gate_sha(rule)
