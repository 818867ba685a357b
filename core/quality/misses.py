"""People say what no alert told them: the half of the truth that alerts can't know of themselves."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.missed import Missed
from storage.records.models import Model
from storage.tables import audit, batches, incidents, missed


def mark(
    db: sqlite3.Connection,
    model: Model,
    *,
    at: datetime | None = None,
    column: str | None = None,
    incident: str | None = None,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> Missed:
    """Record that something went wrong and no alert said so.

    Args:
        at: when; by default when the incident was detected.

    Raises:
        UsageError: no moment and no incident; a moment ahead; an unknown column; an incident of another model, or one
            that is marked already.
    """
    found = None if incident is None else incidents.get(db, incident)
    if found is not None and found.model_id not in (None, model.id):
        raise UsageError(f"{found.key} is about {found.model}, not about {model.name}", "name its own model")
    when = at or (None if found is None else found.detected_at)
    if when is None:
        raise UsageError("a miss needs a moment", "say when it went wrong: --at 2026-11-23T03:00Z, or --incident KEY")
    if when > now:
        raise UsageError(f"{when:%Y-%m-%d %H:%M}Z has not come yet", "say when it went wrong")
    newest = batches.newest(db, model.id)
    known = [] if newest is None else [name for name, _ in newest.columns]
    if column is not None and known and column not in known:
        raise UsageError(f"{model.name} has no column {column!r}", f"it has {', '.join(known[:12])}")
    with transaction(db):
        if found is not None and any(one.incident == found.key for one in missed.marked(db, model.id)):
            raise UsageError(f"{found.key} is marked as missed already", "midwatch alerts missed MODEL lists them")
        number = missed.insert(
            db,
            model.id,
            at=when,
            column=column,
            incident_id=None if found is None else found.id,
            note=(note or "").strip() or None,
            by=actor.name,
            now=now,
        )
        after = {
            "model": model.name, "at": when.isoformat(), "column": column,
            "incident": None if found is None else found.key, "note": note,
        }  # fmt: skip
        audit.record(db, "alerts.missed", actor=actor, now=now, object_kind="missed", object_id=number, after=after)
        marked = missed.find(db, number)
    assert marked is not None  # noqa: S101 - it was written in this transaction
    return marked


def withdraw(db: sqlite3.Connection, missed_id: int, *, note: str | None = None, actor: Actor, now: datetime) -> Missed:
    """Take back a mark: it was no miss after all. The record keeps both.

    Raises:
        UsageError: there is no such mark in force.
    """
    with transaction(db):
        marked = missed.find(db, missed_id)
        if marked is None:
            raise UsageError(f"there is no mark {missed_id} in force", "list them: midwatch alerts missed MODEL")
        missed.withdraw(db, marked, note=note, by=actor.name, now=now)
        audit.record(
            db, "alerts.missed.withdraw", actor=actor, now=now, object_kind="missed", object_id=missed_id,
            before={"model": marked.model, "at": marked.at.isoformat()}, after={"note": note},
        )  # fmt: skip
    return marked
