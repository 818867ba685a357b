"""Batches, their quarantined lines and profiles, label files, and which batches the baseline rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE batches(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        role TEXT NOT NULL CHECK(role IN ('serving', 'reference')),
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        format TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        version TEXT,
        stage TEXT,
        window_start TEXT,
        window_end TEXT,
        rows INTEGER NOT NULL,
        quarantined INTEGER NOT NULL,
        columns_json TEXT NOT NULL CHECK(json_valid(columns_json)),
        arrived_at TEXT NOT NULL,
        UNIQUE(model_id, role, sha256)
    )
    """,
    "CREATE INDEX batches_by_window ON batches(model_id, role, window_start)",
    """
    CREATE TABLE quarantine(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        path TEXT NOT NULL,
        line INTEGER,
        reason TEXT NOT NULL,
        text TEXT
    )
    """,
    "CREATE INDEX quarantine_by_batch ON quarantine(batch_id)",
    # One row a batch: the summaries of all its columns and slices are read and merged together.
    """
    CREATE TABLE profiles(
        batch_id INTEGER PRIMARY KEY REFERENCES batches,
        format INTEGER NOT NULL,
        body BLOB NOT NULL
    )
    """,
    # What a batch's statistics read when it came: the past that later batches are judged by. The latest row holds.
    """
    CREATE TABLE readings(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        form INTEGER NOT NULL,
        body BLOB NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX readings_by_batch ON readings(batch_id, id)",
    # A serving batch is in the baseline of later ones unless it raised a page or a ticket; people may say otherwise.
    """
    CREATE TABLE baseline_events(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        kind TEXT NOT NULL CHECK(kind IN ('admit', 'exclude')),
        reason TEXT NOT NULL,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX baseline_events_by_batch ON baseline_events(batch_id, id)",
    """
    CREATE VIEW baseline AS
    SELECT b.id AS batch_id, b.model_id, b.role, b.window_start,
           coalesce((SELECT kind FROM baseline_events e WHERE e.batch_id = b.id ORDER BY e.id DESC LIMIT 1),
                    CASE b.role WHEN 'reference' THEN 'admit' ELSE 'exclude' END) = 'admit' AS admitted
    FROM batches b
    """,
    """
    CREATE TABLE label_files(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        rows INTEGER NOT NULL,
        quarantined INTEGER NOT NULL,
        arrived_at TEXT NOT NULL,
        UNIQUE(model_id, sha256)
    )
    """,
    """
    CREATE TABLE label_joins(
        label_file_id INTEGER NOT NULL REFERENCES label_files,
        batch_id INTEGER NOT NULL REFERENCES batches,
        matched INTEGER NOT NULL,
        PRIMARY KEY(label_file_id, batch_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE label_coverage(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        at TEXT NOT NULL,
        rows INTEGER NOT NULL,
        labelled INTEGER NOT NULL,
        lag_p50_seconds REAL,
        lag_p95_seconds REAL
    )
    """,
    "CREATE INDEX label_coverage_by_batch ON label_coverage(batch_id, id)",
    *append_only("batches"),
    *append_only("quarantine"),
    *append_only("profiles"),
    *append_only("readings"),
    *append_only("baseline_events"),
    *append_only("label_files"),
    *append_only("label_joins"),
    *append_only("label_coverage"),
)


def apply(db: Database) -> None:
    """Create batches, quarantine, profiles, baseline and labels."""
    for statement in STATEMENTS:
        db.execute(statement)
