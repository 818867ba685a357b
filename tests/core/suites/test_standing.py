"""What a test stage asks of the evaluation: only the suite of today, only verified, every floor by name."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.suites.importing import import_metrics
from core.suites.rotation import effective_primary, reread, rotate
from core.suites.standing import conditions
from storage.errors import RefusedError, UsageError
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, RolloutRule, StageRule
from storage.tables import kept_slices, suites
from tests.conftest import ADA, NOW
from tests.core.suites.scene import BUSINESS, TEXT, Scene, make

TEST = StageRule("test", "test", 0.0)


@pytest.fixture
def scene(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Scene:
    return make(db, register, tmp_path)


def asked(scene: Scene, stage: StageRule = TEST, baseline: str = "v1") -> tuple[Condition, ...]:
    rule = RolloutRule((TEST,), False, "0" * 64)
    rollout = Rollout(1, scene.model.id, "delay", "v2", baseline, rule, "test", "open", "ada", NOW, NOW)
    return conditions(scene.db, scene.model, rollout, stage, now=NOW)


def test_only_an_evaluation_by_the_suite_of_today_counts(scene: Scene) -> None:
    assert asked(scene, StageRule("canary", "canary", 0.1)) == ()
    [never] = asked(scene)
    assert (never.met, "never evaluated against v1" in never.text) == (False, True)
    done = scene.evaluate()
    assert done.passes
    assert [one.met for one in asked(scene)] == [True, True, True]
    [other] = asked(scene, baseline="v0")
    assert (other.met, "against v1, not v0" in other.text) == (False, True)
    scene.keep("lga", "LGA", 12.0)
    [stale] = asked(scene)
    assert not stale.met
    assert "not comparable" in stale.text
    assert "lga" in stale.text
    assert not scene.evaluate().passes
    held = {one.kind: one for one in asked(scene) if not one.met}
    assert list(held) == ["floor"]
    assert "'lga' breaks its floor 12" in held["floor"].text


def test_a_business_metric_that_is_worse_is_said_and_holds_nobody(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    forecast = '[[metrics]]\nname = "forecast"\nkind = "business"\ndirection = "down"\nsql = "avg(predicted)"\n'
    scene = make(db, register, tmp_path, TEXT + forecast)
    done = scene.evaluate()
    assert done.passes
    told = next(one for one in done.reasons if one.startswith("business metric forecast is worse by +"))
    assert told.endswith(": ML and business part ways")
    assert done.reasons.index(told) == 1
    assert Condition("evaluation", True, told) in asked(scene)
    assert not [one for one in scene.evaluate("v1", baseline="v2", baseline_scores=scene.scores("v2")).reasons
                if one.startswith("business")]  # fmt: skip


def test_one_threshold_changed_makes_old_numbers_not_comparable(scene: Scene) -> None:
    scene.keep("lga", "LGA", 60.0)
    scene.evaluate()
    assert all(one.met for one in asked(scene))
    kept = kept_slices.get(scene.db, scene.model.id, "lga")
    kept_slices.retire(scene.db, kept.id, reason=None, by="ada", now=NOW)
    scene.keep("lga", "LGA", 60.5)
    [told] = asked(scene)
    assert not told.met
    assert "slices lga floor: 60.0, now 60.5" in told.text


def test_a_random_split_is_another_suite_than_the_gate_asks_for(scene: Scene) -> None:
    scene.evaluate(split="random")
    [told] = asked(scene)
    assert "split kind" in told.text


def test_imported_metrics_never_satisfy_a_gate(scene: Scene) -> None:
    found = import_metrics(scene.db, scene.model, "v2", {"mae": 0.1}, source="notebook", actor=ADA, now=NOW)
    assert [(one.metric, one.value, one.source) for one in found] == [("mae", 0.1, "notebook")]
    [told] = asked(scene)
    assert not told.met
    assert "unverified" in told.text
    with pytest.raises(UsageError, match="no metric"):
        import_metrics(scene.db, scene.model, "v2", {"mae": float("nan")}, source="x", actor=ADA, now=NOW)


def test_a_rotation_is_on_record_and_gates_keep_the_registered_metric(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    scene = make(db, register, tmp_path, TEXT + BUSINESS)
    done = scene.evaluate()
    later = NOW + timedelta(days=1)
    told = rotate(db, scene.model, "cost", owner="finance", reason="fuel", actor=ADA, now=later)
    assert (told.metric, told.before, told.owner) == ("cost", "mae", "finance")
    assert effective_primary(db, scene.model, NOW).metric.name == "mae"
    held = effective_primary(db, scene.model, later)
    assert (held.metric.name, held.registered.name, held.reason, held.rotated) == ("cost", "mae", "fuel", True)
    both = reread(db, scene.model, done, later)
    assert both.registered is not None
    assert both.effective is not None
    assert (both.registered.metric, both.effective.metric) == ("mae", "cost")
    assert all(one.met for one in asked(scene))
    assert scene.evaluate().suite == done.suite
    with pytest.raises(RefusedError, match="already"):
        rotate(db, scene.model, "cost", owner="finance", reason="fuel", actor=ADA, now=later)
    with pytest.raises(UsageError, match="owner and a reason"):
        rotate(db, scene.model, "mae", owner=" ", reason="x", actor=ADA, now=later)
    with pytest.raises(UsageError, match="no metric 'auc'"):
        rotate(db, scene.model, "auc", owner="a", reason="b", actor=ADA, now=later)
    assert len(suites.rotations(db, scene.model.id)) == 1
