"""Everything about one incident, gathered once: what a pane draws, a command prints and a report tells."""

from __future__ import annotations

import dataclasses
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.changes import feed as changes
from core.evaluation.case_lives import CaseLife
from core.incidents import hypotheses as guesses
from core.incidents import ledger, past
from core.incidents.blast_radius import BlastRadius
from core.incidents.hypotheses import Hypothesis, NextTest
from core.incidents.ledger import FollowUp, Times
from core.incidents.lifecycle import missing_for
from core.incidents.past import Recurrence, SimilarIncident
from core.incidents.prevention import cases_of
from core.incidents.priority import Priority, priority
from core.incidents.reach import current_blast_radius
from core.incidents.states import WAYS
from core.incidents.timeline import TimelineEntry, timeline
from core.redaction import Redactor, redactor_for
from storage.records.changes import Change
from storage.records.incidents import Incident, IncidentEvent, LinkedAlert, State
from storage.tables import incident_facts, incidents, models

CHANGES_SHOWN = 10
LOOK_BACK = timedelta(days=7)
"""How long before the onset changes are listed; the timeline itself begins two hours before."""


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """One incident with everything that belongs to it; texts are redacted.

    Attributes:
        cases: failure cases that came of it, the latest first.
        events: its own facts, unredacted words of people masked, corrections included.
        cause_text: the cause in words, None while there is none.
        prevention: what will catch it next time, as ``check``, ``set`` or ``none`` and words.
        changes: what was altered in the week before the onset, nearest first, ten at most.
        next_states: steps that can be taken; ``missing`` says what the next closing step lacks.
        next_action: what to do next, in words.
    """

    incident: Incident
    now: datetime
    times: Times
    priority: Priority
    alerts: tuple[LinkedAlert, ...]
    cases: tuple[CaseLife, ...]
    events: tuple[IncidentEvent, ...]
    timeline: tuple[TimelineEntry, ...]
    hypotheses: tuple[Hypothesis, ...]
    next_test: NextTest | None
    blast_radius: BlastRadius
    follow_ups: tuple[FollowUp, ...]
    cause_text: str | None
    prevention: tuple[str, str] | None
    recurrence: Recurrence | None
    similar: tuple[SimilarIncident, ...]
    changes: tuple[Change, ...]
    next_states: tuple[State, ...]
    missing: tuple[str, ...]
    next_action: str


def detail(db: sqlite3.Connection, key: str, *, now: datetime) -> IncidentDetail:
    """Everything about the incident of that key.

    Raises:
        UsageError: there is none.
    """
    found = incidents.get(db, key)
    model = models.get_by_id(db, found.model_id) if found.model_id is not None else None
    linked = incident_facts.linked_alerts(db, found.id)
    redactor = redactor_for(db, model, [a.id for a in linked])
    incident = dataclasses.replace(found, title=redactor.text(found.title))
    raw = incidents.events(db, found.id)
    events = tuple(_masked(event, redactor) for event in raw)
    acknowledged = incident_facts.first_acknowledged(db, [a.id for a in linked])
    times = ledger.times(found, raw, linked, acknowledged)
    onset = times.onset or times.detected
    held = ledger.in_force(events)
    guessed = tuple(guesses.hypotheses(events))
    test = guesses.next_test(guessed, found.model)
    left = tuple(ledger.follow_ups(events))
    cause, prevention = ledger.latest(held, "cause"), ledger.latest(held, "prevention")
    missing = missing_for(db, found, "reviewed" if found.state == "resolved" else "resolved")
    return IncidentDetail(
        incident=incident,
        now=now,
        times=times,
        priority=priority(found, now),
        alerts=tuple(dataclasses.replace(a, title=redactor.told(a.title, a.columns)) for a in linked),
        cases=tuple(cases_of(db, found)),
        events=events,
        timeline=tuple(
            timeline(db, found, raw, linked, start=onset, end=max(onset, times.resolved or now), redactor=redactor)
        ),
        hypotheses=guessed,
        next_test=test,
        blast_radius=current_blast_radius(db, found, now=now),
        follow_ups=left,
        cause_text=cause.body if cause else None,
        prevention=(prevention.value or "none", prevention.body or "") if prevention else None,
        recurrence=past.recurrence(db, found),
        similar=tuple(past.similar(db, found, linked, redactor)),
        changes=tuple(_told(c, redactor) for c in _before(db, found.model_id, onset)),
        next_states=WAYS[found.state],
        missing=missing,
        next_action=next_action(found, left, test, missing),
    )


def next_action(incident: Incident, left: tuple[FollowUp, ...], test: NextTest | None, missing: tuple[str, ...]) -> str:
    """What to do next, in words: mitigate first, then understand, then close."""
    to_do = next((f.text for f in left if f.done_by is None), None)
    if incident.state == "triage":
        return "decide whether it is one: open, duplicate or false alarm"
    if incident.state == "open":
        return to_do or (f"{test.what}: {test.command}" if test else "mitigate, or write down a hypothesis")
    if incident.state == "mitigated":
        return to_do or (f"close it; it lacks {' and '.join(missing)}" if missing else "close it")
    if incident.state == "resolved":
        return to_do or (f"review it; it lacks {' and '.join(missing)}" if missing else "review it")
    return to_do or "nothing"


def _before(db: sqlite3.Connection, model_id: int | None, onset: datetime) -> list[Change]:
    return [] if model_id is None else changes.between(db, model_id, onset - LOOK_BACK, onset)[:CHANGES_SHOWN]


def _masked(event: IncidentEvent, redactor: Redactor) -> IncidentEvent:
    return dataclasses.replace(event, body=redactor.optional(event.body), value=redactor.optional(event.value))


def _told(change: Change, redactor: Redactor) -> Change:
    return dataclasses.replace(
        change,
        subject=redactor.text(change.subject),
        before=redactor.optional(change.before),
        after=redactor.optional(change.after),
    )
