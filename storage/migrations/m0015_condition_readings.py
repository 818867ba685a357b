"""What the files of batches said of a candidate's conditions, kept so that nobody waits for them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = (
    # reading: a hash of all that the answer rests on. The last row of a rollout and a hash counts: a file that
    # could not be read may be there again.
    """
    CREATE TABLE condition_readings(
        id INTEGER PRIMARY KEY,
        rollout_id INTEGER NOT NULL REFERENCES rollouts,
        stage TEXT NOT NULL,
        reading TEXT NOT NULL,
        conditions_json TEXT NOT NULL CHECK(json_valid(conditions_json)),
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX condition_readings_by_reading ON condition_readings(rollout_id, reading, id)",
    *append_only("condition_readings"),
)


def apply(db: Database) -> None:
    """Create readings of conditions."""
    for statement in STATEMENTS:
        db.execute(statement)
