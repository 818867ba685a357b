"""Failure cases and what was judged of them; evaluation sets, frozen; what versions answered to both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE failure_cases(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        batch_id INTEGER REFERENCES batches,
        row_key TEXT NOT NULL CHECK(length(row_key) > 0),
        row_id TEXT,
        path TEXT,
        line INTEGER,
        payload_json TEXT NOT NULL CHECK(json_valid(payload_json)),
        expected TEXT,
        got TEXT,
        version TEXT,
        source TEXT NOT NULL CHECK(source IN ('slice', 'alert', 'finding', 'by hand')),
        source_ref TEXT,
        category TEXT,
        reported_at TEXT NOT NULL,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX failure_cases_once ON failure_cases(model_id, coalesce(batch_id, 0), row_key)",
    "CREATE INDEX failure_cases_by_row ON failure_cases(model_id, row_id)",
    # The verdict, category, expected answer and incident of a case are the latest event of that kind.
    """
    CREATE TABLE failure_case_events(
        id INTEGER PRIMARY KEY,
        case_id INTEGER NOT NULL REFERENCES failure_cases,
        kind TEXT NOT NULL CHECK(kind IN ('verdict', 'category', 'expected', 'incident')),
        value TEXT,
        incident_id INTEGER REFERENCES incidents,
        duplicate_of INTEGER REFERENCES failure_cases,
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        CHECK(kind <> 'verdict' OR value IN ('accepted', 'rejected', 'duplicate'))
    )
    """,
    "CREATE INDEX failure_case_events_by_case ON failure_case_events(case_id, kind, id)",
    """
    CREATE VIEW failure_case_state AS
    SELECT c.id AS case_id,
           (SELECT value FROM failure_case_events e WHERE e.case_id = c.id AND kind = 'verdict'
            ORDER BY e.id DESC LIMIT 1) AS verdict,
           coalesce((SELECT value FROM failure_case_events e WHERE e.case_id = c.id AND kind = 'category'
                     ORDER BY e.id DESC LIMIT 1), c.category) AS category,
           coalesce((SELECT value FROM failure_case_events e WHERE e.case_id = c.id AND kind = 'expected'
                     ORDER BY e.id DESC LIMIT 1), c.expected) AS expected,
           (SELECT incident_id FROM failure_case_events e WHERE e.case_id = c.id AND kind = 'incident'
            ORDER BY e.id DESC LIMIT 1) AS incident_id
    FROM failure_cases c
    """,
    # What another version answered to the row of a case, as seen in a later log.
    """
    CREATE TABLE failure_case_answers(
        id INTEGER PRIMARY KEY,
        case_id INTEGER NOT NULL REFERENCES failure_cases,
        batch_id INTEGER NOT NULL REFERENCES batches,
        version TEXT NOT NULL,
        answer TEXT,
        at TEXT NOT NULL,
        UNIQUE(case_id, batch_id, version)
    )
    """,
    # What an item says is stored once, under the hash of its canonical text, whatever sets it is in.
    """
    CREATE TABLE evaluation_items(
        sha256 TEXT PRIMARY KEY,
        text TEXT NOT NULL CHECK(json_valid(text))
    )
    """,
    """
    CREATE TABLE evaluation_sets(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        name TEXT NOT NULL CHECK(length(name) > 0),
        version INTEGER NOT NULL CHECK(version > 0),
        purpose TEXT NOT NULL CHECK(purpose IN ('golden', 'scenario', 'failures', 'slice', 'holdout')),
        sha256 TEXT NOT NULL,
        items INTEGER NOT NULL CHECK(items > 0),
        supersedes_id INTEGER REFERENCES evaluation_sets,
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL,
        UNIQUE(model_id, name, version)
    )
    """,
    """
    CREATE TABLE evaluation_set_items(
        id INTEGER PRIMARY KEY,
        set_id INTEGER NOT NULL REFERENCES evaluation_sets,
        position INTEGER NOT NULL CHECK(position > 0),
        item_sha256 TEXT NOT NULL REFERENCES evaluation_items,
        case_id INTEGER REFERENCES failure_cases,
        UNIQUE(set_id, position),
        UNIQUE(set_id, item_sha256)
    )
    """,
    "CREATE INDEX evaluation_set_items_by_case ON evaluation_set_items(case_id, set_id)",
    # Positions run from 1 to the number that the set was frozen with: nothing can be put in afterwards.
    """
    CREATE TRIGGER evaluation_set_items_frozen BEFORE INSERT ON evaluation_set_items
    WHEN NEW.position > (SELECT items FROM evaluation_sets WHERE id = NEW.set_id)
    BEGIN SELECT RAISE(ABORT, 'the evaluation set is frozen: make a new version'); END
    """,
    """
    CREATE TABLE evaluation_scores(
        id INTEGER PRIMARY KEY,
        set_id INTEGER NOT NULL REFERENCES evaluation_sets,
        version TEXT NOT NULL,
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX evaluation_scores_by_set ON evaluation_scores(set_id, version, id)",
    """
    CREATE TABLE evaluation_answers(
        id INTEGER PRIMARY KEY,
        score_id INTEGER NOT NULL REFERENCES evaluation_scores,
        item_sha256 TEXT NOT NULL REFERENCES evaluation_items,
        answer TEXT,
        passed INTEGER CHECK(passed IN (0, 1)),
        UNIQUE(score_id, item_sha256)
    )
    """,
    "CREATE INDEX evaluation_answers_by_item ON evaluation_answers(item_sha256, score_id)",
    *append_only("failure_cases"),
    *append_only("failure_case_events"),
    *append_only("failure_case_answers"),
    *append_only("evaluation_items"),
    *append_only("evaluation_sets"),
    *append_only("evaluation_set_items"),
    *append_only("evaluation_scores"),
    *append_only("evaluation_answers"),
)


def apply(db: Database) -> None:
    """Create failure cases, evaluation sets, and the answers to both."""
    for statement in STATEMENTS:
        db.execute(statement)
