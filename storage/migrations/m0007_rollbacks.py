"""Rollbacks: the plan that was shown, and each state it went through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE rollbacks(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        kind TEXT NOT NULL CHECK(kind IN ('rollback', 'fallback', 'undo')),
        from_version TEXT,
        to_version TEXT NOT NULL,
        stage TEXT NOT NULL,
        actuator TEXT NOT NULL,
        plan_json TEXT NOT NULL CHECK(json_valid(plan_json)),
        preflight_json TEXT NOT NULL CHECK(json_valid(preflight_json)),
        reason TEXT NOT NULL CHECK(length(reason) > 0),
        confirmed TEXT,
        incident_id INTEGER REFERENCES incidents,
        undo_of INTEGER REFERENCES rollbacks,
        idempotency_key TEXT NOT NULL UNIQUE,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE rollback_events(
        id INTEGER PRIMARY KEY,
        rollback_id INTEGER NOT NULL REFERENCES rollbacks,
        state TEXT NOT NULL CHECK(state IN (
            'planned', 'started', 'actuated', 'verified', 'failed', 'unknown', 'not verified', 'undone')),
        detail_json TEXT CHECK(detail_json IS NULL OR json_valid(detail_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX rollback_events_by_rollback ON rollback_events(rollback_id, id)",
    """
    CREATE VIEW rollback_state AS
    SELECT r.id AS rollback_id, r.model_id,
           (SELECT state FROM rollback_events e WHERE e.rollback_id = r.id ORDER BY e.id DESC LIMIT 1) AS state,
           (SELECT at FROM rollback_events e WHERE e.rollback_id = r.id ORDER BY e.id DESC LIMIT 1) AS at
    FROM rollbacks r
    """,
    # Two operators, or one and a crash: whoever comes second is refused by the file itself.
    """
    CREATE TRIGGER rollback_one_in_flight BEFORE INSERT ON rollback_events
    WHEN NEW.state = 'started' AND EXISTS (
        SELECT 1 FROM rollback_state s
        WHERE s.model_id = (SELECT model_id FROM rollbacks WHERE id = NEW.rollback_id)
          AND s.rollback_id <> NEW.rollback_id AND s.state IN ('started', 'actuated', 'unknown'))
    BEGIN SELECT RAISE(ABORT, 'another rollback of this model is in flight'); END
    """,
    """
    CREATE TRIGGER rollback_started_once BEFORE INSERT ON rollback_events
    WHEN NEW.state = 'started' AND EXISTS (
        SELECT 1 FROM rollback_events WHERE rollback_id = NEW.rollback_id AND state = 'started')
    BEGIN SELECT RAISE(ABORT, 'this rollback was started already'); END
    """,
    *append_only("rollbacks"),
    *append_only("rollback_events"),
)


def apply(db: Database) -> None:
    """Create rollbacks and their states."""
    for statement in STATEMENTS:
        db.execute(statement)
