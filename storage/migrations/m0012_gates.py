"""What people say to gates, what decisions rest on, and the journal of promotions that act on the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    # Whose it is, and what they said; the latest row holds. Without a verdict it was only given to its owner.
    """
    CREATE TABLE gate_answers(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        stage TEXT NOT NULL,
        item TEXT NOT NULL CHECK(length(item) > 0),
        owner TEXT,
        verdict TEXT CHECK(verdict IS NULL OR verdict IN ('yes', 'no')),
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX gate_answers_by_gate ON gate_answers(rollout_id, stage, item, id)",
    # Bound to what was shown: another document voids it. Nobody is two people.
    """
    CREATE TABLE gate_approvals(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        stage TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        document TEXT NOT NULL CHECK(json_valid(document)),
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        UNIQUE(rollout_id, stage, sha256, by)
    )
    """,
    """
    CREATE TABLE gate_overrides(
        id INTEGER PRIMARY KEY,
        decision_id INTEGER NOT NULL UNIQUE REFERENCES gate_decisions,
        reason TEXT NOT NULL CHECK(length(trim(reason)) > 0),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE gate_override_reviews(
        override_id INTEGER PRIMARY KEY REFERENCES gate_overrides,
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    """
    CREATE TRIGGER gate_override_reviews_by_another BEFORE INSERT ON gate_override_reviews
    WHEN (SELECT by FROM gate_overrides WHERE id = NEW.override_id) = NEW.by
    BEGIN SELECT RAISE(ABORT, 'an override is reviewed by somebody else'); END
    """,
    """
    CREATE TABLE gate_armings(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        stage TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        armed INTEGER NOT NULL CHECK(armed IN (0, 1)),
        reason TEXT NOT NULL CHECK(length(trim(reason)) > 0),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX gate_armings_latest ON gate_armings(model_id, sha256, id)",
    # Which looks there were when a decision was written down, so that it can be worked out again from those.
    """
    CREATE TABLE gate_decision_bases(
        decision_id INTEGER PRIMARY KEY REFERENCES gate_decisions,
        baseline TEXT NOT NULL,
        last_look_id INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE promotions(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        plan_json TEXT NOT NULL CHECK(json_valid(plan_json)),
        reason TEXT NOT NULL,
        override TEXT,
        idempotency_key TEXT NOT NULL UNIQUE,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE promotion_events(
        id INTEGER PRIMARY KEY,
        promotion_id INTEGER NOT NULL REFERENCES promotions,
        state TEXT NOT NULL CHECK(state IN (
            'started', 'actuated', 'verified', 'failed', 'unknown', 'not verified')),
        detail_json TEXT NOT NULL CHECK(json_valid(detail_json)),
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX promotion_events_by_promotion ON promotion_events(promotion_id, id)",
    # Of two operators, or one and a crash, the file itself refuses whoever comes second.
    """
    CREATE TRIGGER promotions_one_in_flight BEFORE INSERT ON promotions
    WHEN EXISTS (
        SELECT 1 FROM promotions p WHERE p.model_id = NEW.model_id
          AND coalesce((SELECT state FROM promotion_events e WHERE e.promotion_id = p.id ORDER BY e.id DESC LIMIT 1),
                       'started') IN ('started', 'actuated', 'unknown'))
    BEGIN SELECT RAISE(ABORT, 'another promotion of this model is in flight'); END
    """,
    *append_only("gate_answers"),
    *append_only("gate_approvals"),
    *append_only("gate_overrides"),
    *append_only("gate_override_reviews"),
    *append_only("gate_armings"),
    *append_only("gate_decision_bases"),
    *append_only("promotions"),
    *append_only("promotion_events"),
)


def apply(db: Database) -> None:
    """Create answers, approvals, overrides, armings, what decisions rest on, and promotions."""
    for statement in STATEMENTS:
        db.execute(statement)
