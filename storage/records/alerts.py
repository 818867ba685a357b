"""Alerts as the store knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.records.results import ErrorClass, Tier
from storage.records.worth import Worth

AlertState = Literal["firing", "acknowledged", "snoozed", "resolved"]
Verdict = Literal["acted", "useful", "noise", "duplicate", "late"]

VERDICTS: tuple[Verdict, ...] = ("acted", "useful", "noise", "duplicate", "late")


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """Findings worth a person's attention, grouped by probable cause, before they are stored.

    Attributes:
        fingerprint: the same cause on the same columns has the same one, in whichever batch.
        group_key: what one acknowledgement covers: repeats of one cause, wherever its long tail of columns wanders.
        columns: accused columns, most likely first; empty when whole rows are at fault.
        findings: positions of its findings in the validation's list, the root first.
    """

    fingerprint: str
    group_key: str
    tier: Tier
    error_class: ErrorClass
    cause: str
    title: str
    columns: tuple[str, ...]
    score: float
    findings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: one batch, one cause, with its state.

    Attributes:
        until: when a snooze ends.
        by: who last changed the state.
        seen: how many alerts share its fingerprint.
        acted: how many of those a person acted on.
        judged: how many of those a person gave any feedback on.
        worth: what was said of its worth when it was raised; None for one that was never weighed.
    """

    id: int
    model_id: int
    model: str
    batch_id: int | None
    fingerprint: str
    group_key: str
    tier: Tier
    error_class: ErrorClass
    cause: str
    title: str
    columns: tuple[str, ...]
    score: float
    window_start: datetime | None
    window_end: datetime | None
    fired_at: datetime
    state: AlertState
    until: datetime | None
    by: str | None
    incident_id: int | None
    verdict: Verdict | None
    seen: int
    acted: int
    judged: int
    worth: Worth | None = None

    def state_at(self, now: datetime) -> AlertState:
        """The state at a moment: a snooze that has run out is firing again."""
        if self.state == "snoozed" and self.until is not None and self.until <= now:
            return "firing"
        return self.state


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """What happened to an alert."""

    id: int
    alert_id: int
    kind: str
    until: datetime | None
    incident_id: int | None
    by: str
    note: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """A rule that keeps matching alerts quiet until it ends; None matches anything."""

    id: int
    model_id: int | None
    check: str | None
    column: str | None
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str
    preview_count: int
    ended_at: datetime | None

    def active(self, now: datetime) -> bool:
        """Whether it holds at ``now``."""
        return self.starts_at <= now < self.ends_at and self.ended_at is None
