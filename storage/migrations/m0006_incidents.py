"""Incidents and their timelines, the change feed, watches' handovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE incidents(
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        model_id INTEGER REFERENCES models,
        title TEXT NOT NULL,
        detected_at TEXT NOT NULL,
        opened_at TEXT NOT NULL,
        opened_by TEXT NOT NULL
    )
    """,
    # The state, severity, owner and cause of an incident are the latest event of that kind; refs point at other facts.
    """
    CREATE TABLE incident_events(
        id INTEGER PRIMARY KEY,
        incident_id INTEGER NOT NULL REFERENCES incidents,
        kind TEXT NOT NULL CHECK(kind IN (
            'state', 'severity', 'owner', 'note', 'hypothesis', 'supports', 'refutes', 'evidence', 'action',
            'cause', 'blast_radius', 'followup', 'followup_done', 'prevention', 'link', 'correction')),
        value TEXT,
        body TEXT,
        ref_kind TEXT,
        ref_id TEXT,
        hypothesis_id INTEGER REFERENCES incident_events,
        corrects_id INTEGER REFERENCES incident_events,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX incident_events_by_incident ON incident_events(incident_id, kind, id)",
    """
    CREATE VIEW incident_state AS
    SELECT i.id AS incident_id,
           coalesce((SELECT value FROM incident_events e WHERE e.incident_id = i.id AND kind = 'state'
                     ORDER BY e.id DESC LIMIT 1), 'triage') AS state,
           (SELECT value FROM incident_events e WHERE e.incident_id = i.id AND kind = 'severity'
            ORDER BY e.id DESC LIMIT 1) AS severity,
           (SELECT value FROM incident_events e WHERE e.incident_id = i.id AND kind = 'owner'
            ORDER BY e.id DESC LIMIT 1) AS owner,
           (SELECT value FROM incident_events e WHERE e.incident_id = i.id AND kind = 'cause'
            ORDER BY e.id DESC LIMIT 1) AS cause
    FROM incidents i
    """,
    """
    CREATE TABLE changes(
        id INTEGER PRIMARY KEY,
        layer TEXT NOT NULL CHECK(layer IN ('run', 'pipeline', 'component', 'infrastructure', 'data', 'external')),
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        model_id INTEGER REFERENCES models,
        before TEXT,
        after TEXT,
        size INTEGER,
        reviewed_by TEXT,
        at TEXT NOT NULL,
        by TEXT,
        source TEXT NOT NULL,
        source_ref TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        UNIQUE(source, source_ref)
    )
    """,
    "CREATE INDEX changes_by_time ON changes(at)",
    """
    CREATE TABLE handovers(
        id INTEGER PRIMARY KEY,
        watch_start TEXT NOT NULL,
        watch_end TEXT NOT NULL,
        from_person TEXT NOT NULL,
        to_person TEXT,
        body TEXT NOT NULL,
        snapshot_json TEXT NOT NULL CHECK(json_valid(snapshot_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE handover_acceptances(
        handover_id INTEGER PRIMARY KEY REFERENCES handovers, by TEXT NOT NULL, note TEXT, at TEXT NOT NULL
    )
    """,
    *append_only("incidents"),
    *append_only("incident_events"),
    *append_only("changes"),
    *append_only("handovers"),
    *append_only("handover_acceptances"),
)


def apply(db: Database) -> None:
    """Create incidents, changes and handovers."""
    for statement in STATEMENTS:
        db.execute(statement)
