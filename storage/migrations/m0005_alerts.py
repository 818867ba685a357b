"""Alerts, what people did about them, and silences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE alerts(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        batch_id INTEGER REFERENCES batches,
        fingerprint TEXT NOT NULL,
        group_key TEXT NOT NULL,
        tier TEXT NOT NULL CHECK(tier IN ('page', 'ticket', 'digest', 'evidence')),
        class TEXT NOT NULL CHECK(class IN ('hard', 'soft', 'drift', 'ops')),
        cause TEXT NOT NULL,
        title TEXT NOT NULL,
        columns_json TEXT NOT NULL CHECK(json_valid(columns_json)),
        score REAL NOT NULL,
        window_start TEXT,
        window_end TEXT,
        fired_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX alerts_by_group ON alerts(model_id, group_key, id)",
    "CREATE INDEX alerts_by_fingerprint ON alerts(fingerprint, id)",
    "CREATE INDEX alerts_by_batch ON alerts(batch_id)",
    """
    CREATE TABLE alert_findings(
        alert_id INTEGER NOT NULL REFERENCES alerts,
        result_id INTEGER NOT NULL REFERENCES check_results,
        PRIMARY KEY(alert_id, result_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE alert_events(
        id INTEGER PRIMARY KEY,
        alert_id INTEGER NOT NULL REFERENCES alerts,
        kind TEXT NOT NULL CHECK(kind IN ('acknowledge', 'snooze', 'wake', 'resolve', 'reopen', 'link')),
        until_at TEXT,
        incident_id INTEGER,
        by TEXT NOT NULL,
        note TEXT,
        at TEXT NOT NULL,
        CHECK((kind = 'snooze') = (until_at IS NOT NULL))
    )
    """,
    "CREATE INDEX alert_events_by_alert ON alert_events(alert_id, id)",
    """
    CREATE TABLE alert_feedback(
        id INTEGER PRIMARY KEY,
        alert_id INTEGER NOT NULL REFERENCES alerts,
        verdict TEXT NOT NULL CHECK(verdict IN ('acted', 'useful', 'noise', 'duplicate', 'late')),
        by TEXT NOT NULL,
        note TEXT,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX alert_feedback_by_alert ON alert_feedback(alert_id, id)",
    """
    CREATE TABLE silences(
        id INTEGER PRIMARY KEY,
        model_id INTEGER REFERENCES models,
        check_name TEXT,
        column_name TEXT,
        starts_at TEXT NOT NULL,
        ends_at TEXT NOT NULL,
        by TEXT NOT NULL,
        reason TEXT NOT NULL CHECK(length(reason) > 0),
        preview_count INTEGER NOT NULL,
        at TEXT NOT NULL,
        CHECK(ends_at > starts_at)
    )
    """,
    "CREATE TABLE silence_ends(silence_id INTEGER PRIMARY KEY REFERENCES silences, by TEXT NOT NULL, at TEXT NOT NULL)",
    # A snooze that has run out is firing again; that depends on the clock: the view tells the end, readers compare.
    """
    CREATE VIEW alert_state AS
    SELECT a.id AS alert_id,
           coalesce((SELECT CASE kind WHEN 'acknowledge' THEN 'acknowledged' WHEN 'snooze' THEN 'snoozed'
                                      WHEN 'resolve' THEN 'resolved' ELSE 'firing' END
                     FROM alert_events e WHERE e.alert_id = a.id AND kind <> 'link' ORDER BY e.id DESC LIMIT 1),
                    'firing') AS state,
           (SELECT until_at FROM alert_events e WHERE e.alert_id = a.id AND kind <> 'link'
            ORDER BY e.id DESC LIMIT 1) AS until_at,
           (SELECT by FROM alert_events e WHERE e.alert_id = a.id AND kind <> 'link'
            ORDER BY e.id DESC LIMIT 1) AS by,
           (SELECT incident_id FROM alert_events e WHERE e.alert_id = a.id AND kind = 'link'
            ORDER BY e.id DESC LIMIT 1) AS incident_id,
           (SELECT verdict FROM alert_feedback f WHERE f.alert_id = a.id ORDER BY f.id DESC LIMIT 1) AS verdict
    FROM alerts a
    """,
    # Derived from the facts above by triggers, so that a list of open groups costs the same with 200 alerts or 100,000.
    """
    CREATE TABLE alert_groups(
        model_id INTEGER NOT NULL,
        group_key TEXT NOT NULL,
        head_id INTEGER NOT NULL,
        tier_rank INTEGER NOT NULL,
        score REAL NOT NULL,
        open INTEGER NOT NULL,
        quiet INTEGER NOT NULL,
        PRIMARY KEY(model_id, group_key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX alert_groups_order ON alert_groups(open, quiet, tier_rank, head_id DESC)",
    "CREATE INDEX alert_groups_head ON alert_groups(head_id)",
    """
    CREATE TRIGGER alert_groups_follow_alerts AFTER INSERT ON alerts BEGIN
        INSERT INTO alert_groups(model_id, group_key, head_id, tier_rank, score, open, quiet)
        VALUES (NEW.model_id, NEW.group_key, NEW.id,
                CASE NEW.tier WHEN 'page' THEN 0 WHEN 'ticket' THEN 1 WHEN 'digest' THEN 2 ELSE 3 END, NEW.score, 1, 0)
        ON CONFLICT(model_id, group_key) DO UPDATE SET
            head_id = excluded.head_id, tier_rank = excluded.tier_rank, score = excluded.score, open = 1, quiet = 0;
    END
    """,
    """
    CREATE TRIGGER alert_groups_follow_events AFTER INSERT ON alert_events WHEN NEW.kind <> 'link' BEGIN
        UPDATE alert_groups SET open = NEW.kind <> 'resolve', quiet = NEW.kind IN ('acknowledge', 'snooze')
        WHERE head_id = NEW.alert_id;
    END
    """,
    *append_only("alerts"),
    *append_only("alert_findings"),
    *append_only("alert_events"),
    *append_only("alert_feedback"),
    *append_only("silences"),
    *append_only("silence_ends"),
)


def apply(db: Database) -> None:
    """Create alerts, their events and feedback, and silences."""
    for statement in STATEMENTS:
        db.execute(statement)
