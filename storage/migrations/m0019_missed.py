"""What went wrong while no alert said so, and what alerts of a time are found by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    # A row that takes back an earlier one names it and nothing else; what is in force is a view over the rows.
    """
    CREATE TABLE missed(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        happened_at TEXT NOT NULL,
        column_name TEXT,
        incident_id INTEGER REFERENCES incidents,
        note TEXT,
        withdraws_id INTEGER REFERENCES missed,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX missed_by_model ON missed(model_id, happened_at)",
    "CREATE INDEX missed_withdrawn ON missed(withdraws_id) WHERE withdraws_id IS NOT NULL",
    """
    CREATE VIEW missed_in_force AS
    SELECT * FROM missed m
    WHERE m.withdraws_id IS NULL AND NOT EXISTS (SELECT 1 FROM missed w WHERE w.withdraws_id = m.id)
    """,
    # An alert belongs to the moment its window ended: history that is taken in late does not crowd into today.
    "CREATE INDEX alerts_by_moment ON alerts(model_id, coalesce(window_end, fired_at), tier)",
    "CREATE INDEX alert_links_by_incident ON alert_events(incident_id, alert_id) WHERE kind = 'link'",
    *append_only("missed"),
)


def apply(db: Database) -> None:
    """Create the record of misses, and two indexes on alerts."""
    for statement in STATEMENTS:
        db.execute(statement)
