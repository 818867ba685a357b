"""Registered models and their model files over time."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.model_file import parse
from storage.records.models import Model, StoredModelFile
from storage.tables import audit

_SELECT = """
SELECT m.id, m.name, m.registered_at, f.path, f.text, f.sha256
FROM models m JOIN model_files f ON f.id = (SELECT max(id) FROM model_files WHERE model_id = m.id)
"""
_BY_NAME = _SELECT + "WHERE m.name = ?"
_BY_ID = _SELECT + "WHERE m.id = ?"
_ALL = _SELECT + "ORDER BY m.name"
_INSERT = "INSERT INTO models(name, registered_at) VALUES (?, ?)"
_INSERT_FILE = "INSERT INTO model_files(model_id, path, text, sha256, at) VALUES (?, ?, ?, ?, ?)"
_FILE = """
SELECT f.id, f.path, f.text, f.sha256 FROM model_files f JOIN models m ON m.id = f.model_id
WHERE m.name = ? ORDER BY f.id DESC LIMIT 1
"""
_NAMES = "SELECT id, name FROM models ORDER BY name"


def register(
    db: sqlite3.Connection, name: str, *, path: str, text: str, sha256: str, actor: Actor, now: datetime
) -> bool:
    """Register a model or a new state of its model file; False when that very text is in force already."""
    with transaction(db):
        row = db.execute(_BY_NAME, (name,)).fetchone()
        if row and row["sha256"] == sha256 and row["path"] == path:
            return False
        model_id = row["id"] if row else db.execute(_INSERT, (name, to_text(now))).lastrowid
        db.execute(_INSERT_FILE, (model_id, path, text, sha256, to_text(now)))
        audit.record(
            db,
            "model.update" if row else "model.register",
            actor=actor,
            now=now,
            object_kind="model",
            object_id=name,
            before={"sha256": row["sha256"]} if row else None,
            after={"sha256": sha256, "path": path},
        )
    return True


def file_in_force(db: sqlite3.Connection, name: str) -> StoredModelFile | None:
    """The latest state of a model's file as it was registered, None for a model that is not."""
    row = db.execute(_FILE, (name,)).fetchone()
    return StoredModelFile(**dict(row)) if row else None


def get(db: sqlite3.Connection, name: str) -> Model:
    """The model of that name.

    Raises:
        UsageError: there is none; the hint lists those that are.
    """
    row = db.execute(_BY_NAME, (name,)).fetchone()
    if row is None:
        known = ", ".join(r["name"] for r in db.execute(_NAMES)) or "none yet"
        raise UsageError(f"there is no model {name!r} in this store", f"known: {known}; add one: midwatch init M.toml")
    return _model(row)


def get_by_id(db: sqlite3.Connection, model_id: int) -> Model:
    """The model of that row id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (model_id,)).fetchone()
    if row is None:
        raise KeyError(model_id)
    return _model(row)


def list_all(db: sqlite3.Connection) -> list[Model]:
    """Every registered model, by name."""
    return [_model(row) for row in db.execute(_ALL)]


def names(db: sqlite3.Connection) -> dict[int, str]:
    """Name per row id, without reading a model file."""
    return {row["id"]: row["name"] for row in db.execute(_NAMES)}


def _model(row: sqlite3.Row) -> Model:
    return Model(
        id=row["id"],
        name=row["name"],
        path=row["path"],
        sha256=row["sha256"],
        registered_at=from_text(row["registered_at"]),
        file=parse(row["text"], row["path"]),
    )
