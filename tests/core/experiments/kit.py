"""Experiments of one model, registered and moved on by days."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.experiments import registering, results, running
from storage.db import transaction
from storage.records.experiments import EXPERIMENT_KINDS, Experiment, Registration
from storage.records.looks import Binary, Look, PairedBinary
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, StageRule
from storage.records.rule_documents import hashed
from storage.records.suites import (
    Comparison,
    Counts,
    DataNamed,
    Door,
    Evaluation,
    Figure,
    MetricCompared,
    PartCompared,
    SuiteSpec,
)
from storage.tables import experiments, rollouts, suites
from tests.conftest import ADA, NOW

ASKED = Registration("fresher rows", "newer rows cure the drift", "auc", 0.002, 0.01, 0.004, idea_from="support")
STAGES = """
[[stages]]
name = "offline"
kind = "test"
[[stages]]
name = "shadow"
kind = "shadow"
[[stages]]
name = "canary"
kind = "canary"
traffic = 0.05
[[stages]]
name = "full"
"""


def day(number: float) -> datetime:
    """So many days after the fixed moment of the tests."""
    return NOW + timedelta(days=number)


def register(db: sqlite3.Connection, model: Model, at: float = 0, **other: Any) -> Experiment:
    """An experiment as asked, with what is said otherwise."""
    return registering.register(db, model, replace(ASKED, **other), actor=ADA, now=day(at))


def running_one(db: sqlite3.Connection, model: Model, at: float = 0, **other: Any) -> Experiment:
    """The same, started at once."""
    return running.start(db, register(db, model, at, **other).id, actor=ADA, now=day(at))


def put(db: sqlite3.Connection, found: Experiment, stage: str, gain: float, at: float, half: float = 0.002) -> None:
    """A result with an interval of that half width."""
    told = results.Measured(stage, gain, gain - half, gain + half, "auc", day(at), n=1000)
    results.record(db, found.id, told, actor=ADA, now=day(at))


def simulated_history(
    db: sqlite3.Connection, model: Model, ideas: int = 30, seed: int = 5, start: int = 0
) -> list[Experiment]:
    """Ideas of which 0.6 of the offline gain is left later; those that look good go to the canary and are launched."""
    rng = np.random.default_rng(seed)
    found = []
    with transaction(db):
        running.set_limit(db, "model", model.name, ideas + 10, actor=ADA, now=day(start))
        for number in range(ideas):
            at = start + number
            one = running_one(db, model, at, title=f"idea {number} of {seed}", kind=EXPERIMENT_KINDS[number % 4])
            unit = ASKED.minimum_gain
            true = unit * (1 + 1.5 * rng.standard_normal())
            offline = true + 0.4 * unit * rng.standard_normal()
            put(db, one, "offline", offline, at + 0.5, half=1.96 * 0.4 * unit)
            if offline > 0.5 * unit:
                later = 0.6 * true + 0.3 * unit * rng.standard_normal()
                put(db, one, "canary", later, at + 0.7, half=1.96 * 0.3 * unit)
                running.launch(db, one.id, None, actor=ADA, now=day(at + 0.8))
                if number % 3 == 0:
                    running.drop(db, one.id, "legal", actor=ADA, now=day(at + 0.9))
            else:
                running.kill(db, one.id, "too small", actor=ADA, now=day(at + 0.8))
            found.append(experiments.get(db, one.id))
    return found


def evaluated(
    db: sqlite3.Connection,
    model: Model,
    at: float,
    *,
    version: str = "v43",
    auc: tuple[float, float, float] = (0.01, 0.004, 0.016),
    brier: tuple[float, float, float] = (-0.002, -0.003, -0.001),
    comparison: Comparison = "better",
    verified: bool = True,
) -> int:
    """An evaluation of a version as another part of the program leaves it: difference, low and high by two metrics."""
    figures = {"auc": ("up", auc), "log_loss": ("down", brier)}
    metrics = tuple(
        MetricCompared(
            name, "ml", way, name == "auc", Figure(0.8, 0.7, 0.9, 900), Figure(0.8, 0.7, 0.9, 900),
            Figure(*told, 900), "paired",
        )
        for name, (way, told) in figures.items()
    )  # fmt: skip
    door = Door("scores", "v43.csv", "0" * 64, 900)
    return suites.add(
        db,
        Evaluation(
            0, model.id, model.name, version, "v42", SuiteSpec("{}", "0" * 64), DataNamed("files", ("a.csv",), ("0",)),
            verified, "time", (), door, door, Counts(900, 0, 0, 0, 0, 900, 900, 0, 0), comparison,
            comparison == "better", (), (PartCompared("all rows", None, (), 900, 900, None, None, metrics),), (), None,
            None, (), "ada", day(at),
        ),
    )  # fmt: skip


def rolled_out(db: sqlite3.Connection, model: Model, at: float, *, version: str = "v43") -> int:
    """A rollout with two looks at errors in the canary, two at pairs in the shadow; its id."""
    errors = GuardrailRule("errors", "error", "up", "odds", 1.1)
    paired = GuardrailRule("errors", "error", "up", "paired odds", 1.1)
    stages = (
        StageRule("offline", "test", 0.0), StageRule("shadow", "shadow", 0.0, (paired,)),
        StageRule("canary", "canary", 0.05, (errors,)), StageRule("full", "full", 1.0),
    )  # fmt: skip
    number = rollouts.insert(db, model.id, version, "v42", hashed(stages, False), by="ada", now=day(at))
    looks = []
    for stage, sums in (
        ("shadow", (PairedBinary(1000, 10, 30), PairedBinary(500, 5, 10))),
        ("canary", (Binary(1000, 80, 4000, 400), Binary(500, 100, 500, 150))),
    ):
        for part, one in enumerate(sums):
            begun = day(at + 1 + part)
            looks.append(Look(0, number, stage, "errors", "v42", (part + 1,), begun, begun, begun, 1000, 1000, one))
    rollouts.add_looks(db, looks, day(at + 3))
    return number
