"""Overrides: promotions past a gate that did not say promote; in sight until somebody else has reviewed them."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.db import transaction
from storage.host import Actor
from storage.records.gates import Override
from storage.tables import audit, gates


def unreviewed(db: sqlite3.Connection, rollout_id: int | None = None) -> tuple[Override, ...]:
    """Overrides that nobody has reviewed, oldest first: every handover and `midwatch gate` lists them."""
    return tuple(gates.overrides(db, rollout_id, only_open=True))


def review(
    db: sqlite3.Connection, override_id: int, *, note: str | None = None, actor: Actor, now: datetime
) -> Override:
    """Close an override.

    Raises:
        UsageError: there is no such override.
        RefusedError: it was reviewed already, or it is this person's own.
    """
    with transaction(db):
        gates.add_review(db, override_id, note=note, by=actor.name, now=now)
        found = gates.override(db, override_id)
        audit.record(
            db, "gate.review", actor=actor, now=now, object_kind="override", object_id=override_id,
            after={"model": found.model, "version": found.version, "by": found.by, "note": note},
        )  # fmt: skip
    return found
