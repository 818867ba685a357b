"""How many answers of either arm could not be read: in every look, so that a gate can say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS = tuple(
    f"ALTER TABLE gate_looks ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0 CHECK({column} >= 0)"
    for column in ("unreadable", "control_rows", "control_unreadable")
)


def apply(db: Database) -> None:
    """Add the counts; 0 rows of the control say that nobody counted."""
    for statement in STATEMENTS:
        db.execute(statement)
