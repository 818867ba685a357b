"""How many answers of either arm could not be read; and what slices with a floor read in the candidate's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    *(
        f"ALTER TABLE gate_looks ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0 CHECK({column} >= 0)"
        for column in ("unreadable", "control_rows", "control_unreadable")
    ),
    # Mergeable sums of one metric over the rows of a batch that meet a condition. reading: a hash of condition, metric,
    # model file and label files; the bytes of a batch never change.
    """
    CREATE TABLE floor_readings(
        id INTEGER PRIMARY KEY,
        batch_id INTEGER NOT NULL REFERENCES batches,
        reading TEXT NOT NULL,
        rows INTEGER NOT NULL CHECK(rows >= 0),
        labelled INTEGER NOT NULL CHECK(labelled >= 0),
        state_json TEXT CHECK(state_json IS NULL OR json_valid(state_json)),
        at TEXT NOT NULL,
        UNIQUE(batch_id, reading)
    )
    """,
    *append_only("floor_readings"),
)


def apply(db: Database) -> None:
    """Add the counts (0 rows of the control say that nobody counted), and create the readings."""
    for statement in STATEMENTS:
        db.execute(statement)
