"""Check results: every verdict, the passes too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.records.results import Finding, StoredResult

_INSERT = """
INSERT INTO check_results(batch_id, check_name, column_name, slice, class, tier, status, value, threshold, score,
                          message, evidence_json, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_OF_BATCH = """
SELECT * FROM check_results WHERE batch_id = :batch AND (:status IS NULL OR status = :status)
ORDER BY score DESC, id LIMIT :limit OFFSET :offset
"""
_COUNT = "SELECT status, count(*) AS n FROM check_results WHERE batch_id = ? GROUP BY status"
_OF_ALERT = """
SELECT r.* FROM alert_findings f JOIN check_results r ON r.id = f.result_id
WHERE f.alert_id = ? ORDER BY r.score DESC, r.id
"""


def insert(db: sqlite3.Connection, batch_id: int, findings: Sequence[Finding], now: datetime) -> list[int]:
    """Append verdicts and return their ids, in the order given."""
    ids = []
    with transaction(db):
        for f in findings:
            cursor = db.execute(
                _INSERT,
                (
                    batch_id,
                    f.check,
                    f.column,
                    f.slice,
                    f.error_class,
                    f.tier,
                    f.status,
                    f.value,
                    f.threshold,
                    f.score,
                    f.message,
                    json.dumps(f.evidence, ensure_ascii=False, default=str) if f.evidence else None,
                    to_text(now),
                ),
            )
            ids.append(int(cursor.lastrowid or 0))
    return ids


def of_batch(
    db: sqlite3.Connection, batch_id: int, *, status: str | None = None, offset: int = 0, limit: int = 1_000
) -> list[StoredResult]:
    """Verdicts on a batch, the worst first."""
    values = {"batch": batch_id, "status": status, "offset": offset, "limit": limit}
    return [_result(row) for row in db.execute(_OF_BATCH, values)]


def counts(db: sqlite3.Connection, batch_id: int) -> dict[str, int]:
    """How many verdicts of each status a batch has."""
    return {row["status"]: row["n"] for row in db.execute(_COUNT, (batch_id,))}


def of_alert(db: sqlite3.Connection, alert_id: int) -> list[StoredResult]:
    """The findings an alert rests on, the worst first."""
    return [_result(row) for row in db.execute(_OF_ALERT, (alert_id,))]


def _result(row: sqlite3.Row) -> StoredResult:
    return StoredResult(
        id=row["id"],
        batch_id=row["batch_id"],
        at=from_text(row["at"]),
        finding=Finding(
            check=row["check_name"],
            error_class=row["class"],
            tier=row["tier"],
            status=row["status"],
            message=row["message"],
            column=row["column_name"],
            slice=row["slice"],
            value=row["value"],
            threshold=row["threshold"],
            score=row["score"] or 0.0,
            evidence=json.loads(row["evidence_json"]) if row["evidence_json"] else {},
        ),
    )


def any_of(db: sqlite3.Connection, check: str) -> bool:
    """Whether any result of a check of that name is stored."""
    return db.execute("SELECT 1 FROM check_results WHERE check_name = ? LIMIT 1", (check,)).fetchone() is not None
