"""Experiments of one model, registered and moved on by days."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.experiments import registering, results, running
from storage.records.experiments import Experiment, Registration
from storage.records.models import Model
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
