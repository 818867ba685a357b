"""Incidents: the record of one investigation, and the facts that were written into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["triage", "open", "mitigated", "resolved", "reviewed", "duplicate", "false alarm"]
Severity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]
Sort = Literal["urgency", "key", "priority", "severity", "state", "detected", "model", "owner"]

STATES: tuple[State, ...] = ("triage", "open", "mitigated", "resolved", "reviewed", "duplicate", "false alarm")
"""In the order an incident lives through them; the last two are ways out."""

LIVE_STATES: tuple[State, ...] = ("triage", "open", "mitigated")
"""States in which somebody still has to do something."""

SEVERITIES: tuple[Severity, ...] = ("SEV1", "SEV2", "SEV3", "SEV4")
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as it stands now.

    Attributes:
        key: ``INC-0042``; what people say.
        model_id: None for an incident that concerns no single model.
        detected_at: as recorded at opening; a correction stands in the events.
        cause: ``layer/category``, None while nobody has named it.
        reach: share of traffic (0 to 1) in the blast radius recorded last, None where not known.
        edited_priority: what a person set in place of the formula, None otherwise.
        alerts: how many alerts are linked.
    """

    id: int
    key: str
    model_id: int | None
    model: str | None
    title: str
    detected_at: datetime
    opened_at: datetime
    opened_by: str
    state: State
    severity: Severity | None
    owner: str | None
    cause: str | None
    reach: float | None
    edited_priority: float | None
    alerts: int


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One fact of an incident; never rewritten, a later ``correction`` may speak of it.

    Attributes:
        kind: state, severity, owner, note, hypothesis, supports, refutes, evidence, action, cause, blast_radius,
            followup, followup_done, prevention, link or correction.
        ref_kind, ref_id: the row it speaks of, as table and id.
        at: when it happened; ``recorded_at`` is when it was written down.
    """

    id: int
    incident_id: int
    kind: str
    value: str | None
    body: str | None
    ref_kind: str | None
    ref_id: str | None
    hypothesis_id: int | None
    corrects_id: int | None
    by: str
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents a list shows; None leaves a criterion out. ``text`` is looked for in key, title and owner."""

    model_id: int | None = None
    states: tuple[State, ...] = ()
    severity: Severity | None = None
    owner: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedAlert:
    """An alert that is part of an incident.

    Attributes:
        columns: accused, most likely first.
        cause: the alert's own probable cause, as its grouping named it.
    """

    id: int
    model_id: int
    batch_id: int | None
    tier: str
    error_class: str
    cause: str
    title: str
    columns: tuple[str, ...]
    score: float
    window_start: datetime | None
    window_end: datetime | None
    fired_at: datetime
    state: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of another table that belongs into a timeline: its table, id and the words it is told by."""

    table: str
    id: int
    at: datetime
    kind: str
    who: str | None
    text: str
    alert_id: int | None = None


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """A serving batch in an incident's window; ``concerned``: an alert of it, a page or a ticket finding is on it."""

    id: int
    rows: int
    version: str | None
    stage: str | None
    window_start: datetime | None
    window_end: datetime | None
    findings: int
    concerned: bool


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One metric of one batch in an incident's window."""

    id: int
    batch_id: int
    metric: str
    version: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str | None
    window_start: datetime | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding that an incident's alerts rest on, with its evidence as stored."""

    id: int
    alert_id: int | None
    batch_id: int
    check: str
    column: str | None
    slice: str | None
    tier: str
    value: float | None
    threshold: float | None
    message: str
    evidence: object
    at: datetime
