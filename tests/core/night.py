"""A night with an incident in it, written straight into the tables: what other parts of the program would leave."""

import json
import sqlite3
from datetime import datetime, timedelta

from storage.clock import to_text
from tests.conftest import NOW

SECRET = "eve.secret@example.org"


def at(minutes: float) -> datetime:
    """So many minutes after (before, if negative) 03:01."""
    return NOW + timedelta(minutes=minutes)


def put(db: sqlite3.Connection, table: str, **values: object) -> int:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    bound = [to_text(v) if isinstance(v, datetime) else v for v in values.values()]
    return int(db.execute(f"INSERT INTO {table}({names}) VALUES ({marks})", bound).lastrowid or 0)


def batch(db: sqlite3.Connection, model_id: int, start: float, rows: int = 1000, version: str = "v42") -> int:
    return put(
        db,
        "batches",
        model_id=model_id,
        role="serving",
        path=f"/data/{start}.csv",
        sha256=f"{model_id}:{start}",
        format="csv",
        bytes=1,
        version=version,
        stage="full",
        window_start=at(start),
        window_end=at(start + 10),
        rows=rows,
        quarantined=0,
        columns_json=json.dumps([["request_id", "text"], ["email", "text"], ["score", "number"]]),
        arrived_at=at(start + 11),
    )


def alert(
    db: sqlite3.Connection,
    model_id: int,
    batch_id: int | None,
    fired: float,
    *,
    start: float | None = None,
    title: str = "scores moved, inputs did not",
    columns: tuple[str, ...] = ("score",),
    cause: str = "output moved",
    group: str = "g1",
) -> int:
    return put(
        db,
        "alerts",
        model_id=model_id,
        batch_id=batch_id,
        fingerprint=f"{group}:{fired}",
        group_key=group,
        tier="page",
        **{"class": "soft"},
        cause=cause,
        title=title,
        columns_json=json.dumps(columns),
        score=3.0,
        window_start=at(start) if start is not None else None,
        window_end=None,
        fired_at=at(fired),
    )


def finding(db: sqlite3.Connection, batch_id: int, column: str | None, message: str, evidence: object) -> int:
    return put(
        db,
        "check_results",
        batch_id=batch_id,
        check_name="new_values",
        column_name=column,
        slice=None,
        **{"class": "soft"},
        tier="ticket",
        status="fail",
        value=0.2,
        threshold=0.1,
        score=2.0,
        message=message,
        evidence_json=json.dumps(evidence),
        at=NOW,
    )


def rollback(db: sqlite3.Connection, model_id: int, incident_id: int | None, state: str, key: str = "k1") -> int:
    rollback_id = put(
        db,
        "rollbacks",
        model_id=model_id,
        kind="rollback",
        from_version="v42",
        to_version="v41",
        stage="full",
        actuator="record_only",
        plan_json="{}",
        preflight_json="[]",
        reason="scores moved",
        confirmed="v41",
        incident_id=incident_id,
        idempotency_key=key,
        by="ada",
        at=at(2),
    )
    put(db, "rollback_events", rollback_id=rollback_id, state=state, by="midwatch", at=at(3))
    return rollback_id


def deployment(db: sqlite3.Connection, model_id: int, minutes: float, rollback_id: int | None = None) -> int:
    return put(
        db,
        "deployments",
        model_id=model_id,
        version="v42",
        stage="full",
        action="enter",
        traffic=1.0,
        at=at(minutes),
        recorded_at=at(minutes),
        by="deployer",
        source="manual",
        reason="gate overridden",
        rollback_id=rollback_id,
    )


def acknowledge(db: sqlite3.Connection, alert_id: int, minutes: float) -> int:
    return put(db, "alert_events", alert_id=alert_id, kind="acknowledge", by="ada", note="looking", at=at(minutes))
