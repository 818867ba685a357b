"""The way of a candidate through its stages: none skipped, held with a reason, one operator at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.rollouts import answers, arming, overrides, overview, producers, promotion
from storage import db as store
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.records.rollouts import Condition
from storage.tables import audit, deployments, rollouts
from tests.conftest import ADA
from tests.core.rollouts.road import BOB, CARL, START, TWO, Road

Build = Callable[..., Road]
FOUR = """
[[stages]]
name = "bench"
kind = "test"
traffic = 0.0
[[stages]]
name = "dark"
kind = "shadow"
traffic = 0.0
[[stages]]
name = "one in ten"
kind = "canary"
traffic = 0.1
[[stages]]
name = "all"
"""
CLEAR, HARM = (range(24), 20, 180), (range(24), 60, 180)


def canary(build: Build, *, extra: str = "", armed: bool = True, top: str = "") -> Road:
    """v2 is in the canary stage."""
    made = build(TWO.format(canary=extra), top)
    assert made.promote().to_stage == "canary"
    if armed:
        made.arm()
    return made


def live(road: Road) -> dict[str, str]:
    return {stage: one.version for stage, one in deployments.live_at(road.db, road.model.id, road.now).items()}


def test_one_stage_has_no_gate(build: Build) -> None:
    made = build("")
    with pytest.raises(RefusedError, match="has one stage"):
        made.promote()


def test_every_stage_in_order_by_a_decision(build: Build) -> None:
    made = build(FOUR)
    entered = [made.promote().to_stage]
    while entered[-1] != "all":
        entered.append(made.promote(reason="dry run").to_stage)
    assert entered == ["bench", "dark", "one in ten", "all"]
    rollout = made.rollout()
    assert rollout.state == "done"
    decided = rollouts.decisions(made.db, rollout.id, kind="promoted")
    assert [(d.from_stage, d.to_stage, d.outcome, d.dry_run) for d in decided] == [
        ("", "bench", "promote", False),
        ("bench", "dark", "hold", True),
        ("dark", "one in ten", "hold", True),
        ("one in ten", "all", "hold", True),
    ]
    assert live(made) == {"all": "v2"}
    assert audit.verify(made.db).broken_at is None
    with pytest.raises(RefusedError, match="live in all already"):
        made.promote()


def test_an_armed_gate_holds_and_says_why(build: Build) -> None:
    made = canary(build)
    with pytest.raises(RefusedError, match=r"says hold: .*no look"):
        made.promote()
    made.look(*CLEAR)
    done = made.promote()
    assert (done.state, done.to_stage) == ("recorded", "full")
    assert "your deploy system moves traffic" in done.message
    assert live(made) == {"full": "v2"}


def test_a_gate_in_dry_run_logs_and_needs_a_reason(build: Build) -> None:
    made = canary(build, armed=False)
    plan = made.plan()
    assert (plan.outcome, plan.dry_run, plan.needs_override) == ("hold", True, False)
    with pytest.raises(UsageError, match="needs a reason"):
        made.promote()
    made.promote(reason="the gate is new")
    last = rollouts.decisions(made.db, made.rollout().id)[-1]
    assert (last.outcome, last.dry_run) == ("hold", True)
    assert not overrides.unreviewed(made.db)


def test_arming_is_of_one_gate_and_needs_a_reason(build: Build) -> None:
    made = canary(build)
    rule = made.rollout().rule.stages[0]
    with pytest.raises(RefusedError, match="armed already"):
        arming.arm(made.db, made.model, rule, reason="again", actor=ADA, now=made.now)
    with pytest.raises(UsageError, match="needs a reason"):
        arming.arm(made.db, made.model, rule, on=False, reason=" ", actor=ADA, now=made.now)
    arming.arm(made.db, made.model, rule, on=False, reason="too loud", actor=ADA, now=made.now)
    assert made.standing().dry_run
    arming.arm(made.db, made.model, rule, reason="mended", actor=ADA, now=made.now)
    made.promote(override=True, reason="go")
    made.file(CHURN_WITH.format(rows=500))
    made.promote("v3")
    assert made.standing("v3").dry_run, "another minimum is another gate"


CHURN_WITH = (
    'name = "churn"\ntask = "binary"\n[columns]\ntime = "scored_at"\nid = "request_id"\nprediction = "score"\n'
    'label = "churned"\nversion = "model_version"\nstage = "stage"\n'
    + TWO.format(canary="minimum_rows = {rows}")
)  # fmt: skip


def test_harm_rolls_back_and_stop_takes_the_candidate_off(build: Build) -> None:
    made = canary(build)
    made.look(*HARM)
    assert made.record() == ["roll back"]
    with pytest.raises(RefusedError, match="says roll back"):
        made.promote()
    with pytest.raises(UsageError, match="needs a reason"):
        promotion.stop(made.db, made.model, "v2", reason="", actor=ADA, now=made.now)
    done = promotion.stop(made.db, made.model, "v2", reason="errors trebled", actor=ADA, now=made.now)
    assert (done.state, made.rollout().state) == ("stopped", "rolled back")
    assert live(made) == {"full": "v1"}
    with pytest.raises(RefusedError, match="nothing to take off"):
        promotion.stop(made.db, made.model, "v2", reason="again", actor=ADA, now=made.now)


def test_an_override_stays_until_somebody_else_reviewed_it(build: Build) -> None:
    made = canary(build)
    made.look(*HARM)
    with pytest.raises(UsageError, match="needs a reason"):
        made.promote(override=True)
    done = made.promote(override=True, reason="the errors are known")
    assert done.override_id is not None
    assert [one.reason for one in overrides.unreviewed(made.db)] == ["the errors are known"]
    with pytest.raises(RefusedError, match="your own"):
        overrides.review(made.db, done.override_id, actor=ADA, now=made.now)
    assert not overrides.review(made.db, done.override_id, note="seen", actor=BOB, now=made.now).open
    assert overrides.unreviewed(made.db) == ()
    with pytest.raises(RefusedError, match="reviewed by bob already"):
        overrides.review(made.db, done.override_id, actor=CARL, now=made.now)


def test_a_gate_that_says_promote_needs_no_override(build: Build) -> None:
    made = canary(build)
    made.look(*CLEAR)
    assert made.promote(override=True).override_id is None


@pytest.mark.parametrize("kind", ["confirmed", "expired", "backwards"])
def test_what_is_confirmed_is_what_was_shown(build: Build, kind: str) -> None:
    made = canary(build, top="production = true\n")
    made.look(*CLEAR)
    plan = made.plan()
    later = {"confirmed": 0, "expired": 121, "backwards": -1}[kind]
    now = made.now + timedelta(seconds=later)
    for typed in ("enter", "v3") if kind == "confirmed" else ("v2",):
        with pytest.raises(RefusedError, match=r"typing v2|'v3' was typed|expired"):
            promotion.promote(made.db, made.model, plan, confirmed=typed, actor=ADA, now=now)
    assert made.rollout().stage == "canary"


def test_a_verdict_that_changed_between_plan_and_confirmation_is_refused(build: Build) -> None:
    made = canary(build)
    made.look(*CLEAR)
    plan = made.plan()
    made.look(range(24, 40), 90, 180)
    with pytest.raises(RefusedError, match="something else than was shown: roll back by now"):
        promotion.promote(made.db, made.model, plan, actor=ADA, now=made.now)
    assert made.rollout().stage == "canary"


def test_more_looks_that_change_nothing_do_not_void_a_plan(build: Build) -> None:
    made = canary(build)
    made.look(*CLEAR)
    plan = made.plan()
    made.look(range(24, 26), 20, 180)
    assert promotion.promote(made.db, made.model, plan, actor=ADA, now=made.now).moved


def test_of_two_operators_one_wins(build: Build, store_file: Path) -> None:
    made = canary(build)
    made.look(*CLEAR)
    hers, his = made.plan(), made.plan(actor=BOB)
    other = store.connect(store_file)
    promotion.promote(other, made.model, his, actor=BOB, now=made.now)
    other.close()
    with pytest.raises(RefusedError, match=r"by now: bob promoted it at|has ended meanwhile"):
        promotion.promote(made.db, made.model, hers, actor=ADA, now=made.now)
    assert len(rollouts.decisions(made.db, made.rollout().id, kind="promoted")) == 2


def test_two_operators_open_one_rollout(build: Build) -> None:
    made = build(TWO.format(canary=""))
    plan = made.plan()
    promotion.promote(made.db, made.model, made.plan(), actor=BOB, now=made.now)
    with pytest.raises(RefusedError, match="v2 is in canary by now: bob promoted it"):
        promotion.promote(made.db, made.model, plan, actor=ADA, now=made.now)
    assert len(rollouts.list_all(made.db)) == 1


def test_somebody_writes_between_the_look_and_the_lock(
    build: Build, store_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = canary(build)
    made.look(*CLEAR)
    plan, still = made.plan(), promotion._still

    def slow(*given: object) -> object:
        found = still(*given)  # type: ignore[arg-type]
        other = store.connect(store_file)
        monkeypatch.setattr(promotion, "_still", still)
        promotion.stop(other, made.model, "v2", reason="bob knows more", actor=BOB, now=made.now)
        other.close()
        return found

    monkeypatch.setattr(promotion, "_still", slow)
    with pytest.raises(RefusedError, match="has ended meanwhile"):
        promotion.promote(made.db, made.model, plan, actor=ADA, now=made.now)
    assert made.rollout().state == "stopped"


def test_a_stage_holds_one_candidate_and_the_other_is_held_against_the_new_baseline(build: Build) -> None:
    made = build(FOUR)
    for version in ("v2", "v3"):
        made.promote(version)
    made.promote("v2", reason="dry run")
    with pytest.raises(RefusedError, match="v2 is in dark: one candidate at a time"):
        made.promote("v3", reason="dry run")
    for _ in range(2):
        made.promote("v2", reason="dry run")
    found = made.rollout("v3")
    assert found.baseline == "v2", "re-evaluated against what is live by now"
    assert [event.kind for event in rollouts.events(made.db, found.id)] == ["entered", "rebased"]
    assert made.promote("v3", reason="dry run").to_stage == "dark"


def test_a_stage_removed_from_the_model_file_holds(build: Build) -> None:
    made = build(FOUR)
    made.promote()
    made.file(CHURN_WITH.format(rows=1).replace('"full"', '"all"'))
    with pytest.raises(RefusedError, match="no stage 'bench' any more"):
        made.promote(reason="on", override=True)
    assert any("removed since" in one.text for one in made.standing().verdict.reasons)
    promotion.stop(made.db, made.model, "v2", reason="other stages", actor=ADA, now=made.now)
    assert made.promote().to_stage == "canary"


def test_a_clock_that_goes_backwards_promotes_nothing(build: Build) -> None:
    made = canary(build)
    made.look(*CLEAR)
    made.now = START - timedelta(days=30)
    made.live("v1", at=made.now - timedelta(days=1))
    with pytest.raises(RefusedError, match="the clock says"):
        made.promote()


def test_it_happened_before_but_not_before_the_stage_before(build: Build) -> None:
    made = canary(build)
    made.look(*CLEAR)
    entered = made.rollout().entered_at
    assert entered is not None
    with pytest.raises(UsageError, match="mind --at"):
        made.promote(at=entered - timedelta(minutes=1))
    made.promote(at=entered + timedelta(minutes=1))
    assert deployments.live_at(made.db, made.model.id, made.now)["full"].at == entered + timedelta(minutes=1)


def test_an_unknown_version_and_no_baseline(build: Build, db: sqlite3.Connection) -> None:
    made = build(TWO.format(canary=""))
    with pytest.raises(UsageError, match="no version 'v9'"):
        made.plan("v9")
    deployments.append(db, made.model.id, "v1", "full", "leave", at=made.now, now=made.now, by="ada", source="command")
    with pytest.raises(RefusedError, match="nothing to hold v2 against"):
        made.promote()


def test_items_wait_for_their_owner(build: Build) -> None:
    made = canary(build, extra='items = ["legal", "privacy"]\n')
    made.look(*CLEAR)
    rollout = made.rollout()
    said = [one.text for one in made.standing().unmet]
    assert said == ["legal: nobody has answered yet", "privacy: nobody has answered yet"]
    with pytest.raises(UsageError, match="no item 'ethics'"):
        answers.answer(made.db, rollout, "ethics", "yes", actor=ADA, now=made.now)
    answers.answer(made.db, rollout, "legal", None, owner="carl", actor=ADA, now=made.now)
    with pytest.raises(RefusedError, match="carl's to answer"):
        answers.answer(made.db, rollout, "legal", "yes", actor=ADA, now=made.now)
    answers.answer(made.db, rollout, "legal", "yes", note="LG-7", actor=CARL, now=made.now)
    answers.answer(made.db, rollout, "privacy", "no", note="emails in a feature", actor=BOB, now=made.now)
    with pytest.raises(RefusedError, match="privacy: bob says no: emails in a feature"):
        made.promote()
    answers.answer(made.db, rollout, "privacy", "yes", actor=BOB, now=made.now)
    assert made.promote().to_stage == "full"


def approve(road: Road, by: object = ADA) -> None:
    found = road.standing()
    answers.approve(
        road.db,
        found.rollout,
        sha256=found.sha256,
        document=found.document,
        actor=by,
        now=road.now,  # type: ignore[arg-type]
    )


def test_two_different_people_approve_what_is_shown(build: Build) -> None:
    made = canary(build, extra="approvals = 2\n")
    approve(made, BOB)
    made.look(*CLEAR)
    assert [one.text for one in made.standing().unmet] == [
        "0 of 2 people approved; void, since the evidence changed: bob"
    ]
    approve(made)
    with pytest.raises(RefusedError, match="ada approved this already"):
        approve(made)
    with pytest.raises(RefusedError, match="1 of 2 people approved: ada"):
        made.promote()
    approve(made, CARL)
    made.look(range(24, 26), 20, 180)
    assert made.standing().verdict.outcome == "promote", "more of the same evidence voids nothing"
    made.look(range(26, 46), 90, 180)
    assert not any(one.counts for one in overview.candidate(made.db, made.rollout().id, made.now).approvals)


def test_a_gate_without_approvals_takes_none(build: Build) -> None:
    made = canary(build)
    with pytest.raises(RefusedError, match="asks for no approval"):
        approve(made)


def test_another_baseline_holds_until_looks_are_made_anew(build: Build) -> None:
    made = canary(build)
    made.look(*CLEAR)
    made.now += timedelta(hours=1)
    made.live("v3", at=made.now)
    with pytest.raises(RefusedError, match="v3 is live in full by now, not v1"):
        made.promote()
    promotion.rebase(made.db, made.model, now=made.now)
    assert (made.rollout().baseline, made.standing().verdict.looks) == ("v3", 0)


def test_a_model_of_another_name_is_not_asked(build: Build, register: Callable[..., Model]) -> None:
    made = canary(build)
    made.look(*CLEAR)
    register('name = "eta"\ntask = "regression"\n[columns]\ntime = "t"\nprediction = "p"\n')
    assert overview.candidates(made.db, made.now, model="eta") == ()
    with pytest.raises(UsageError, match="no model 'other'"):
        overview.candidates(made.db, made.now, model="other")


@pytest.mark.parametrize("kind", ["evaluation", "floor", "shadow", "sample"])
def test_whatever_else_is_asked_holds_with_its_reason(build: Build, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    made = canary(build)
    made.look(*CLEAR)
    unmet = Condition(kind, False, f"{kind} is not as it must be")  # type: ignore[arg-type]
    monkeypatch.setattr(producers, "ALWAYS", (lambda *_, **__: (unmet,),))
    with pytest.raises(RefusedError, match=f"says hold: {kind} is not as it must be"):
        made.promote()
    made.look(range(24, 40), 90, 180)
    assert made.standing().verdict.outcome == "roll back", "conditions never stop a roll back"


@pytest.mark.parametrize(
    ("extra", "told"),
    [("minimum_rows = 90000", "66,000 more"), ("minimum_hours = 48", "24 more"), ("minimum_labels = 90000", "labels")],
)
def test_minimums_hold_with_what_is_missing(build: Build, extra: str, told: str) -> None:
    made = canary(build, extra=f"{extra}\n")
    made.look(*CLEAR)
    found = made.standing().verdict
    assert found.outcome == "hold"
    assert told.split()[0] in " ".join(one.text for one in found.reasons)
