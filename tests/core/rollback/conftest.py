"""A model with a pointer file, two complete versions and a history; and a hand on its parts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from core import rollback, versions
from storage.clock import to_text
from storage.records.models import Model
from storage.records.rollbacks import RollbackPlan
from storage.tables import models
from tests.conftest import ADA, CHURN, NOW
from tests.fake_clock import FakeClock

POINTER = '[rollback]\nactuator = "pointer_file"\npath = "CURRENT"\n'
COLUMNS = {"scored_at": "time", "age": "number", "plan": "text", "score": "number"}


@dataclass(frozen=True, slots=True)
class Desk:
    """The store, the model and its pointer."""

    db: sqlite3.Connection
    model: Model
    folder: Path

    @property
    def pointer(self) -> Path:
        return self.folder / "CURRENT"

    def version(self, name: str, role: str = "normal", days: float = 0.0) -> None:
        paths = {}
        for part in ("artifact", "data", "config", "environment"):
            paths[part] = self.folder / f"{name}.{part}"
            paths[part].write_text(f"{part} of {name}")
        sources = versions.Sources(**paths, code="a" * 40, seed="7")
        moment = NOW - timedelta(days=days)
        versions.add(self.db, self.model, name, sources, role=role, actor=ADA, now=moment)  # type: ignore[arg-type]

    def live(self, name: str, days: float, stage: str = "full") -> None:
        at = NOW - timedelta(days=days)
        versions.deploy(self.db, self.model, name, stage, at=at, actor=ADA, now=NOW)

    def batch(self, version: str, days: float, auc: float | None = None, columns: dict[str, str] = COLUMNS) -> int:
        """One hour of 1,000 rows, ``days`` ago."""
        end = NOW - timedelta(days=days)
        row = self.db.execute(
            "INSERT INTO batches(model_id, role, path, sha256, format, bytes, version, window_start, window_end, rows,"
            " quarantined, columns_json, arrived_at) VALUES (?, 'serving', 'p', ?, 'csv', 1, ?, ?, ?, 1000, 0, ?, ?)",
            (self.model.id, f"{version}-{days}", version, to_text(end - timedelta(hours=1)), to_text(end),
             json.dumps(list(columns.items())), to_text(end)),
        )  # fmt: skip
        if auc is not None:
            self.db.execute(
                "INSERT INTO metric_values(model_id, batch_id, metric, kind, version, value, n, rows, at)"
                " VALUES (?, ?, 'auc', 'ml', ?, ?, 900, 1000, ?)",
                (self.model.id, row.lastrowid, version, auc, to_text(end)),
            )
        return int(row.lastrowid or 0)

    def plan(self, **options: object) -> RollbackPlan:
        return rollback.plan(self.db, self.model, now=NOW, actor=ADA, **options)  # type: ignore[arg-type]

    def execute(self, plan: RollbackPlan, clock: FakeClock | None = None, **options: object) -> rollback.Outcome:
        given = {"confirmed": plan.to_version, "reason": "auc fell", "now": NOW, "actor": ADA, **options}
        return rollback.execute(self.db, plan, clock=clock or FakeClock(NOW), **given)  # type: ignore[arg-type]

    def light(self, plan: RollbackPlan, name: str) -> str:
        return next(item.light for item in plan.preflight if item.name == name)


@pytest.fixture
def desk(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> Desk:
    """v12 was live and good, v13 is live and bad."""
    found = Desk(db, register(CHURN + POINTER), tmp_path)
    found.pointer.write_text("v13\n")
    for name, days in (("v12", 20.0), ("v13", 3.0)):
        found.version(name, days=days)
        found.live(name, days)
    found.batch("v12", 4.0, auc=0.71)
    found.batch("v13", 0.1, auc=0.55)
    return found


@pytest.fixture
def other_file(desk: Desk, register: Callable[..., Model]) -> Callable[[str], Desk]:
    """The same desk under another model file."""

    def change(text: str) -> Desk:
        register(text)
        return Desk(desk.db, models.get(desk.db, "churn"), desk.folder)

    return change
