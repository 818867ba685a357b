import os
import random
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from core.rollouts.catch_up import catch_up
from core.rollouts.opening import open_rollout
from core.versions import deploy
from storage import db as store
from storage.records.looks import Look
from storage.records.models import Model
from storage.tables import looks, rollouts
from tests.conftest import ADA
from tests.core.rollouts.logs import (
    ALL,
    DAY,
    MIXED,
    MODEL,
    OPENED,
    START,
    bare,
    candidate,
    label,
    model_of,
    requests,
    take_in,
    write,
)

Register = Callable[..., Model]


def test_a_batch_without_the_candidate_is_never_opened(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    assert catch_up(db, model, now=OPENED).looks == 0
    candidate(db, model, tmp_path)
    path = write(tmp_path, "d1.parquet", requests(1, (("v7", "full", 20),)))
    take_in(db, model, path, OPENED)
    assert catch_up(db, model, now=OPENED).waiting == ()
    os.unlink(path)
    assert catch_up(db, model, now=OPENED).waiting == ()


def test_a_file_that_is_gone_or_changed_is_told_and_looked_at_when_it_is_back(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    paths = [write(tmp_path, f"d{day}.parquet", requests(day, MIXED)) for day in (1, 2, 6)]
    for path in paths:
        take_in(db, model, path, OPENED)
    kept = Path(paths[0]).read_bytes()
    os.unlink(paths[0])
    gone = catch_up(db, model, now=OPENED)
    assert (gone.looks, gone.waiting[0]) == (3, f"the file of batch 1, {paths[0]}, is gone")
    Path(paths[0]).write_bytes(kept)
    assert catch_up(db, model, now=OPENED).looks == 2
    last = write(tmp_path, "d9.parquet", requests(9, MIXED))
    take_in(db, model, last, OPENED)
    original = Path(last).read_bytes()
    Path(last).write_bytes(kept)
    changed = catch_up(db, model, now=OPENED)
    assert changed.waiting[0] == f"the file of batch 4, {last}, has changed since it was ingested"
    Path(last).write_bytes(original)
    assert (catch_up(db, model, now=OPENED).looks, len(bare(db, rollout))) == (1, 7)


def test_the_looks_of_a_window_are_recorded_together_or_not_at_all(
    db: sqlite3.Connection, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    for day in (1, 6):
        take_in(db, model, write(tmp_path, f"d{day}.parquet", requests(day, MIXED)), OPENED)
    written: list[str] = []
    real = looks.sums_document

    def dies(sums: object) -> str:
        written.append(real(sums))  # type: ignore[arg-type]
        if len(written) == 2:
            raise KeyboardInterrupt
        return written[-1]

    with monkeypatch.context() as killed:
        killed.setattr(looks, "sums_document", dies)
        with pytest.raises(KeyboardInterrupt):
            catch_up(db, model, now=OPENED)
    assert bare(db, rollout) == []
    assert catch_up(db, model, now=OPENED).looks == 3


def test_what_was_looked_for_in_vain_is_not_read_again_until_there_are_more_labels(
    db: sqlite3.Connection, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = register(MODEL + ALL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    theirs = frame["model_version"] == "v7"
    path = write(tmp_path, "d1.parquet", frame.drop(columns=["churned", "latency_ms"]))
    first = take_in(db, model, path, OPENED)
    take_in(db, model, write(tmp_path, "d6.parquet", requests(6, (("v7", "full", 9),))), OPENED)
    truth = frame[["request_id", "churned"]]
    label(db, model, write(tmp_path, "l1.parquet", truth[theirs]), OPENED + DAY, [first])
    told = catch_up(db, model, now=OPENED)
    assert [look.guardrail for look in bare(db, rollout)] == ["traffic split"]
    assert told.waiting[0].startswith("batch 2: latency: ")
    assert told.waiting[1] == "v8 in canary: no labels of both versions yet for 1 window"

    def opened(*_: object) -> None:
        raise AssertionError("it was opened again")

    with monkeypatch.context() as watched_open:
        watched_open.setattr("core.rollouts.catch_up.open_batches", opened)
        assert catch_up(db, model, now=OPENED).waiting == told.waiting
    label(db, model, write(tmp_path, "l2.parquet", truth[~theirs]), OPENED + 2 * DAY, [first])
    more = catch_up(db, model, now=OPENED)
    assert (more.looks, more.waiting) == (3, told.waiting[:1])


def test_two_processes_take_each_look_once(
    db: sqlite3.Connection, store_file: Path, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    for day in (1, 2, 6):
        take_in(db, model, write(tmp_path, f"d{day}.parquet", requests(day, MIXED)), OPENED)
    counts: list[int] = []

    def run() -> None:
        own = store.connect(store_file)
        counts.append(catch_up(own, model, now=OPENED).looks)
        own.close()

    racers = [threading.Thread(target=run) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sum(counts) == len(bare(db, rollout)) == 5


def test_another_baseline_begins_anew_and_a_later_rollout_does_not_look_twice(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    for day in (1, 6):
        take_in(db, model, write(tmp_path, f"d{day}.parquet", requests(day, MIXED)), OPENED)
    catch_up(db, model, now=OPENED)
    assert {look.baseline for look in bare(db, rollout)} == {"v7"}
    deploy(db, model, "v9", "full", actor=ADA, now=OPENED)
    arms = (("v9", "full", 100), ("v8", "canary", 30))
    take_in(db, model, write(tmp_path, "d9.parquet", requests(9, arms)), OPENED)
    assert catch_up(db, model, now=OPENED).looks == 1
    assert catch_up(db, model, now=OPENED).looks == 0
    steps = rollouts.events(db, rollout.id)
    assert [(step.kind, step.baseline) for step in steps] == [("rebased", "v9")]
    assert len(looks.looks(db, rollout.id, "canary", "v9")) == 1
    rollouts.add_event(db, rollout.id, "stopped", by="ada", now=OPENED)
    second = open_rollout(db, model, "v8", actor=ADA, now=OPENED, baseline="v9")
    catch_up(db, model, now=OPENED)
    assert bare(db, second) == []


DAYS = (1, 2, 5)


def night(folder: Path, name: str, logs: list[str], answers: list[str], steps: list[tuple[str, int]]) -> list[Look]:
    """Take in logs and labels in some order, catching up after each step that says so; the looks there are then."""
    path = folder / f"{name}.db"
    store.prepare(path)
    db = store.connect(path)
    model = model_of(db, folder)
    rollout = candidate(db, model, folder)
    ids: dict[int, int] = {}
    for hour, (what, place) in enumerate(steps):
        now = OPENED + hour * DAY / 24
        if what == "log":
            ids[place] = take_in(db, model, logs[place], now)
        elif what == "labels":
            label(db, model, answers[place], now, [ids[place]])
        else:
            catch_up(db, model, now=now)
    catch_up(db, model, now=OPENED + 9 * DAY)
    found = bare(db, rollout)
    db.close()
    return found


def watched(steps: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [part for step in steps for part in (step, ("look", 0))]


def test_a_night_off_changes_no_bit(tmp_path: Path) -> None:
    """Taken in one by one with a look after each, or all at once in the morning, in any order: the same looks."""
    logs, answers = [], []
    for day in DAYS:
        frame = requests(day, MIXED)
        logs.append(write(tmp_path, f"d{day}.parquet", frame.drop(columns="churned")))
        answers.append(write(tmp_path, f"labels{day}.parquet", frame[["request_id", "churned"]]))
    places = list(range(len(DAYS)))
    steps = [("log", 0), ("log", 1), ("labels", 0), ("log", 2), ("labels", 2), ("labels", 1)]
    awake = night(tmp_path, "awake", logs, answers, watched(steps))
    order = random.Random(7)
    slept = [("log", place) for place in order.sample(places, len(places))]
    slept += [("labels", place) for place in order.sample(places, len(places))]
    assert awake == night(tmp_path, "slept", logs, answers, slept)
    assert [look.guardrail for look in awake].count("error") == 2
    assert [look.guardrail for look in awake].count("traffic split") == 3


def test_labels_that_come_after_a_window_matured_change_nothing_whenever_it_is_looked_at(tmp_path: Path) -> None:
    frame = requests(1, MIXED)
    logs = [write(tmp_path, f"d{day}.parquet", requests(day, MIXED, labels=False)) for day in (1, 4)]
    truth = frame[["request_id", "churned", "scored_at"]]
    parts = [truth.iloc[::2], truth.iloc[1::2], truth.assign(churned=0)]
    answers = [write(tmp_path, f"labels{i}.parquet", part) for i, part in enumerate(parts)]

    def lived(name: str, looking: bool) -> list[Look]:
        path = tmp_path / f"{name}.db"
        store.prepare(path)
        db = store.connect(path)
        model = model_of(db, tmp_path)
        rollout = candidate(db, model, tmp_path)

        def look(now: datetime) -> None:
            if looking:
                catch_up(db, model, now=now)

        first = take_in(db, model, logs[0], OPENED)
        for hour, answer in enumerate(answers[:2]):
            label(db, model, answer, OPENED + hour * DAY, [first])
            look(OPENED + hour * DAY)
        take_in(db, model, logs[1], OPENED + 3 * DAY)
        look(OPENED + 3 * DAY)
        label(db, model, answers[2], OPENED + 4 * DAY, [first])
        catch_up(db, model, now=OPENED + 4 * DAY)
        found = bare(db, rollout)
        db.close()
        return found

    awake = lived("awake", True)
    assert awake == lived("slept", False)
    [error] = [look for look in awake if look.guardrail == "error"]
    assert error.labelled == 40
    assert error.window_start >= START + DAY


def test_a_morning_with_labels_in_daily_files_ends_as_the_night_did(tmp_path: Path) -> None:
    """Labels of one window in several files, some of them too late: awake, or all files in one command afterwards."""
    frame = requests(1, MIXED)
    logs = [write(tmp_path, f"d{day}.parquet", requests(day, MIXED, labels=False)) for day in (1, 4)]
    known = [START + (2 + i % 4) * DAY - DAY / 24 for i in range(len(frame))]
    truth = frame[["request_id", "churned"]].assign(labelled_at=[t.replace(tzinfo=None) for t in known])
    days = [truth.iloc[i::4] for i in range(4)]
    answers = [write(tmp_path, f"daily{i}.parquet", part) for i, part in enumerate(days)]
    found = []
    for name in ("awake", "slept"):
        store.prepare(tmp_path / f"{name}.db")
        db = store.connect(tmp_path / f"{name}.db")
        model = model_of(db, tmp_path)
        rollout = candidate(db, model, tmp_path)
        first = take_in(db, model, logs[0], OPENED)
        if name == "slept":
            take_in(db, model, logs[1], OPENED)
        for day, answer in enumerate(answers):
            if name == "awake" and day == 3:
                take_in(db, model, logs[1], OPENED + 3 * DAY)
                catch_up(db, model, now=OPENED + 3 * DAY)
            moment = OPENED + (day + 1 if name == "awake" else 9) * DAY
            label(db, model, answer, moment, [first])
            if name == "awake":
                catch_up(db, model, now=moment)
        catch_up(db, model, now=OPENED + 9 * DAY)
        found.append(bare(db, rollout))
        db.close()
    assert found[0] == found[1]
    [error] = [look for look in found[0] if look.guardrail == "error"]
    assert error.labelled == 30
