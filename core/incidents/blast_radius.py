"""How far an incident reached: rows, share of traffic, users. Summed from stored batches, never guessed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.records.incidents import WindowBatch
from storage.records.models import Model
from storage.tables import incident_facts


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What an incident reached since its onset.

    Attributes:
        start, end: the window that was looked at.
        batches: ids of every serving batch of the model in it.
        concerned: ids of those that an alert of the incident or a page or ticket finding is on.
        rows: rows in the concerned batches (one row, one prediction).
        all_rows: rows in all of them.
        findings: page and ticket findings in them.
        versions: versions named by the concerned batches.
        share: ``rows / all_rows``, 0 to 1; None when there is no row to divide by.
        users: distinct users reached; None: the model file has no role for a user column.
        impact: what the model file says a wrong prediction costs, in its own words.
        unknown: what is not known, in words.
    """

    start: datetime
    end: datetime
    batches: tuple[int, ...]
    concerned: tuple[int, ...]
    rows: int | None
    all_rows: int | None
    findings: int
    versions: tuple[str, ...]
    share: float | None
    users: int | None
    impact: str | None
    unknown: tuple[str, ...]

    @property
    def words(self) -> str:
        """One line for a person."""
        if self.rows is None:
            return f"not known: {self.unknown[0]}"
        share = "" if self.share is None else f" ({self.share:.1%} of {self.all_rows:,} in the window)"
        return f"{self.rows:,} predictions{share} in {len(self.concerned)} of {len(self.batches)} batches"


def compute(
    db: sqlite3.Connection, model: Model | None, *, start: datetime, end: datetime, alerts: Iterable[int]
) -> BlastRadius:
    """The blast radius between ``start`` (the onset) and ``end`` (mitigated, or now)."""
    if model is None:
        return _of((), start, end, None, ("the incident concerns no single model",))
    batches = incident_facts.batches_between(db, model.id, start, end, alerts)
    unknown = ["users: the model file names no user column"]
    if not batches:
        unknown.insert(0, f"no batch of {model.name} between {start:%Y-%m-%d %H:%M}Z and {end:%Y-%m-%d %H:%M}Z")
    if model.file.impact is None:
        unknown.append("money: the model file says nothing of impact")
    return _of(tuple(batches), start, end, model.file.impact, tuple(unknown))


def _of(
    batches: tuple[WindowBatch, ...], start: datetime, end: datetime, impact: str | None, unknown: tuple[str, ...]
) -> BlastRadius:
    concerned = tuple(b for b in batches if b.concerned)
    rows, all_rows = sum(b.rows for b in concerned), sum(b.rows for b in batches)
    return BlastRadius(
        start=start,
        end=end,
        batches=tuple(b.id for b in batches),
        concerned=tuple(b.id for b in concerned),
        rows=rows if batches else None,
        all_rows=all_rows if batches else None,
        findings=sum(b.findings for b in concerned),
        versions=tuple(sorted({b.version for b in concerned if b.version})),
        share=rows / all_rows if all_rows else None,
        users=None,
        impact=impact,
        unknown=unknown,
    )
