"""Environment snapshots: facts, the latest of a host and model is what it runs in."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import datetime

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.environments import Body, Environment

_SELECT = "SELECT e.*, m.name AS model FROM environments e LEFT JOIN models m ON m.id = e.model_id "
_BY_ID = _SELECT + "WHERE e.id = ?"
_LATEST = _SELECT + "WHERE e.host = ? AND e.model_id IS ? ORDER BY e.id DESC LIMIT 1"
_LATEST_OF_HOST = _SELECT + "WHERE e.host = ? ORDER BY e.id DESC LIMIT 1"
_LIST = (
    _SELECT + "WHERE (:host IS NULL OR e.host = :host) AND (:model IS NULL OR e.model_id = :model) "
    "ORDER BY e.id DESC LIMIT :limit"
)
_INSERT = "INSERT INTO environments(host, model_id, sha256, body_json, by, at) VALUES (?, ?, ?, ?, ?, ?)"


def insert(db: sqlite3.Connection, host: str, model_id: int | None, body: Body, *, by: str, now: datetime) -> int:
    """Append a snapshot and return its id."""
    with transaction(db):
        cursor = db.execute(_INSERT, (host, model_id, sha256(body), canonical(body), by, to_text(now)))
        return int(cursor.lastrowid or 0)


def get(db: sqlite3.Connection, environment_id: int) -> Environment:
    """The snapshot of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (environment_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no snapshot {environment_id} in this store", "see midwatch env list")
    return _environment(row)


def latest(db: sqlite3.Connection, host: str, model_id: int | None) -> Environment | None:
    """The newest snapshot of a host taken for that model (for none), None where there is none."""
    row = db.execute(_LATEST, (host, model_id)).fetchone()
    return _environment(row) if row else None


def latest_of_host(db: sqlite3.Connection, host: str) -> Environment | None:
    """The newest snapshot of a host, whatever it was taken for."""
    row = db.execute(_LATEST_OF_HOST, (host,)).fetchone()
    return _environment(row) if row else None


def list_all(
    db: sqlite3.Connection, *, host: str | None = None, model_id: int | None = None, limit: int = 100
) -> list[Environment]:
    """Snapshots, newest first."""
    return [_environment(row) for row in db.execute(_LIST, {"host": host, "model": model_id, "limit": limit})]


def canonical(body: Body) -> str:
    """The one JSON text of a body."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sha256(body: Body) -> str:
    """The sha256 of :func:`canonical`."""
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def _environment(row: sqlite3.Row) -> Environment:
    return Environment(
        id=row["id"],
        host=row["host"],
        model_id=row["model_id"],
        model=row["model"],
        sha256=row["sha256"],
        body=json.loads(row["body_json"]),
        by=row["by"],
        at=from_text(row["at"]),
    )
