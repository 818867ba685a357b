"""Rollouts: the rule a candidate runs under, where it stands, what was counted, and what the gates said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE rollouts(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        version TEXT NOT NULL,
        baseline TEXT NOT NULL CHECK(baseline <> version),
        rule_json TEXT NOT NULL CHECK(json_valid(rule_json)),
        rule_sha TEXT NOT NULL,
        opened_by TEXT NOT NULL,
        opened_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX rollouts_by_version ON rollouts(model_id, version, id)",
    # What a gate said, as canonical JSON: equal looks give equal bytes, so an auditor can work it out again.
    """
    CREATE TABLE gate_decisions(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        kind TEXT NOT NULL CHECK(kind IN ('looked', 'promoted', 'stopped')),
        from_stage TEXT NOT NULL,
        to_stage TEXT,
        outcome TEXT NOT NULL CHECK(outcome IN ('promote', 'hold', 'roll back')),
        dry_run INTEGER NOT NULL CHECK(dry_run IN (0, 1)),
        at TEXT,
        document TEXT NOT NULL CHECK(json_valid(document)),
        sha256 TEXT NOT NULL,
        by TEXT NOT NULL,
        recorded_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX gate_decisions_by_rollout ON gate_decisions(rollout_id, id)",
    """
    CREATE TABLE rollout_events(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        kind TEXT NOT NULL CHECK(kind IN ('entered', 'rebased', 'stopped', 'done', 'rolled back')),
        stage TEXT,
        baseline TEXT,
        reason TEXT,
        decision_id INTEGER REFERENCES gate_decisions,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        CHECK(kind <> 'entered' OR stage IS NOT NULL),
        CHECK(kind <> 'rebased' OR baseline IS NOT NULL)
    )
    """,
    "CREATE INDEX rollout_events_by_rollout ON rollout_events(rollout_id, kind, id)",
    """
    CREATE VIEW rollout_state AS
    SELECT r.id AS rollout_id, r.model_id, r.version,
           coalesce((SELECT baseline FROM rollout_events e WHERE e.rollout_id = r.id AND kind = 'rebased'
                     ORDER BY e.id DESC LIMIT 1), r.baseline) AS baseline,
           (SELECT stage FROM rollout_events e WHERE e.rollout_id = r.id AND kind = 'entered'
            ORDER BY e.id DESC LIMIT 1) AS stage,
           (SELECT at FROM rollout_events e WHERE e.rollout_id = r.id AND kind = 'entered'
            ORDER BY e.id DESC LIMIT 1) AS entered_at,
           coalesce((SELECT kind FROM rollout_events e WHERE e.rollout_id = r.id
                     AND kind IN ('stopped', 'done', 'rolled back') ORDER BY e.id DESC LIMIT 1), 'open') AS state
    FROM rollouts r
    """,
    """
    CREATE TRIGGER rollouts_one_open BEFORE INSERT ON rollouts
    WHEN EXISTS (SELECT 1 FROM rollout_state s
                 WHERE s.model_id = NEW.model_id AND s.version = NEW.version AND s.state = 'open')
    BEGIN SELECT RAISE(ABORT, 'a rollout of this version is open already'); END
    """,
    """
    CREATE TRIGGER rollout_events_open BEFORE INSERT ON rollout_events
    WHEN EXISTS (SELECT 1 FROM rollout_state s WHERE s.rollout_id = NEW.rollout_id AND s.state <> 'open')
    BEGIN SELECT RAISE(ABORT, 'this rollout has ended'); END
    """,
    # Raw counts of both arms. The same batches are looked at once for a guardrail, whoever looks, and however often.
    """
    CREATE TABLE gate_looks(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        stage TEXT NOT NULL,
        guardrail TEXT NOT NULL,
        baseline TEXT NOT NULL,
        batches_json TEXT NOT NULL CHECK(json_valid(batches_json)),
        window_start TEXT NOT NULL,
        window_end TEXT NOT NULL,
        counted_at TEXT NOT NULL,
        rows INTEGER NOT NULL CHECK(rows >= 0),
        labelled INTEGER NOT NULL CHECK(labelled BETWEEN 0 AND rows),
        kind TEXT NOT NULL
            CHECK(kind IN ('binary', 'means', 'ranks', 'paired binary', 'paired means', 'split')),
        sums_json TEXT NOT NULL CHECK(json_valid(sums_json)),
        at TEXT NOT NULL,
        CHECK(window_start <= window_end AND window_end <= counted_at),
        UNIQUE(rollout_id, stage, guardrail, baseline, batches_json)
    )
    """,
    # How many rows of a batch each version answered in each stage: the bytes of a batch never change, so it is asked
    # once. A row without version and stage, of zero rows, stands for an empty batch.
    """
    CREATE TABLE batch_arms(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        version TEXT,
        stage TEXT,
        rows INTEGER NOT NULL CHECK(rows >= 0)
    )
    """,
    "CREATE UNIQUE INDEX batch_arms_once ON batch_arms(batch_id, coalesce(version, ''), coalesce(stage, ''))",
    # What was looked for in vain, with which model file and label files: nobody reads the same rows for it again.
    """
    CREATE TABLE gate_waits(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        stage TEXT NOT NULL,
        guardrail TEXT NOT NULL,
        baseline TEXT NOT NULL,
        batches_json TEXT NOT NULL CHECK(json_valid(batches_json)),
        known TEXT NOT NULL,
        reason TEXT,
        at TEXT NOT NULL,
        UNIQUE(rollout_id, stage, guardrail, baseline, batches_json, known)
    )
    """,
    *append_only("rollouts"),
    *append_only("rollout_events"),
    *append_only("gate_decisions"),
    *append_only("gate_looks"),
    *append_only("batch_arms"),
    *append_only("gate_waits"),
)


def apply(db: Database) -> None:
    """Create rollouts, their events, looks and decisions, and the arms of batches."""
    for statement in STATEMENTS:
        db.execute(statement)
