"""Answers and labels that can't be read, and windows that one arm has to itself: counted, held for, and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from core.rollouts import charts, deciding, unreadable
from core.rollouts.catch_up import catch_up
from core.rollouts.rederiving import verify
from storage.records.looks import Binary, Look, Means, PairedBinary, Split
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.tables import looks, rollouts
from tests.core.rollouts.logs import ALL, MIXED, MODEL, OPENED, bare, candidate, requests, take_in, write

Register = Callable[..., Model]
LATER = (("v7", "full", 9),)


def spoiled(frame: pd.DataFrame, version: str = "v8") -> pd.DataFrame:
    """Every wrong answer of a version taken back."""
    frame = frame.copy()
    off = ((frame["score"] >= 0.5) != (frame["churned"] == 1)) & (frame["model_version"] == version)
    frame.loc[off, "score"] = np.nan
    return frame


def of(found: list[Look], name: str) -> list[Look]:
    return [look for look in found if look.guardrail == name]


def waiting(db: sqlite3.Connection, rollout: Rollout, stage: str = "canary") -> tuple[str, ...]:
    rule = rollout.rule.stage(stage)
    assert rule is not None
    kept = looks.waits(db, rollout.id, stage, rollout.baseline)
    return charts.waiting(rule, looks.looks(db, rollout.id, stage, rollout.baseline), kept)


def test_an_answer_that_cannot_be_read_is_a_wrong_one_and_holds_its_candidate(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL + ALL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    wrong = ((frame["score"] >= 0.5) != (frame["churned"] == 1)) & (frame["model_version"] == "v8")
    take_in(db, model, write(tmp_path, "d1.parquet", spoiled(frame)), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, LATER)), OPENED)
    catch_up(db, model, now=OPENED)
    found = bare(db, rollout, "canary")
    [error], [loss], [latency] = of(found, "error"), of(found, "loss"), of(found, "latency")
    lost = int(wrong.sum())
    assert lost > 3
    assert isinstance(error.sums, Binary)
    assert (error.sums.canary, error.sums.canary_events, error.labelled) == (40, lost, 40)
    assert isinstance(loss.sums, Means)
    assert (loss.sums.canary.n, loss.labelled, loss.rows) == (40 - lost, 40 - lost, 40)
    for look in (error, loss):
        assert (look.unreadable, look.control_rows, look.control_unreadable) == (lost, 160, 0)
    assert (latency.unreadable, latency.control_rows) == (0, 160)
    rule = rollout.rule.stage("canary")
    assert rule is not None
    [held] = unreadable.conditions(db, model, rollout, rule, now=OPENED)
    assert (held.kind, held.met) == ("unreadable", False)
    assert held.text.startswith(f"{lost} of 40 answers of the candidate can't be read")
    assert any(f"{lost} of 40 answers" in line for line in waiting(db, rollout))
    rollouts.add_event(db, rollout.id, "entered", stage="canary", by="ada", now=OPENED)
    standing = deciding.gate(db, model, rollouts.get(db, rollout.id), now=OPENED)
    assert "unreadable" in {one.kind for one in standing.unmet}
    assert [one.wrong for one in verify(db, rollouts.get(db, rollout.id))] == [""] * len(standing.turns)


def test_as_unreadable_as_the_control_is_no_reason_to_hold(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    frame.loc[::10, "score"] = np.nan
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, LATER)), OPENED)
    catch_up(db, model, now=OPENED)
    [error] = of(bare(db, rollout, "canary"), "error")
    assert (error.unreadable, error.control_unreadable) == (4, 16)
    rule = rollout.rule.stage("canary")
    assert rule is not None
    assert unreadable.conditions(db, model, rollout, rule, now=OPENED) == ()


def test_in_shadow_too(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    frame = spoiled(requests(1, (("v7", "full", 60), ("v8", "shadow", 60)), shared=True))
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    take_in(db, model, write(tmp_path, "d4.parquet", requests(4, LATER)), OPENED)
    catch_up(db, model, now=OPENED)
    [error] = of(bare(db, rollout, "shadow"), "error")
    lost = int(frame["score"].isna().sum())
    theirs = frame[frame["model_version"] == "v7"].reset_index(drop=True)
    ours = frame[frame["model_version"] == "v8"].reset_index(drop=True)
    off = (theirs["score"] >= 0.5) != (theirs["churned"] == 1)
    gone = ours["score"].isna()
    assert error.sums == PairedBinary(60, int((gone & ~off).sum()), int((off & ~gone).sum()))
    assert (error.unreadable, error.labelled) == (lost, 60)
    rule = rollout.rule.stage("shadow")
    assert rule is not None
    assert len(unreadable.conditions(db, model, rollout, rule, now=OPENED)) == 1


def test_a_candidate_without_any_answer_and_labels_that_do_not_fit_are_called_so(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL + '[[guardrails]]\nname = "loss"\nsignal = "loss"\n')
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    frame.loc[frame["model_version"] == "v8", "score"] = np.nan
    take_in(db, model, write(tmp_path, "d1.parquet", frame), OPENED)
    odd = requests(2, MIXED)
    odd["churned"] = "lost"
    take_in(db, model, write(tmp_path, "d2.csv", odd), OPENED)
    take_in(db, model, write(tmp_path, "d6.parquet", requests(6, LATER)), OPENED)
    catch_up(db, model, now=OPENED)
    [loss] = of(bare(db, rollout, "canary"), "loss")
    assert isinstance(loss.sums, Means)
    assert (loss.sums.canary.n, loss.labelled, loss.unreadable, loss.rows) == (0, 0, 40, 40)
    told = waiting(db, rollout)
    reason = "40 labels are there, and none can be read; name the positive one in labels.positive"
    assert told[0] == f"loss can't be counted in 1 of 2 windows: {reason}"
    assert told[1].startswith("40 of 40 answers of the candidate can't be read")
    assert not any("waits for labels" in line for line in told)
    assert any(reason in line for line in catch_up(db, model, now=OPENED).waiting)


def test_a_window_of_the_candidate_alone_counts_in_the_split(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    take_in(db, model, write(tmp_path, "d1.parquet", requests(1, MIXED)), OPENED)
    take_in(db, model, write(tmp_path, "d2.parquet", requests(2, (("v8", "canary", 200),))), OPENED)
    catch_up(db, model, now=OPENED)
    assert [look.sums for look in of(bare(db, rollout), "traffic split")] == [Split(40, 160, 0.2)]
    take_in(db, model, write(tmp_path, "d6.parquet", requests(6, MIXED)), OPENED)  # logs have gone on
    catch_up(db, model, now=OPENED)
    alone = of(bare(db, rollout), "traffic split")[1]
    assert (alone.sums, alone.rows) == (Split(200, 0, 0.2), 0)
    assert waiting(db, rollout)[0] == "in 1 window all rows were the candidate's: they count in the traffic split alone"
    rollouts.add_event(db, rollout.id, "entered", stage="canary", by="ada", now=OPENED)
    standing = deciding.standing(db, model, rollouts.get(db, rollout.id), now=OPENED)
    assert [one.kind for one in standing.by_looks.reasons][:1] == ["traffic split"]
    assert standing.by_looks.rows == 80
    take_in(db, model, write(tmp_path, "late.parquet", requests(2, (("v7", "full", 800),))), OPENED)
    assert catch_up(db, model, now=OPENED).looks == 0


def test_files_of_one_arm_each_wait_for_the_other(db: sqlite3.Connection, register: Register, tmp_path: Path) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    for day in (1, 2, 6):
        take_in(db, model, write(tmp_path, f"c{day}.parquet", requests(day, (("v8", "canary", 40),))), OPENED)
        catch_up(db, model, now=OPENED)
    assert bare(db, rollout) == []
    for day in (1, 2):
        take_in(db, model, write(tmp_path, f"b{day}.parquet", requests(day, (("v7", "full", 160),))), OPENED)
        catch_up(db, model, now=OPENED)
    assert {look.sums for look in of(bare(db, rollout), "traffic split")} == {Split(40, 160, 0.2)}
