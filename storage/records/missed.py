"""Misses: what went wrong while no alert said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MissedSource = Literal["person", "incident"]


@dataclass(frozen=True, slots=True)
class Missed:
    """One failure that no alert told of.

    Attributes:
        id: of the row that a person wrote; None where an incident without an alert says it.
        at: when it went wrong (its onset where that is known, else when it was detected); ``until`` is when people
            knew, equal to ``at`` for what a person marked at one moment.
        column: the column at fault, where somebody named one.
        incident: key of the incident, None where there is none.
        source: ``person`` for what somebody marked, ``incident`` for what follows from an incident's record.
    """

    id: int | None
    model_id: int
    model: str
    at: datetime
    until: datetime
    column: str | None
    incident: str | None
    note: str | None
    by: str
    source: MissedSource


@dataclass(frozen=True, slots=True)
class IncidentTold:
    """One incident (no duplicate, no false alarm), and whether an alert told of it.

    Attributes:
        linked: alerts that are linked to it.
        near: an alert that nobody linked was about a window between a day before the onset and a day after the
            detection, or until the incident was over.
        marked: a person said that no alert told of it.
        onset: when it began: as a person set it, else the start of the first linked alert's window; None if unknown.
        first_alert: when the first linked alert was raised.
    """

    id: int
    key: str
    model_id: int
    title: str
    detected_at: datetime
    onset: datetime | None
    linked: int
    near: bool
    marked: bool
    first_alert: datetime | None

    @property
    def missed(self) -> bool:
        """Nobody was told by an alert."""
        return self.marked or (not self.linked and not self.near)
