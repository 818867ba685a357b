"""How likely an alert is acted on, as it was said when the alert was raised; and the models that said it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    # What was learned from the answers up to then: figures and coefficients, so that nobody has to learn them again.
    """
    CREATE TABLE worth_fits(
        id INTEGER PRIMARY KEY,
        answers INTEGER NOT NULL CHECK(answers >= 0),
        in_force INTEGER NOT NULL CHECK(in_force IN (0, 1)),
        body_json TEXT NOT NULL CHECK(json_valid(body_json)),
        at TEXT NOT NULL
    )
    """,
    # tier_before: what the checks had said; features_json: what was known then, which is what is learned from later.
    """
    CREATE TABLE alert_worth(
        alert_id INTEGER PRIMARY KEY REFERENCES alerts,
        probability REAL NOT NULL CHECK(probability BETWEEN 0 AND 1),
        place REAL NOT NULL,
        method TEXT NOT NULL CHECK(method IN ('counts', 'model')),
        fit_id INTEGER REFERENCES worth_fits,
        tier_before TEXT NOT NULL CHECK(tier_before IN ('page', 'ticket', 'digest', 'evidence')),
        worthy INTEGER NOT NULL CHECK(worthy >= 0),
        judged INTEGER NOT NULL CHECK(judged >= worthy),
        reasons_json TEXT NOT NULL CHECK(json_valid(reasons_json)),
        features_json TEXT NOT NULL CHECK(json_valid(features_json)),
        at TEXT NOT NULL
    )
    """,
    # Within a tier a list of groups goes by worth; it stays one walk over an index, with 200 alerts or 100,000.
    "ALTER TABLE alert_groups ADD COLUMN place REAL NOT NULL DEFAULT 0.5",
    "DROP INDEX alert_groups_order",
    "CREATE INDEX alert_groups_order ON alert_groups(open, quiet, tier_rank, place DESC, head_id DESC)",
    """
    CREATE TRIGGER alert_groups_follow_worth AFTER INSERT ON alert_worth BEGIN
        UPDATE alert_groups SET place = NEW.place WHERE head_id = NEW.alert_id;
    END
    """,
    "CREATE INDEX alert_events_linked ON alert_events(alert_id) WHERE kind = 'link'",
    *append_only("worth_fits"),
    *append_only("alert_worth"),
)


def apply(db: Database) -> None:
    """Create the models and what they said, and let the groups of alerts be ordered by it."""
    for statement in STATEMENTS:
        db.execute(statement)
