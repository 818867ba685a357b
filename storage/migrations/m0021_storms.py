"""Storms: groups of alerts that belong together, why, and what was answered to them; and pages passed on unanswered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

# The one line of a storm: what fires before what is quiet, the loudest, the worst, the latest.
_FIRST = "ORDER BY o.quiet, o.tier_rank, o.score DESC, o.head_id DESC LIMIT 1"

STATEMENTS: tuple[str, ...] = (
    "CREATE TABLE storms(id INTEGER PRIMARY KEY, began_at TEXT NOT NULL, at TEXT NOT NULL)",
    # A group belongs to the storm that it was put into last, until it is resolved.
    """
    CREATE TABLE storm_members(
        id INTEGER PRIMARY KEY,
        storm_id INTEGER NOT NULL REFERENCES storms,
        model_id INTEGER NOT NULL REFERENCES models,
        group_key TEXT NOT NULL,
        alert_id INTEGER NOT NULL REFERENCES alerts,
        why TEXT NOT NULL CHECK(length(why) > 0),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX storm_members_by_group ON storm_members(model_id, group_key, id)",
    "CREATE INDEX storm_members_by_storm ON storm_members(storm_id, id)",
    # before_json: id, state and end of each alert that the answer changed, so that undoing it restores them.
    """
    CREATE TABLE storm_answers(
        id INTEGER PRIMARY KEY,
        storm_id INTEGER NOT NULL REFERENCES storms,
        kind TEXT NOT NULL CHECK(kind IN ('acknowledge', 'snooze', 'undo')),
        until_at TEXT,
        tier TEXT NOT NULL CHECK(tier IN ('page', 'ticket', 'digest', 'evidence')),
        before_json TEXT NOT NULL CHECK(json_valid(before_json)),
        undoes INTEGER REFERENCES storm_answers,
        by TEXT NOT NULL,
        note TEXT,
        at TEXT NOT NULL,
        CHECK((kind = 'snooze') = (until_at IS NOT NULL)),
        CHECK((kind = 'undo') = (undoes IS NOT NULL))
    )
    """,
    "CREATE INDEX storm_answers_by_storm ON storm_answers(storm_id, id)",
    # subject: the group or storm that nobody answered; since: when it began to fire. Together with the round unique, so
    # that two programs, or one after a crash, pass a page on once.
    """
    CREATE TABLE escalations(
        id INTEGER PRIMARY KEY,
        subject TEXT NOT NULL,
        since TEXT NOT NULL,
        round INTEGER NOT NULL CHECK(round > 0),
        alert_id INTEGER NOT NULL REFERENCES alerts,
        called TEXT,
        at TEXT NOT NULL,
        UNIQUE(subject, since, round)
    )
    """,
    "CREATE INDEX alerts_by_window ON alerts(coalesce(window_start, fired_at))",
    # Derived, as the rest of alert_groups: the alert with which a group began, its storm, and whether it stands for it,
    # among all models and among the groups of its own.
    "ALTER TABLE alert_groups ADD COLUMN onset_id INTEGER",
    "ALTER TABLE alert_groups ADD COLUMN storm_id INTEGER",
    "ALTER TABLE alert_groups ADD COLUMN leads INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE alert_groups ADD COLUMN leads_model INTEGER NOT NULL DEFAULT 1",
    """
    UPDATE alert_groups SET onset_id = (
        SELECT min(a.id) FROM alerts a WHERE a.model_id = alert_groups.model_id AND a.group_key = alert_groups.group_key
        AND a.id > coalesce((SELECT max(b.id) FROM alerts b JOIN alert_events e ON e.alert_id = b.id
                             WHERE b.model_id = alert_groups.model_id AND b.group_key = alert_groups.group_key
                               AND e.kind = 'resolve' AND b.id < alert_groups.head_id), 0))
    """,
    "CREATE INDEX alert_groups_by_storm ON alert_groups(storm_id) WHERE storm_id IS NOT NULL",
    """
    CREATE TRIGGER alert_groups_begin AFTER INSERT ON alert_groups BEGIN
        UPDATE alert_groups SET onset_id = NEW.head_id WHERE model_id = NEW.model_id AND group_key = NEW.group_key;
    END
    """,
    """
    CREATE TRIGGER alert_groups_begin_again AFTER UPDATE OF open ON alert_groups
    WHEN OLD.open = 0 AND NEW.open = 1 BEGIN
        UPDATE alert_groups SET onset_id = NEW.head_id WHERE model_id = NEW.model_id AND group_key = NEW.group_key;
    END
    """,
    """
    CREATE TRIGGER alert_groups_leave AFTER UPDATE OF open ON alert_groups
    WHEN NEW.open = 0 AND NEW.storm_id IS NOT NULL BEGIN
        UPDATE alert_groups SET storm_id = NULL, leads = 1, leads_model = 1
        WHERE model_id = NEW.model_id AND group_key = NEW.group_key;
    END
    """,
    """
    CREATE TRIGGER alert_groups_join AFTER INSERT ON storm_members BEGIN
        UPDATE alert_groups SET storm_id = NEW.storm_id
        WHERE model_id = NEW.model_id AND group_key = NEW.group_key AND open = 1;
    END
    """,
    *(
        f"""
        CREATE TRIGGER alert_groups_lead_{name} AFTER UPDATE OF head_id, tier_rank, score, open, quiet, storm_id
        ON alert_groups WHEN {name.upper()}.storm_id IS NOT NULL BEGIN
            UPDATE alert_groups SET
                leads = (model_id, group_key) = (
                    SELECT o.model_id, o.group_key FROM alert_groups o WHERE o.storm_id = {name.upper()}.storm_id
                    {_FIRST}),
                leads_model = group_key = (
                    SELECT o.group_key FROM alert_groups o
                    WHERE o.storm_id = {name.upper()}.storm_id AND o.model_id = alert_groups.model_id {_FIRST})
            WHERE storm_id = {name.upper()}.storm_id;
        END
        """
        for name in ("old", "new")
    ),
    *append_only("storms"),
    *append_only("storm_members"),
    *append_only("storm_answers"),
    *append_only("escalations"),
)


def apply(db: Database) -> None:
    """Create storms, their answers and escalations, and tell groups where they began and belong."""
    for statement in STATEMENTS:
        db.execute(statement)
