"""Seen before? How often a cause came back, and which past incidents look alike, with what helped then."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.incidents.ledger import in_force
from core.incidents.taxonomy import nth_time
from core.redaction import Redactor
from storage.clock import from_text
from storage.records.incidents import Incident, LinkedAlert
from storage.tables import incident_facts, incidents

LOOKED_AT = 200
"""How many past incidents are compared: the latest."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often a cause was met up to an incident; ``keys`` are the incidents, oldest first, itself last."""

    cause: str
    keys: tuple[str, ...]

    @property
    def words(self) -> str:
        """``third time``."""
        return nth_time(len(self.keys))


@dataclass(frozen=True, slots=True)
class SimilarIncident:
    """A past incident that looks like this one.

    Attributes:
        likeness: same cause 3, alert causes in common 2, columns in common 1 each up to 3; ranks only.
        why: what they have in common, in words.
        helped: what was done there that ended it, each with its row as ``table:id``.
    """

    key: str
    title: str
    state: str
    cause: str | None
    detected_at: datetime
    likeness: int
    why: tuple[str, ...]
    helped: tuple[tuple[str, str], ...]


def recurrence(db: sqlite3.Connection, incident: Incident) -> Recurrence | None:
    """How often this incident's cause was met, on any model; None while it has no cause."""
    if incident.cause is None:
        return None
    return Recurrence(incident.cause, tuple(incident_facts.keys_with_cause(db, incident.cause, incident.id)))


def causes(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """Every cause and how many incidents had it, most frequent first; duplicates and false alarms are left out."""
    return incident_facts.cause_counts(db)


def similar(
    db: sqlite3.Connection, incident: Incident, alerts: Sequence[LinkedAlert], redactor: Redactor, *, limit: int = 5
) -> list[SimilarIncident]:
    """Past incidents of the model, or of the same cause, that have a cause, an alert's cause or columns in common."""
    own_causes, own_columns = {a.cause for a in alerts}, {c for a in alerts for c in a.columns}
    found: list[SimilarIncident] = []
    for row in incident_facts.past_incidents(db, incident.id, incident.model_id, incident.cause)[:LOOKED_AT]:
        theirs = incident_facts.linked_alerts(db, row["id"])
        why: list[str] = []
        same_cause = incident.cause is not None and row["cause"] == incident.cause
        if same_cause:
            why.append(f"same cause {incident.cause}")
        alike = sorted(own_causes & {a.cause for a in theirs})
        if alike:
            why.append(f"same alert cause {', '.join(alike)}")
        columns = sorted(own_columns & {c for a in theirs for c in a.columns})
        if columns:
            why.append(f"same columns {', '.join(columns)}")
        if why:
            found.append(
                SimilarIncident(
                    key=row["key"],
                    title=redactor.text(row["title"]),
                    state=row["state"],
                    cause=row["cause"],
                    detected_at=from_text(row["detected_at"]),
                    likeness=3 * same_cause + 2 * bool(alike) + min(3, len(columns)),
                    why=tuple(why),
                    helped=helped(db, row["id"], redactor),
                )
            )
    return sorted(found, key=lambda s: (-s.likeness, -s.detected_at.timestamp()))[:limit]


def helped(db: sqlite3.Connection, incident_id: int, redactor: Redactor) -> tuple[tuple[str, str], ...]:
    """Verified rollbacks, recorded actions, and the check that was added; in that order."""
    found = [(f"{what} (verified)", f"rollbacks:{i}") for i, what in incident_facts.verified_rollbacks(db, incident_id)]
    for event in in_force(incidents.events(db, incident_id)):
        if event.kind == "action" and event.body:
            found.append((redactor.text(event.body), f"incident_events:{event.id}"))
        elif event.kind == "prevention" and event.value in ("check", "set") and event.body:
            found.append((redactor.text(f"{event.value} added: {event.body}"), f"incident_events:{event.id}"))
    return tuple(found)
