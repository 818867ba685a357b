"""Triggers that make a table append-only: facts are never rewritten, state is a view over them.

INSERT OR REPLACE deletes the old row without firing a DELETE trigger unless ``recursive_triggers`` is on; every
connection of ``storage.db`` turns it on.
"""

from __future__ import annotations


def append_only(table: str) -> tuple[str, str]:
    """Two statements that refuse UPDATE and DELETE on ``table``.

    >>> append_only("audit_log")[1].split(" BEGIN ")[0]
    'CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log'
    """
    update = f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
    delete = f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
    return (
        f"{update} BEGIN SELECT RAISE(ABORT, '{table} is append-only: a fact is corrected by a later one'); END",
        f"{delete} BEGIN SELECT RAISE(ABORT, '{table} is append-only: facts are not deleted'); END",
    )
