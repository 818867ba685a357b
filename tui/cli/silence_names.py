"""Names that a silence may meet: a check that is there, and a column that a model has or had."""

from __future__ import annotations

import difflib
import sqlite3

from storage.errors import UsageError
from storage.tables import batches, models, results

LOOKED_AT = 200
"""Batches of a model whose columns are known to this look."""


def known_check(db: sqlite3.Connection, check: str | None) -> None:
    """Refuse a check that is neither in the program nor among the stored results: a silence of it would hide nothing.

    Raises:
        UsageError: there is none of that name.
    """
    from core.checks.registry import CHECKS

    names = [one.name for one in CHECKS]
    if check is not None and check not in names and not results.any_of(db, check):
        near = difflib.get_close_matches(check, names, n=1, cutoff=0.4)
        raise UsageError(
            f"there is no check {check!r}", f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        )


def unknown_column(db: sqlite3.Connection, model_id: int | None, column: str | None) -> list[str]:
    """A warning where no batch looked at had the column: it may be one to come, so nothing is refused."""
    if column is None:
        return []
    whose = [m for m in models.list_all(db) if model_id in (None, m.id)]
    seen = {name for m in whose for b in batches.page(db, model_id=m.id, limit=LOOKED_AT) for name, _ in b.columns}
    if column in seen:
        return []
    near = difflib.get_close_matches(column, sorted(seen), n=1, cutoff=0.5)
    who = "no model ever had" if model_id is None else f"{whose[0].name} never had"
    never = f"{who} a column {column!r}"
    return [f"{never}: the silence hides nothing until it has{f'; did you mean {near[0]!r}?' if near else ''}"]
