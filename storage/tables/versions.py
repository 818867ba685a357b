"""Versions: one immutable row a build."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from storage.clock import from_text, from_text_or_none
from storage.db import transaction
from storage.errors import UsageError
from storage.records.versions import Version

COLUMNS = (
    "version", "model_path", "model_sha", "data_path", "data_sha", "config_path", "config_sha", "config_text",
    "code_ref", "code_sha", "environment_path", "environment_sha", "environment_text", "seed", "role",
    "input_schema_json", "note", "trained_at", "registered_at", "registered_by",
)  # fmt: skip
_INSERT = f"INSERT INTO versions(model_id, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"
_ONE = "SELECT * FROM versions WHERE model_id = ? AND version = ?"
_ALL = "SELECT * FROM versions WHERE model_id = ? ORDER BY registered_at, id"


def insert(db: sqlite3.Connection, model_id: int, values: dict[str, Any]) -> None:
    """Append a version; ``values`` by the names in :data:`COLUMNS`, those left out are NULL."""
    with transaction(db):
        db.execute(_INSERT, (model_id, *(values.get(name) for name in COLUMNS)))


def find(db: sqlite3.Connection, model_id: int, version: str) -> Version | None:
    """The version of that name, None when nobody registered it."""
    row = db.execute(_ONE, (model_id, version)).fetchone()
    return _version(row) if row else None


def get(db: sqlite3.Connection, model_id: int, version: str) -> Version:
    """The version of that name.

    Raises:
        UsageError: nobody registered it; the hint lists those that are.
    """
    found = find(db, model_id, version)
    if found is None:
        known = ", ".join(v.version for v in list_all(db, model_id)) or "none yet"
        raise UsageError(f"there is no version {version!r} of this model", f"registered: {known}")
    return found


def list_all(db: sqlite3.Connection, model_id: int) -> list[Version]:
    """Every version of a model, oldest registration first."""
    return [_version(row) for row in db.execute(_ALL, (model_id,))]


def _version(row: sqlite3.Row) -> Version:
    values = {name: row[name] for name in COLUMNS if name != "input_schema_json"}
    return Version(
        **{
            **values,
            "id": row["id"],
            "model_id": row["model_id"],
            "input_schema": json.loads(row["input_schema_json"]) if row["input_schema_json"] else None,
            "trained_at": from_text_or_none(row["trained_at"]),
            "registered_at": from_text(row["registered_at"]),
        }
    )
