"""Label files, which batches they were joined with, and which batches are still to be tried."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.records.labels import Candidate, LabelFile
from storage.tables import batches

_FILE = "SELECT * FROM label_files WHERE model_id = ? AND sha256 = ?"
_INSERT_FILE = """
INSERT INTO label_files(model_id, path, sha256, rows, quarantined, arrived_at) VALUES (?, ?, ?, ?, ?, ?)
"""
_INSERT_JOIN = "INSERT INTO label_joins(label_file_id, batch_id, matched) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_CANDIDATES = """
SELECT b.id, j.matched FROM batches b LEFT JOIN label_joins j ON j.batch_id = b.id AND j.label_file_id = :file
WHERE b.model_id = :model ORDER BY b.window_start, b.id
"""
_FILES_OF_BATCH = """
SELECT f.* FROM label_joins j JOIN label_files f ON f.id = j.label_file_id
WHERE j.batch_id = ? AND j.matched > 0 ORDER BY f.arrived_at, f.id
"""


def register(
    db: sqlite3.Connection, model_id: int, *, path: str, sha256: str, rows: int, quarantined: int, now: datetime
) -> tuple[LabelFile, bool]:
    """The label file of those bytes, and whether it is new: the same file twice is one, under whatever name."""
    with transaction(db):
        row = db.execute(_FILE, (model_id, sha256)).fetchone()
        if row is None:
            db.execute(_INSERT_FILE, (model_id, path, sha256, rows, quarantined, to_text(now)))
            return _file(db.execute(_FILE, (model_id, sha256)).fetchone()), True
    return _file(row), False


def candidates(db: sqlite3.Connection, model_id: int, file: LabelFile) -> list[Candidate]:
    """Every batch of a model, in order of time, with what it shared with a label file if they were joined."""
    rows = db.execute(_CANDIDATES, {"file": file.id, "model": model_id}).fetchall()
    return [Candidate(batches.get(db, row["id"]), row["matched"]) for row in rows]


def joined(db: sqlite3.Connection, file_id: int, batch_id: int, matched: int) -> None:
    """Record that a label file was joined with a batch, and how many ids they share (0 is an answer too)."""
    with transaction(db):
        db.execute(_INSERT_JOIN, (file_id, batch_id, matched))


def files_of(db: sqlite3.Connection, batch_id: int) -> list[LabelFile]:
    """The label files that hold labels of a batch, in the order they arrived."""
    return [_file(row) for row in db.execute(_FILES_OF_BATCH, (batch_id,))]


def _file(row: sqlite3.Row) -> LabelFile:
    return LabelFile(
        id=row["id"],
        model_id=row["model_id"],
        path=row["path"],
        sha256=row["sha256"],
        rows=row["rows"],
        quarantined=row["quarantined"],
        arrived_at=from_text(row["arrived_at"]),
    )
