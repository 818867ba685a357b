"""Models on one store whose alerts arrive as a test says: what a storm is made of."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from core.alert_raising import raise_alerts
from core.alerts import group
from storage.records.alerts import Alert
from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.results import Finding
from storage.tables import alerts, batches, results
from tests.conftest import NOW, registered
from tests.core.test_alerts import found


def model(db: sqlite3.Connection, folder: Path, name: str, *, upstream: Sequence[str] = (), more: str = "") -> Model:
    """A model with the given upstream names; ``more`` are further lines of its ``[alerts]``."""
    home = folder / name
    home.mkdir(exist_ok=True)
    text = (
        f'name = "{name}"\ntask = "binary"\nowner = "{name} team"\n[columns]\ntime = "t"\nprediction = "score"\n'
        f"[alerts]\nupstream = [{', '.join(repr(u) for u in upstream)}]\n{more}"
    )
    return registered(db, home, text)


def arrive(
    db: sqlite3.Connection,
    one: Model,
    findings: list[Finding],
    *,
    hour: float = 0.0,
    folder: str = "",
    wide: float = 1.0,
) -> list[Alert]:
    """A batch whose window begins ``hour`` hours after NOW, with these findings; the alerts that it raised."""
    start = NOW + timedelta(hours=hour)
    count = db.execute("SELECT count(*) FROM batches").fetchone()[0]
    batch_id = batches.insert(
        db, blank(one, f"{folder or '/logs/' + one.name}/{count}.csv", count, start, wide), (), b"p"
    )
    ids = results.insert(db, batch_id, findings, start)
    return raise_alerts(
        db,
        one,
        batches.get(db, batch_id),
        group(findings, model=one.name),
        findings,
        ids,
        start + timedelta(hours=wide),
    )


def blank(one: Model, path: str, count: int, start: datetime, wide: float) -> Batch:
    return Batch(
        id=0, model_id=one.id, role="serving", path=path, sha256=f"{count:064d}", format="csv", bytes=1, version=None,
        stage=None, window_start=start, window_end=start + timedelta(hours=wide), rows=10, quarantined=0,
        columns=(("a", "number"),), arrived_at=start, admitted=False,
    )  # fmt: skip


def unit(column: str, tier: str = "ticket", score: float = 2.0) -> Finding:
    return found("unit_change", column, cause="unit change", tier=tier, score=score)


def nulls(column: str, tier: str = "ticket") -> Finding:
    return found("completeness", column, cause="null burst", tier=tier)


def open_alerts(db: sqlite3.Connection) -> int:
    """All alerts there are."""
    return int(db.execute("SELECT count(*) FROM alerts").fetchone()[0])


def lines(db: sqlite3.Connection) -> int:
    """How many lines the list of alerts has."""
    return alerts.count(db, fold=True)
