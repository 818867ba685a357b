"""Models, their model files over time, versions (five hashes and a seed) and what was live when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    "CREATE TABLE models(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, registered_at TEXT NOT NULL)",
    # The text of the model file as it was: the path alone would not tell what was in force at three in the morning.
    """
    CREATE TABLE model_files(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        path TEXT NOT NULL,
        text TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX model_files_latest ON model_files(model_id, id)",
    # config_text is kept so that a key-level difference needs no file that may be gone by then.
    """
    CREATE TABLE versions(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        version TEXT NOT NULL,
        model_path TEXT, model_sha TEXT,
        data_path TEXT, data_sha TEXT,
        config_path TEXT, config_sha TEXT, config_text TEXT,
        code_ref TEXT, code_sha TEXT,
        environment_path TEXT, environment_sha TEXT, environment_text TEXT,
        seed TEXT,
        role TEXT NOT NULL DEFAULT 'normal' CHECK(role IN ('normal', 'fallback')),
        input_schema_json TEXT CHECK(input_schema_json IS NULL OR json_valid(input_schema_json)),
        note TEXT,
        trained_at TEXT,
        registered_at TEXT NOT NULL,
        registered_by TEXT NOT NULL,
        UNIQUE(model_id, version)
    )
    """,
    # Version and stage are names, not references: a log may show a version that nobody registered.
    """
    CREATE TABLE deployments(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        version TEXT NOT NULL,
        stage TEXT NOT NULL,
        action TEXT NOT NULL CHECK(action IN ('enter', 'leave', 'traffic', 'observed')),
        traffic REAL CHECK(traffic IS NULL OR traffic BETWEEN 0.0 AND 1.0),
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        by TEXT NOT NULL,
        source TEXT NOT NULL,
        reason TEXT,
        rollback_id INTEGER
    )
    """,
    "CREATE INDEX deployments_by_time ON deployments(model_id, stage, at, id)",
    """
    CREATE VIEW live AS
    SELECT model_id, stage, version, traffic, at, by, source, id AS deployment_id FROM (
        SELECT *, row_number() OVER (PARTITION BY model_id, stage ORDER BY at DESC, id DESC) AS age FROM deployments
    ) WHERE age = 1 AND action <> 'leave'
    """,
    *append_only("models"),
    *append_only("model_files"),
    *append_only("versions"),
    *append_only("deployments"),
)


def apply(db: Database) -> None:
    """Create models, model files, versions and deployments."""
    for statement in STATEMENTS:
        db.execute(statement)
