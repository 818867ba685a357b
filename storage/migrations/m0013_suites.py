"""Offline evaluations, metrics from elsewhere, and whose metric was the primary one since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    # The results are one document; what is asked for by itself stands in columns.
    """
    CREATE TABLE evaluations(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        version TEXT NOT NULL CHECK(length(version) > 0),
        baseline TEXT,
        suite_json TEXT NOT NULL CHECK(json_valid(suite_json)),
        suite_sha256 TEXT NOT NULL,
        verified INTEGER NOT NULL CHECK(verified IN (0, 1)),
        comparison TEXT NOT NULL CHECK(comparison IN ('better', 'not worse', 'worse', 'not sure')),
        passes INTEGER NOT NULL CHECK(passes IN (0, 1)),
        document_json TEXT NOT NULL CHECK(json_valid(document_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX evaluations_by_version ON evaluations(model_id, version, baseline, id)",
    """
    CREATE TABLE imported_metrics(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        version TEXT NOT NULL CHECK(length(version) > 0),
        metric TEXT NOT NULL CHECK(length(metric) > 0),
        value REAL NOT NULL,
        source TEXT NOT NULL,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX imported_metrics_by_version ON imported_metrics(model_id, version, id)",
    """
    CREATE TABLE primary_metrics(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        metric TEXT NOT NULL CHECK(length(metric) > 0),
        before TEXT,
        owner TEXT NOT NULL CHECK(length(owner) > 0),
        reason TEXT NOT NULL CHECK(length(reason) > 0),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX primary_metrics_by_model ON primary_metrics(model_id, at, id)",
    *append_only("evaluations"),
    *append_only("imported_metrics"),
    *append_only("primary_metrics"),
)


def apply(db: Database) -> None:
    """Create evaluations, imported metrics and rotations of the primary metric."""
    for statement in STATEMENTS:
        db.execute(statement)
