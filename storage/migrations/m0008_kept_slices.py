"""Slices kept with a name, and what each of them read in every batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE kept_slices(
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models,
        name TEXT NOT NULL CHECK(length(name) > 0),
        predicates_json TEXT NOT NULL CHECK(json_valid(predicates_json)),
        kind TEXT NOT NULL CHECK(kind IN ('user', 'critical', 'scenario')),
        floor REAL,
        note TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX kept_slices_by_model ON kept_slices(model_id, name, id)",
    """
    CREATE TABLE kept_slice_retirements(
        kept_slice_id INTEGER PRIMARY KEY REFERENCES kept_slices,
        reason TEXT,
        by TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    # A name means one slice at a time; once that is retired it may be given to another.
    """
    CREATE TRIGGER kept_slices_one_name BEFORE INSERT ON kept_slices
    WHEN EXISTS (SELECT 1 FROM kept_slices k WHERE k.model_id = NEW.model_id AND k.name = NEW.name
                 AND NOT EXISTS (SELECT 1 FROM kept_slice_retirements r WHERE r.kept_slice_id = k.id))
    BEGIN SELECT RAISE(ABORT, 'a slice of this name is kept already'); END
    """,
    # What the rows of a slice looked like in a batch; told once, when the batch came or when the slice was kept.
    """
    CREATE TABLE kept_slice_rows(
        id INTEGER PRIMARY KEY,
        kept_slice_id INTEGER NOT NULL REFERENCES kept_slices,
        batch_id INTEGER NOT NULL REFERENCES batches,
        rows INTEGER NOT NULL,
        batch_rows INTEGER NOT NULL,
        missing_json TEXT NOT NULL CHECK(json_valid(missing_json)),
        predictions INTEGER NOT NULL,
        prediction_mean REAL,
        prediction_variance REAL,
        at TEXT NOT NULL,
        UNIQUE(kept_slice_id, batch_id)
    )
    """,
    "CREATE INDEX kept_slice_rows_by_batch ON kept_slice_rows(batch_id)",
    # A metric is told again whenever labels come; the latest row holds, for the window of its batch.
    """
    CREATE TABLE kept_slice_metrics(
        id INTEGER PRIMARY KEY,
        kept_slice_id INTEGER NOT NULL REFERENCES kept_slices,
        batch_id INTEGER NOT NULL REFERENCES batches,
        metric TEXT NOT NULL,
        kind TEXT NOT NULL CHECK(kind IN ('ml', 'business', 'ops')),
        version TEXT,
        value REAL,
        low REAL,
        high REAL,
        n INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        labelled INTEGER NOT NULL,
        note TEXT,
        state_json TEXT CHECK(state_json IS NULL OR json_valid(state_json)),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX kept_slice_metrics_latest ON kept_slice_metrics(kept_slice_id, metric, batch_id, id)",
    *append_only("kept_slices"),
    *append_only("kept_slice_retirements"),
    *append_only("kept_slice_rows"),
    *append_only("kept_slice_metrics"),
)


def apply(db: Database) -> None:
    """Create kept slices and their readings."""
    for statement in STATEMENTS:
        db.execute(statement)
