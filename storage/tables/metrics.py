"""Metric values: appended at each computation, read as the newest of each batch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.records.batches import LabelCoverage
from storage.records.results import MetricPoint, MetricValue

_INSERT = """
INSERT INTO metric_values(model_id, batch_id, metric, kind, version, value, low, high, n, rows, note, state_json, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CURRENT = "SELECT * FROM metric_current WHERE batch_id = ? ORDER BY id"
# Newest first, so that a limit keeps the newest; a batch without a window counts from its arrival.
_HISTORY = """
SELECT * FROM (
    SELECT m.*, b.stage, b.role, b.window_end, b.arrived_at, coalesce(b.window_start, b.arrived_at) AS starts,
           (SELECT labelled FROM label_coverage c WHERE c.batch_id = b.id ORDER BY c.id DESC LIMIT 1) AS labelled
    FROM metric_current m JOIN batches b ON b.id = m.batch_id
    WHERE m.model_id = :model AND m.metric = :metric AND b.role = :role
      AND (:version IS NULL OR m.version = :version)
)
WHERE (:start IS NULL OR starts >= :start) AND (:end IS NULL OR starts < :end)
ORDER BY starts DESC, batch_id DESC LIMIT :limit
"""
_INSERT_COVERAGE = """
INSERT INTO label_coverage(batch_id, at, rows, labelled, lag_p50_seconds, lag_p95_seconds) VALUES (?, ?, ?, ?, ?, ?)
"""


def append(db: sqlite3.Connection, model_id: int, batch_id: int, values: Sequence[MetricValue], now: datetime) -> None:
    """Record what the metrics of a batch read now; earlier readings stay."""
    with transaction(db):
        db.executemany(
            _INSERT,
            [
                (
                    model_id, batch_id, v.metric, v.kind, v.version, v.value, v.low, v.high, v.n, v.rows, v.note,
                    _json(v.state), to_text(now),
                )
                for v in values
            ],
        )  # fmt: skip


def current(db: sqlite3.Connection, batch_id: int) -> list[MetricValue]:
    """The newest reading of each metric of a batch."""
    return [_value(row) for row in db.execute(_CURRENT, (batch_id,))]


def history(
    db: sqlite3.Connection,
    model_id: int,
    metric: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    version: str | None = None,
    role: str = "serving",
    limit: int = -1,
) -> list[MetricPoint]:
    """The newest reading of a metric for each batch whose window begins in [start, end), in order of time.

    With ``limit`` the newest so many.
    """
    asked = {
        "model": model_id, "metric": metric, "version": version, "role": role, "limit": limit,
        "start": to_text(start) if start else None, "end": to_text(end) if end else None,
    }  # fmt: skip
    return [_point(row) for row in reversed(db.execute(_HISTORY, asked).fetchall())]


def append_coverage(db: sqlite3.Connection, coverage: LabelCoverage) -> None:
    """Record how many rows of a batch have a label now."""
    c = coverage
    with transaction(db):
        db.execute(
            _INSERT_COVERAGE, (c.batch_id, to_text(c.at), c.rows, c.labelled, c.lag_p50_seconds, c.lag_p95_seconds)
        )


def _json(state: dict[str, Any] | None) -> str | None:
    return None if state is None else json.dumps(state, separators=(",", ":"), allow_nan=False)


def _value(row: sqlite3.Row) -> MetricValue:
    return MetricValue(
        metric=row["metric"],
        kind=row["kind"],
        value=row["value"],
        low=row["low"],
        high=row["high"],
        n=row["n"],
        rows=row["rows"],
        note=row["note"],
        state=None if row["state_json"] is None else json.loads(row["state_json"]),
        version=row["version"],
    )


def _point(row: sqlite3.Row) -> MetricPoint:
    return MetricPoint(
        batch_id=row["batch_id"],
        window_start=from_text(row["starts"]),
        window_end=from_text_or_none(row["window_end"]) or from_text(row["arrived_at"]),
        stage=row["stage"],
        labelled=row["labelled"],
        reading=_value(row),
    )
