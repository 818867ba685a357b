"""A rollout that is held against another version by now: its evaluation is made again where its sources still stand."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core.rollouts import deciding
from core.rollouts.deciding import Standing
from core.rollouts.opening import find, open_rollout
from core.versions import Sources, add, deploy
from storage.records.models import Model
from storage.tables import audit, rollouts, suites
from tests.conftest import ADA, NOW
from tests.core.suites.scene import TEXT, Scene, make

STAGES = """
[[stages]]
name = "test"
kind = "test"
[[stages]]
name = "full"
"""


@pytest.fixture
def scene(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Scene:
    """v1 serves; v2 and v3 were evaluated against it, and v3 is in test."""
    made = make(db, register, tmp_path, TEXT + STAGES)
    made.table["v3"] = (made.table["v1"] + made.table["v2"]) / 2
    for version in ("v1", "v2", "v3"):
        add(db, made.model, version, Sources(seed=version), actor=ADA, now=NOW)
    deploy(db, made.model, "v1", "full", at=NOW - timedelta(days=2), actor=ADA, now=NOW)
    made.evaluate("v2", scores=made.scores("v2", made.table))
    made.evaluate("v3", scores=made.scores("v3", made.table))
    rollout = open_rollout(db, made.model, "v3", actor=ADA, now=NOW)
    rollouts.add_event(db, rollout.id, "entered", stage="test", by="ada", now=NOW)
    deploy(db, made.model, "v2", "full", at=NOW, actor=ADA, now=NOW)
    return made


def gate(scene: Scene) -> Standing:
    rollout = find(scene.db, scene.model, "v3")
    assert rollout is not None
    return deciding.gate(scene.db, scene.model, rollout, now=NOW + timedelta(hours=1))


def test_it_is_made_again_against_the_new_baseline_by_the_same_rows_and_answers(scene: Scene) -> None:
    told = gate(scene)
    [made] = suites.against(scene.db, scene.model.id, "v3", "v2")
    [first] = suites.against(scene.db, scene.model.id, "v3", "v1")
    assert (told.rollout.baseline, made.by, made.verified) == ("v2", "midwatch", True)
    assert (made.data, made.candidate_door, made.suite) == (first.data, first.candidate_door, first.suite)
    assert made.baseline_door.what == scene.folder.joinpath("v2.parquet").as_posix()
    assert any("is by the suite of today" in one.text for one in told.verdict.conditions)
    assert next(entry.actor for entry in audit.recent(scene.db, 5) if entry.action == "evaluate") == "midwatch"
    gate(scene)
    assert len(suites.against(scene.db, scene.model.id, "v3", "v2")) == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [("v3", "v3.parquet have changed since"), ("v2", "there are no predictions of 'v2' for these rows")],
)
def test_where_the_answers_do_not_stand_the_gate_says_why_and_what_to_run(scene: Scene, name: str, why: str) -> None:
    held = (scene.folder / f"{name}.parquet").read_bytes()
    scene.scores(name, scene.table.assign(**{name: 0.0}))
    for _ in range(2):
        [told] = [one for one in gate(scene).verdict.conditions if one.kind == "evaluation"]
        assert not told.met
        assert "v3 was evaluated against v1, not v2: midwatch evaluate delay v3 --baseline v2" in told.text
        assert why in told.text
    assert [entry.action for entry in audit.recent(scene.db, 50)].count("evaluate.again") == 1
    (scene.folder / f"{name}.parquet").write_bytes(held)
    assert any("is by the suite of today" in one.text for one in gate(scene).verdict.conditions)
