"""What a change altered, key by key, and snapshots of the environments that models run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    # One row a line of the feed, whichever table the line is of: a stored change or a deployment.
    """
    CREATE TABLE change_details(
        id INTEGER PRIMARY KEY,
        source_table TEXT NOT NULL CHECK(source_table IN ('changes', 'deployments')),
        row_id INTEGER NOT NULL,
        against TEXT,
        size INTEGER,
        also_json TEXT NOT NULL CHECK(json_valid(also_json)),
        unknown_json TEXT NOT NULL CHECK(json_valid(unknown_json)),
        hosts_json TEXT NOT NULL CHECK(json_valid(hosts_json)),
        differences_json TEXT NOT NULL CHECK(json_valid(differences_json)),
        recorded_at TEXT NOT NULL,
        UNIQUE(source_table, row_id)
    )
    """,
    """
    CREATE TABLE environments(
        id INTEGER PRIMARY KEY,
        host TEXT NOT NULL,
        model_id INTEGER REFERENCES models,
        sha256 TEXT NOT NULL,
        body_json TEXT NOT NULL CHECK(json_valid(body_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX environments_by_host ON environments(host, model_id, id)",
    # The feed goes by moment.
    "CREATE INDEX deployments_by_moment ON deployments(at)",
    "CREATE INDEX deployments_by_rollback ON deployments(rollback_id) WHERE rollback_id IS NOT NULL",
    *append_only("change_details"),
    *append_only("environments"),
)


def apply(db: Database) -> None:
    """Create the details of changes and the environments."""
    for statement in STATEMENTS:
        db.execute(statement)
