"""Metrics as they were expected before labels came, and what was learned to expect them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    # body: codes of columns, coefficients and a sample of coded labelled rows; no cell of a log. rows: labelled rows
    # learned from, 0 where they were too few: what was asked in vain isn't asked again at once.
    """
    CREATE TABLE estimate_lessons(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        form INTEGER NOT NULL,
        body BLOB NOT NULL,
        rows INTEGER NOT NULL CHECK(rows >= 0),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX estimate_lessons_by_model ON estimate_lessons(model_id, id)",
    # said_json: what every method said without labels. The first row of a batch and a metric is what is held against
    # the truth; later ones judge the same words by more windows whose labels have come.
    """
    CREATE TABLE estimates(
        id INTEGER PRIMARY KEY,
        lesson_id INTEGER NOT NULL REFERENCES estimate_lessons,
        batch_id INTEGER NOT NULL REFERENCES batches,
        metric TEXT NOT NULL,
        method TEXT NOT NULL,
        value REAL NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        own_error REAL,
        same_error REAL,
        windows INTEGER NOT NULL CHECK(windows >= 0),
        usable INTEGER NOT NULL CHECK(usable IN (0, 1)),
        why_not TEXT NOT NULL CHECK((why_not = '') = (usable = 1)),
        rows INTEGER NOT NULL CHECK(rows >= 0),
        uncovered REAL NOT NULL,
        said_json TEXT NOT NULL CHECK(json_valid(said_json)),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX estimates_by_batch ON estimates(batch_id, metric, id)",
    """
    CREATE VIEW estimate_current AS
    SELECT e.* FROM estimates e
    WHERE e.id = (SELECT max(id) FROM estimates WHERE batch_id = e.batch_id AND metric = e.metric)
    """,
    *append_only("estimate_lessons"),
    *append_only("estimates"),
)


def apply(db: Database) -> None:
    """Create lessons and estimates."""
    for statement in STATEMENTS:
        db.execute(statement)
