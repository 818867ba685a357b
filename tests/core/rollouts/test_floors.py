"""Floors on a candidate's own rows: a batch is read once, only what surely holds is met, files that are gone hold."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.kept import slices as kept
from core.rollouts import floors, producers
from core.rollouts.catch_up import catch_up
from core.shadow import representing, standing
from storage.records.models import Model
from storage.records.rollouts import Condition, Rollout, StageRule
from storage.records.slices import Predicate
from storage.tables import rollouts
from tests.conftest import ADA
from tests.core.rollouts.logs import MODEL, OPENED, candidate, requests, take_in, write

Register = Callable[..., Model]
ACCURACY = MODEL.replace('name = "auc"', 'name = "accuracy"')
MIXED = (("v7", "full", 200), ("v8", "canary", 100))
DAYS = (1, 2)


class Scene:
    """Days of a canary, and a slice with a floor."""

    def __init__(self, db: sqlite3.Connection, model: Model, folder: Path, floor: float) -> None:
        self.db, self.model, self.folder = db, model, folder
        self.paths: list[str] = []
        kept.keep(db, model, "pro", PRO, kind="critical", floor=floor, actor=ADA, now=OPENED)
        self.rollout: Rollout = candidate(db, model, folder)
        for day in (*DAYS, 9):
            self.day(day)
        rollouts.add_event(db, self.rollout.id, "entered", stage="canary", by="ada", now=OPENED)
        rule = self.rollout.rule.stage("canary")
        assert rule is not None
        self.rule: StageRule = rule

    def day(self, day: int) -> None:
        self.paths.append(write(self.folder, f"d{day}.parquet", requests(day, MIXED)))
        take_in(self.db, self.model, self.paths[-1], OPENED)
        catch_up(self.db, self.model, now=OPENED)

    def ask(self) -> Condition:
        [found] = floors.conditions(self.db, self.model, self.rollout, self.rule, now=OPENED)
        return found

    def remember(self) -> int:
        return floors.remember(self.db, self.model, self.rollout, self.rule, now=OPENED)


PRO = (Predicate("plan", "=", "pro"),)


@pytest.fixture
def scene(db: sqlite3.Connection, register: Register, tmp_path: Path) -> Callable[[float], Scene]:
    return lambda floor: Scene(db, register(ACCURACY), tmp_path, floor)


def test_a_batch_is_read_once_and_says_the_same_from_then_on(
    scene: Callable[[float], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scene(0.5)
    afresh = made.ask()
    assert (afresh.kind, afresh.met) == ("floor", True)
    assert made.remember() == 3
    opened = []
    real = kept._read_one
    monkeypatch.setattr(kept, "_read_one", lambda *asked: (opened.append(asked[3].id), real(*asked))[1])
    assert (made.ask(), opened) == (afresh, [])
    made.day(10)
    assert (made.remember(), opened) == (1, [4])
    more = made.ask()
    assert opened == [4]
    assert more.text != afresh.text
    made.db.rollback()
    with monkeypatch.context() as one:  # merged, it says what one reading of all says
        one.setattr(floors, "FORM", 99)
        assert made.ask() == more


def test_a_floor_that_the_interval_leaves_open_holds_its_candidate(scene: Callable[[float], Scene]) -> None:
    open_ = scene(0.8).ask()
    assert (open_.met, "may break its floor 0.8" in open_.text) == (False, True)
    assert "more rows of it with labels decide, at this value" in open_.text


def test_a_broken_floor_holds(scene: Callable[[float], Scene]) -> None:
    broken = scene(0.99).ask()
    assert (broken.met, "breaks its floor 0.99" in broken.text) == (False, True)


def test_files_that_are_gone_hold_unless_they_were_read(
    scene: Callable[[float], Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scene(0.5)
    with monkeypatch.context() as few:
        few.setattr("core.shadow.windows.MOST_BATCHES", 2)
        [newest] = representing.conditions(made.db, made.model, made.rollout, made.rule, now=OPENED)
    assert newest.text.endswith("; older batches that are not read: 1")
    kept_bytes = Path(made.paths[1]).read_bytes()
    os.unlink(made.paths[1])
    lost = made.ask()
    assert not lost.met
    assert f"1 of 3 batches could not be read: batch 2: the file of batch 2, {made.paths[1]}, is gone" in lost.text
    [sample] = representing.conditions(made.db, made.model, made.rollout, made.rule, now=OPENED)
    assert not sample.met
    assert sample.text.endswith(f"; 1 of 3 batches could not be read: the file of batch 2, {made.paths[1]}, is gone")
    Path(made.paths[1]).write_bytes(Path(made.paths[0]).read_bytes())
    assert "has changed since it was ingested" in made.ask().text
    Path(made.paths[1]).write_bytes(kept_bytes)
    producers.work_out(made.db, made.model, now=OPENED)
    os.unlink(made.paths[1])
    assert made.ask().met


def test_a_shadow_of_which_a_file_is_gone_holds(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    arms = (("v7", "full", 60), ("v8", "shadow", 60))
    paths = [write(tmp_path, f"d{day}.parquet", requests(day, arms, shared=True)) for day in (1, 2)]
    for path in paths:
        take_in(db, model, path, OPENED)
    rule = rollout.rule.stage("shadow")
    assert rule is not None
    catch_up(db, model, now=OPENED)
    *_, whole = standing.conditions(db, model, rollout, rule, now=OPENED)
    assert whole.met
    os.unlink(paths[0])
    *_, less = standing.conditions(db, model, rollout, rule, now=OPENED)
    assert not less.met
    assert less.text.endswith(f"; 1 of 2 batches could not be read: the file of batch 1, {paths[0]}, is gone")
