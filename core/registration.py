"""Registering a model, or a new state of its model file, which is a change like any other."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.config_diff import configs
from storage.db import transaction
from storage.host import Actor
from storage.records.changes import Details, Difference, NewChange
from storage.tables import changes, models

SOURCE = "init"
SHORT = 12
"""Characters of a hash that are told."""


def register(
    db: sqlite3.Connection,
    name: str,
    *,
    path: str,
    text: str,
    sha256: str,
    reviewed_by: str | None = None,
    actor: Actor,
    now: datetime,
) -> bool:
    """Register a model or a new state of its model file; False when that very text is in force already.

    A new state goes into the change feed with the keys that differ; one with other comments only has size 0.
    """
    with transaction(db):
        before = models.file_in_force(db, name)
        if not models.register(db, name, path=path, text=text, sha256=sha256, actor=actor, now=now):
            return False
        after = models.file_in_force(db, name)
        if before is None or after is None:
            return True
        keys = [Difference("model file", c.key, c.before, c.after) for c in configs(before.text, text) or ()]
        moved = [Difference("path", "", before.path, path)] if before.path != path else []
        change = NewChange(
            layer="component",
            kind="model file",
            subject=f"{name}.toml: {_words(keys, bool(moved))}",
            at=now,
            source=SOURCE,
            source_ref=f"model_files:{after.id}",
            model_id=models.get(db, name).id,
            by=actor.name,
            size=len(keys),
            reviewed_by=reviewed_by,
            before=before.sha256[:SHORT],
            after=sha256[:SHORT],
            details=Details((*keys, *moved), len(keys)),
        )
        changes.add(db, [change], now=now)
    return True


def _words(keys: list[Difference], moved: bool) -> str:
    if not keys:
        return "moved to another path" if moved else "no key differs"
    named = ", ".join(d.key for d in keys[:3])
    return f"{named} and {len(keys) - 3} more" if len(keys) > 3 else named
