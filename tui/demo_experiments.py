"""The experiments of the demo: what was tried in the past, and what the candidates of today carry."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from core.experiments import caught, readings, registering, results, running
from sample_data.records import PastExperiment, PastResult, PastStep
from storage.db import transaction
from storage.host import Actor
from storage.records.experiments import Registration
from storage.records.models import Model
from storage.tables import experiments

BOOKED = timedelta(hours=1)
"""Hours are booked that long after the registration."""

STOPPED_IN_SHADOW = "INC-0033"
"""The past incident whose version was stopped in shadow, by hand: no user saw it."""

Act = Callable[[], object]


def recall(db: sqlite3.Connection, model: Model, told: tuple[PastExperiment, ...], host: str) -> None:
    """Register, start, measure and end the experiments of a model, every step as of its own time and in that order."""
    numbers: dict[str, int] = {}
    acts: list[tuple[datetime, Act]] = []
    for one in told:
        if one.model == model.name:
            acts.append((one.at, partial(_begin, db, model, one, numbers, host)))
            acts += [(result.at, partial(_measure, db, one, result, numbers, host)) for result in one.results]
            acts += [(step.at, partial(_step, db, one, step, numbers, host)) for step in one.steps]
            if one.explained is not None:
                acts.append((one.explained[2], partial(_explain, db, one, numbers, host)))
    with transaction(db):  # one for all: dozens of small ones would keep the first logs waiting
        for _, act in sorted(acts, key=lambda pair: pair[0]):
            act()


def read(db: sqlite3.Connection, model: Model, told: tuple[PastExperiment, ...], host: str, now: datetime) -> None:
    """Take over what evaluations and rollouts say of the experiments that go on."""
    carried = {one.version for one in told if one.model == model.name and not one.steps}
    for found in experiments.listing(db, model.id):
        if found.state == "running" and found.version in carried:
            readings.read_new(db, found.id, actor=Actor(found.by, host), now=now)


def tell_where_caught(db: sqlite3.Connection, host: str, now: datetime) -> None:
    """One past incident was no escape."""
    caught.tag(db, f"incident:{STOPPED_IN_SHADOW}", "shadow", actor=Actor("m.ito", host), now=now)


def _begin(db: sqlite3.Connection, model: Model, one: PastExperiment, numbers: dict[str, int], host: str) -> None:
    who = Actor(one.by, host)
    low, high = one.predicted
    given = Registration(
        one.title, one.hypothesis, one.metric, low, high, one.worth, one.kind,  # type: ignore[arg-type]
        one.idea_from, None, numbers[one.parent] if one.parent else None,
    )  # fmt: skip
    number = registering.register(db, model, given, actor=who, now=one.at).id
    running.start(db, number, version=one.version, actor=who, now=one.at)
    if one.hours:
        running.book(db, number, one.hours, actor=who, now=one.at + BOOKED)
    numbers[one.key] = number


def _measure(
    db: sqlite3.Connection, one: PastExperiment, result: PastResult, numbers: dict[str, int], host: str
) -> None:
    measured = results.Measured(
        result.stage, result.gain, result.low, result.high, one.metric, result.at, result.n, note=result.note
    )
    results.record(db, numbers[one.key], measured, actor=Actor(one.by, host), now=result.at)


def _step(db: sqlite3.Connection, one: PastExperiment, step: PastStep, numbers: dict[str, int], host: str) -> None:
    number, who = numbers[one.key], Actor(one.by, host)
    if step.kind == "launch":
        running.launch(db, number, step.reason, actor=who, now=step.at)
    elif step.kind == "hold":
        running.hold(db, number, step.reason, actor=who, now=step.at)
    else:
        {"kill": running.kill, "drop": running.drop}[step.kind](db, number, step.reason or "", actor=who, now=step.at)


def _explain(db: sqlite3.Connection, one: PastExperiment, numbers: dict[str, int], host: str) -> None:
    if one.explained is not None:
        words, anew, at = one.explained
        running.explain(db, numbers[one.key], words, hypothesis=anew, actor=Actor(one.by, host), now=at)
