"""Who did what: the audit log, a hash chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.append_only import append_only

if TYPE_CHECKING:
    from sqlite_utils import Database

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE audit_log(
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        host TEXT NOT NULL,
        tty TEXT,
        ssh_client TEXT,
        action TEXT NOT NULL,
        object_kind TEXT,
        object_id TEXT,
        before_json TEXT CHECK(before_json IS NULL OR json_valid(before_json)),
        after_json TEXT CHECK(after_json IS NULL OR json_valid(after_json)),
        previous_hash TEXT NOT NULL UNIQUE,
        hash TEXT NOT NULL UNIQUE
    )
    """,
    *append_only("audit_log"),
)


def apply(db: Database) -> None:
    """Create the audit log."""
    for statement in STATEMENTS:
        db.execute(statement)
