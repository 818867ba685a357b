from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import rollback
from storage.errors import RefusedError, UsageError
from storage.records.rollbacks import (
    ActuatorPlan,
    Candidate,
    PreflightItem,
    RollbackPlan,
    from_json,
    to_json,
)
from storage.records.rollouts import StageRule
from storage.records.rule_documents import hashed
from storage.tables import audit, deployments, models, rollouts
from tests.conftest import ADA, CHURN, NOW
from tests.core.rollback.conftest import COLUMNS, POINTER, Desk


def test_a_good_earlier_version_is_chosen_and_all_is_green(desk: Desk) -> None:
    before = audit.verify(desk.db).entries
    plan = desk.plan()
    assert (plan.from_version, plan.to_version, plan.light, plan.must_type) == ("v13", "v12", "green", False)
    assert plan.rows_per_hour == pytest.approx(1000, rel=0.01)  # the batch of v13 alone, not v12's of days ago
    assert plan.actuation is not None
    assert "writes 'v12\\n' into" in plan.actuation.does
    assert audit.verify(desk.db).entries == before
    assert desk.pointer.read_text() == "v13\n"


def test_a_candidate_that_no_gate_let_through_is_no_way_back(desk: Desk) -> None:
    desk.version("v14", days=-0.01)
    retrained = next(found for found in desk.plan().candidates if found.version == "v14")
    rule = hashed((StageRule("canary", "canary", 0.1), StageRule("full", "full", 1.0)), feedback_loop=False)
    opened = rollouts.insert(desk.db, desk.model.id, "v14", "v13", rule, by="ada", now=NOW)
    rollouts.add_event(desk.db, opened, "entered", stage="canary", by="ada", now=NOW)
    candidate = next(found for found in desk.plan().candidates if found.version == "v14")
    assert (retrained.light, candidate.light) == ("amber", "red")
    assert candidate.reasons[0] == "v14 is a candidate in canary: its gates have not let it through"
    rollouts.add_event(desk.db, opened, "stopped", stage="canary", by="ada", now=NOW)
    assert (
        "the rollout of v14 was stopped in canary"
        in next(found for found in desk.plan().candidates if found.version == "v14").reasons
    )


def test_what_was_shown_survives_the_store(desk: Desk) -> None:
    plan = desk.plan()
    assert from_json(to_json(plan)) == plan


TEXTS = st.text(max_size=8)
LIGHTS = st.sampled_from(["green", "amber", "red"])


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        RollbackPlan,
        kind=st.sampled_from(["rollback", "fallback", "undo"]),
        actuation=st.none() | st.builds(ActuatorPlan, detail=st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS))),
        preflight=st.lists(st.builds(PreflightItem, light=LIGHTS), max_size=3).map(tuple),
        candidates=st.lists(
            st.builds(Candidate, light=LIGHTS, reasons=st.lists(TEXTS).map(tuple), metric=st.none() | st.just(0.5)),
            max_size=2,
        ).map(tuple),
        ways_out=st.lists(TEXTS, max_size=2).map(tuple),
        rows_per_hour=st.none() | st.floats(0, 1e9),
        settle_seconds=st.floats(0, 100),
        timeout_seconds=st.floats(0, 100),
        made_at=st.just(NOW),
        expires_at=st.just(NOW + timedelta(seconds=120)),
    )
)
def test_every_plan_survives_json(plan: RollbackPlan) -> None:
    assert from_json(to_json(plan)) == plan


def test_each_fault_turns_its_own_item(desk: Desk) -> None:
    (desk.folder / "v12.artifact").write_text("tampered")
    assert desk.light(desk.plan(), "artifact") == "red"
    (desk.folder / "v12.artifact").unlink()
    assert desk.light(desk.plan(), "artifact") == "red"
    desk.batch("v13", 0.05, columns={name: kind for name, kind in COLUMNS.items() if name != "age"})
    assert desk.light(desk.plan(), "schema") == "red"
    desk.batch("v12", 3.5, auc=0.6)
    assert desk.light(desk.plan(), "history") == "red"
    assert desk.light(desk.plan(to="v13"), "current") == "red"
    desk.pointer.unlink()
    plan = desk.plan()
    assert desk.light(plan, "actuator") == "red"
    assert plan.forbidden


