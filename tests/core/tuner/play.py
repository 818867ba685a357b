"""A history of one model written batch by batch: findings as a check would give them, and what people said of them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from core import alert_answers
from core.alert_raising import raise_alerts
from core.alerts import group
from core.stats.effect import log_score
from storage import db as store
from storage.records.alerts import Alert
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import alerts, batches, results
from tests.conftest import ADA, NOW, registered
from tests.core.test_alert_life import blank
from tests.core.test_alerts import found


@dataclass(frozen=True)
class Day:
    """One batch with at most one finding: its ratio to the limit, and what a person said of its alert."""

    ratio: float | None
    verdict: str | None = None
    column: str = "spend"
    slice: str | None = None
    touched: int | None = 10
    rows: int = 1000
    hours: int = 24


def drift(day: Day, check: str = "drift", tier: str = "ticket", error_class: str = "soft") -> Finding:
    """The finding of a day."""
    assert day.ratio is not None
    made = found(check, day.column, cause=check, tier=tier, slice_=day.slice, error_class=error_class)
    return replace(made, score=log_score(day.ratio), evidence={**made.evidence, "rows": day.touched})


def add(db: sqlite3.Connection, model: Model, hour: int, findings: Sequence[Finding], rows: int = 1000) -> list[Alert]:
    """One batch that starts ``hour`` hours after the first, with its alerts."""
    start = NOW + timedelta(hours=hour)
    batch_id = batches.insert(db, replace(blank(model, hour, start), rows=rows), (), b"profile")
    ids = results.insert(db, batch_id, findings, start)
    return raise_alerts(db, model, batches.get(db, batch_id), group(findings, model=model.name), findings, ids, start)


def play(
    db: sqlite3.Connection, model: Model, days: Sequence[Day], check: str = "drift", start: int = 0
) -> list[Alert]:
    """A batch for each day; every alert that was raised, in order."""
    raised = []
    hour = start
    for day in days:
        told = add(db, model, hour, [] if day.ratio is None else [drift(day, check)], day.rows)
        for alert in told:
            if day.verdict == "incident":
                alerts.event(db, alert.id, "link", by="ada", now=NOW, incident_id=1)
            elif day.verdict is not None:
                alert_answers.give_feedback(db, alert.id, day.verdict, actor=ADA, now=NOW)
        raised += told
        hour += day.hours
    return raised


def fresh(folder: Path, text: str) -> tuple[sqlite3.Connection, Model]:
    """A store of its own with one model."""
    store.prepare(folder / "s.db")
    db = store.connect(folder / "s.db")
    db.execute("PRAGMA synchronous=OFF")
    return db, registered(db, folder, text)
