"""Watches, the rotation that says whose turn it is, and handovers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Span:
    """One person and a stretch of time: an override (takes the watch) or an absence (can't take it)."""

    who: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """Whose turn it is.

    Attributes:
        people: in order of their turns.
        period: how long a turn is: whole days, on the wall clock of ``zone``.
        handover: the wall-clock time at which turns change.
        first: the day on which the first person's first turn begins.
        last: the day on which the rotation ends; None for never.
    """

    path: str
    people: tuple[str, ...]
    period: timedelta
    handover: time
    zone: ZoneInfo
    first: date
    last: date | None = None
    overrides: tuple[Span, ...] = ()
    absences: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """One stretch of a person's turn; ``who`` is None where nobody is on watch. UTC, the end is excluded."""

    who: str | None
    start: datetime
    end: datetime
    override: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """A page passed on, with what it was made from; ``accepted_by`` is None until the next person took it."""

    id: int
    watch_start: datetime
    watch_end: datetime
    from_person: str
    to_person: str | None
    body: str
    snapshot: dict[str, Any]
    by: str
    at: datetime
    accepted_by: str | None
    accepted_at: datetime | None
    accepted_note: str | None


@dataclass(frozen=True, slots=True)
class HandoverHead:
    """A handover as a list shows it: whose watch it was, and who took over."""

    id: int
    watch_start: datetime
    watch_end: datetime
    from_person: str
    to_person: str | None
    at: datetime
    accepted_by: str | None


@dataclass(frozen=True, slots=True)
class WatchAlert:
    """An alert as a handover names it.

    Attributes:
        since: when it came into its state.
        until: the end of a snooze.
        group_key: what it shares with repeats of the same cause; empty stands for no group but itself.
    """

    id: int
    model_id: int
    model: str
    tier: str
    title: str
    columns: tuple[str, ...]
    state: str
    by: str | None
    fired_at: datetime
    since: datetime
    until: datetime | None
    verdict: str | None
    incident: str | None
    group_key: str = ""


@dataclass(frozen=True, slots=True)
class NoisyGroup:
    """A group of alerts by how often it fired in a watch, and what people said of it."""

    model_id: int
    model: str
    group_key: str
    title: str
    columns: tuple[str, ...]
    alerts: int
    acted: int
    noise: int


@dataclass(frozen=True, slots=True)
class WatchRollback:
    """A rollback as a handover names it; ``confirmed`` is what was typed where preflight was not all green."""

    id: int
    model: str
    kind: str
    from_version: str | None
    to_version: str
    state: str
    confirmed: str | None
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WatchSilence:
    """A silence that is in force; ``model`` is None for one over all models."""

    id: int
    model: str | None
    check: str | None
    column: str | None
    ends_at: datetime
    by: str
    reason: str
