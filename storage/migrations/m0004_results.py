"""What checks said of batches, and what metrics read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    # Every verdict is kept, the passes too: "what was checked" and "what was not" are answers people ask for.
    """
    CREATE TABLE check_results(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        check_name TEXT NOT NULL,
        column_name TEXT,
        slice TEXT,
        class TEXT NOT NULL CHECK(class IN ('hard', 'soft', 'drift', 'ops')),
        tier TEXT NOT NULL CHECK(tier IN ('page', 'ticket', 'digest', 'evidence')),
        status TEXT NOT NULL CHECK(status IN ('pass', 'fail', 'no_data', 'not_checked')),
        value REAL,
        threshold REAL,
        score REAL,
        message TEXT NOT NULL,
        evidence_json TEXT CHECK(evidence_json IS NULL OR json_valid(evidence_json)),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX check_results_by_batch ON check_results(batch_id, status)",
    "CREATE INDEX check_results_fired ON check_results(check_name, column_name, slice, id) WHERE status = 'fail'",
    # state_json is the mergeable sums the value came from, so that a window is the sum of its batches.
    """
    CREATE TABLE metric_values(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        batch_id INTEGER NOT NULL REFERENCES batches,
        metric TEXT NOT NULL,
        kind TEXT NOT NULL CHECK(kind IN ('ml', 'business', 'ops')),
        version TEXT,
        value REAL,
        low REAL,
        high REAL,
        n INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        note TEXT,
        state_json TEXT CHECK(state_json IS NULL OR json_valid(state_json)),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX metric_values_latest ON metric_values(model_id, metric, batch_id, id)",
    """
    CREATE VIEW metric_current AS
    SELECT * FROM metric_values v
    WHERE v.id = (SELECT max(w.id) FROM metric_values w
                  WHERE w.model_id = v.model_id AND w.metric = v.metric AND w.batch_id = v.batch_id)
    """,
    *append_only("check_results"),
    *append_only("metric_values"),
)


def apply(db: Database) -> None:
    """Create check results and metric values."""
    for statement in STATEMENTS:
        db.execute(statement)
