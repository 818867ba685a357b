"""What lines of the change feed altered, key by key."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from storage.clock import to_text
from storage.db import transaction
from storage.records.changes import Details, Difference

_DETAIL = """
INSERT INTO change_details(source_table, row_id, against, size, also_json, unknown_json, hosts_json,
                           differences_json, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(source_table, row_id) DO NOTHING
"""
# Registered versions that entered a stage, and nothing is written down yet of what that altered.
_BARE = """
SELECT d.id FROM deployments d JOIN versions v ON v.model_id = d.model_id AND v.version = d.version
WHERE d.model_id = ? AND d.rollback_id IS NULL AND d.action IN ('enter', 'observed')
  AND NOT EXISTS (SELECT 1 FROM change_details x WHERE x.source_table = 'deployments' AND x.row_id = d.id)
"""
_DETAILS = "SELECT * FROM change_details WHERE source_table = ? AND row_id = ?"


def describe(db: sqlite3.Connection, table: str, row_id: int, details: Details, *, now: datetime) -> None:
    """Append what a line of the feed altered, once; a later description of the same line is left out."""
    differences = [[d.part, d.key, d.before, d.after, d.weight] for d in details.differences]
    body = (
        json.dumps(value, ensure_ascii=False) for value in (details.also, details.unknown, details.hosts, differences)
    )
    with transaction(db):
        db.execute(_DETAIL, (table, row_id, details.against, details.size, *body, to_text(now)))


def of(db: sqlite3.Connection, table: str, row_id: int) -> Details | None:
    """What a line of the feed altered, None where nothing was written down of it."""
    row = db.execute(_DETAILS, (table, row_id)).fetchone()
    if row is None:
        return None
    return Details(
        tuple(Difference(*entry) for entry in json.loads(row["differences_json"])),
        row["size"],
        row["against"],
        tuple(json.loads(row["also_json"])),
        tuple(json.loads(row["unknown_json"])),
        tuple(json.loads(row["hosts_json"])),
    )


def bare_deployments(db: sqlite3.Connection, model_id: int) -> frozenset[int]:
    """Row ids of the deployments of registered versions that nothing is written down of."""
    return frozenset(row["id"] for row in db.execute(_BARE, (model_id,)))
