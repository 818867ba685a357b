"""A stretch of time that is no measure for others (a holiday, a campaign) leaves the reference, or returns."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from storage.clock import to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.batches import Batch
from storage.records.changes import NewChange
from storage.records.models import Model
from storage.tables import audit, batches, changes


@dataclass(frozen=True, slots=True)
class Period:
    """What was decided of a period: the batches that changed sides, and how many are in the reference now."""

    batches: tuple[Batch, ...]
    admitted: int


def decide(
    db: sqlite3.Connection,
    model: Model,
    start: datetime,
    end: datetime,
    *,
    admit: bool,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Period:
    """Take every batch whose window touches ``[start, end)`` out of what later ones are compared with, or back in.

    An exclusion stands in the change feed as ``external`` from ``start`` on.

    Raises:
        UsageError: there is no reason, or the period ends before it starts.
        RefusedError: nothing would be left to compare with.
    """
    if not reason.strip():
        raise UsageError("a period needs a reason", "say why: --reason TEXT")
    if end <= start:
        raise UsageError(f"{to_text(end)} is not after {to_text(start)}", "name the start with --since")
    with transaction(db):
        every = batches.page(db, model_id=model.id, limit=-1)
        chosen = tuple(b for b in every if b.admitted != admit and _touches(b, start, end))
        admitted = sum(b.admitted for b in every) + (len(chosen) if admit else -len(chosen))
        if not admit and chosen and admitted == 0:
            raise RefusedError(
                f"nothing would be left of the reference of {model.name}", "take in another reference first"
            )
        for batch in chosen:
            batches.set_baseline(db, batch.id, admit=admit, reason=reason.strip(), by=actor.name, now=now)
        if chosen and not admit:
            changes.add(db, [_change(model, start, end, reason.strip(), len(chosen), actor)], now=now)
        if chosen:
            told = {"model": model.name, "since": to_text(start), "until": to_text(end), "reason": reason.strip()}
            audit.record(
                db,
                "baseline.admit" if admit else "baseline.exclude",
                actor=actor,
                now=now,
                object_kind="model",
                object_id=model.name,
                after={**told, "batches": [b.id for b in chosen]},
            )
    return Period(chosen, admitted)


def _touches(batch: Batch, start: datetime, end: datetime) -> bool:
    first, last = batch.window_start or batch.arrived_at, batch.window_end or batch.arrived_at
    return last >= start and first < end


def _change(model: Model, start: datetime, end: datetime, reason: str, count: int, actor: Actor) -> NewChange:
    return NewChange(
        layer="external",
        kind="period",
        subject=reason,
        at=start,
        source="baseline",
        source_ref=f"{model.name}:{to_text(start)}:{to_text(end)}",
        model_id=model.id,
        by=actor.name,
        size=count,
        before="in the reference",
        after=f"left out up to {to_text(end)}",
    )