def test_a_suspect_is_named_by_alerts_and_incidents_but_not_by_its_namesake(desk: Desk) -> None:
    desk.db.execute(
        "INSERT INTO incidents(key, model_id, title, detected_at, opened_at, opened_by)"
        " VALUES ('INC-1', ?, 'since v12.1 and v1 all is wrong', 't', 't', 'ada')",
        (desk.model.id,),
    )
    assert desk.light(desk.plan(to="v12"), "suspect") == "green"
    desk.db.execute(
        "INSERT INTO incident_events(incident_id, kind, body, by, at, recorded_at)"
        " VALUES (1, 'supports', 'v13 serves since 02:10, v12 before', 'ada', 't', 't')"
    )
    assert desk.light(desk.plan(to="v12"), "suspect") == "green"
    desk.db.execute(
        "INSERT INTO incident_events(incident_id, kind, body, by, at, recorded_at)"
        " VALUES (1, 'hypothesis', 'v12, again', 'ada', 't', 't')"
    )
    assert desk.light(desk.plan(to="v12"), "suspect") == "red"
    desk.db.execute(
        "INSERT INTO incident_events(incident_id, kind, value, by, at, recorded_at)"
        " VALUES (1, 'state', 'resolved', 'ada', 't', 't')"
    )
    assert desk.light(desk.plan(to="v12"), "suspect") == "green"
    batch = desk.batch("v12", 3.4)
    desk.db.execute(
        "INSERT INTO alerts(model_id, batch_id, fingerprint, group_key, tier, class, cause, title, columns_json, score,"
        " fired_at) VALUES (?, ?, 'f', 'g', 'page', 'hard', 'c', 'age is null', '[]', 1.0, 't')",
        (desk.model.id, batch),
    )
    assert desk.light(desk.plan(to="v12"), "suspect") == "red"


def test_a_version_that_was_rolled_back_from_is_a_suspect(desk: Desk) -> None:
    assert desk.execute(desk.plan()).rolled_back
    assert desk.light(desk.plan(to="v13"), "suspect") == "red"


def test_nobody_is_sent_to_an_unknown_version(desk: Desk) -> None:
    assert desk.plan(to="v99").light == "red"
    with pytest.raises(UsageError, match="no version name"):
        desk.plan(to="../v1")


def test_the_fallback_comes_first_only_in_its_own_range(desk: Desk, other_file: Callable[[str], Desk]) -> None:
    desk.version("simple", role="fallback", days=30)
    desk.live("simple", 25)
    (desk.folder / "v12.artifact").unlink()  # the earlier version is red, so that the fallback may lead
    desk = other_file(CHURN + POINTER + 'fallback = "simple"\nfallback_range = ">= 0.60"\n')
    desk.batch("simple", 24, auc=0.61)
    ready = rollback.fallback_readiness(desk.db, desk.model, NOW)
    assert ready is not None
    assert (ready.light, ready.metric) == ("green", 0.61)
    assert desk.plan().to_version == "simple"
    desk.batch("simple", 23, auc=0.59)
    ready = rollback.fallback_readiness(desk.db, desk.model, NOW)
    assert ready is not None
    assert ready.light == "red"
    assert desk.plan().to_version == "v12"
    (desk.folder / "simple.artifact").unlink()
    assert desk.plan(kind="fallback").light == "red"


def test_where_there_is_nowhere_to_go_it_says_so(desk: Desk, other_file: Callable[[str], Desk]) -> None:
    other_file(CHURN.replace('name = "churn"', 'name = "fresh"', 1))
    fresh = Desk(desk.db, models.get(desk.db, "fresh"), desk.folder)
    with pytest.raises(RefusedError, match="no other version"):
        fresh.plan()
    with pytest.raises(RefusedError, match="names no fallback"):
        fresh.plan(kind="fallback")
    assert rollback.watch(fresh.db, fresh.model).holds is None
    with pytest.raises(RefusedError, match="never rolled back"):
        rollback.plan_undo(fresh.db, fresh.model, now=NOW, actor=ADA)


def test_what_a_log_calls_by_a_name_that_is_none_is_no_candidate(desk: Desk) -> None:
    deployments.record_observed(desk.db, desk.model.id, "v12 (hotfix)", "full", at=NOW - timedelta(days=5), now=NOW)
    plan = desk.plan()
    assert plan.to_version == "v12"
    assert [candidate.version for candidate in plan.candidates] == ["v12"]
