"""The timeline: what people wrote, merged with what the program saw and did; every line names its row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.incidents.ledger import PROGRAM
from core.redaction import Redactor
from storage.clock import from_text
from storage.records.incidents import Incident, IncidentEvent, LinkedAlert
from storage.tables import timelines

LEAD = timedelta(hours=2)
"""How long before the onset changes and deployments are told: the cause comes before the symptom."""

_WORDS = {
    "supports": "for hypothesis {hypothesis}: {body}",
    "refutes": "against hypothesis {hypothesis}: {body}",
    "severity": "severity {value}",
    "owner": "owner {value}",
    "followup": "to do: {body}",
    "followup_done": "done: follow-up {ref_id} {body}",
    "cause": "cause {value}: {body}",
    "prevention": "next time: {value}: {body}",
    "blast_radius": "blast radius: {body}",
}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline.

    Attributes:
        kind: of an incident's own events their kind; else alert, link, feedback, deployment, rollback, change, silence.
        reference: the row it is, as ``table:id``.
        about: the row it speaks of, as ``table:id``, None for none.
        corrected: whether a later correction changed its words or moment.
    """

    at: datetime
    kind: str
    who: str
    text: str
    reference: str
    about: str | None = None
    corrected: bool = False


def timeline(
    db: sqlite3.Connection,
    incident: Incident,
    events: Sequence[IncidentEvent],
    alerts: Sequence[LinkedAlert],
    *,
    start: datetime,
    end: datetime,
    redactor: Redactor,
) -> list[TimelineEntry]:
    """Everything from :data:`LEAD` before ``start`` to ``end``, oldest first; texts are redacted."""
    by_alert = {a.id: a for a in alerts}
    entries = [
        TimelineEntry(
            at=fact.at,
            kind=fact.kind,
            who=fact.who or PROGRAM,
            text=redactor.told(fact.text, by_alert[fact.alert_id].columns if fact.alert_id is not None else ()),
            reference=f"{fact.table}:{fact.id}",
        )
        for fact in timelines.around(
            db,
            incident_id=incident.id,
            model_id=incident.model_id,
            start=start - LEAD,
            end=end,
            alerts=list(by_alert),
        )
    ]
    entries += [_own(event, events, redactor) for event in events]
    return sorted(entries, key=lambda e: (e.at, e.reference.partition(":")[0], int(e.reference.partition(":")[2])))


def _own(event: IncidentEvent, events: Sequence[IncidentEvent], redactor: Redactor) -> TimelineEntry:
    """An event of the incident itself; a corrected one is told as it stands now, with the mark."""
    at, body, value, retracted, corrected = event.at, event.body or "", event.value or "", False, False
    for correction in (e for e in events if e.corrects_id == event.id):
        corrected = True
        if correction.ref_kind == "at" and correction.value:
            at = from_text(correction.value)
        elif correction.ref_kind == "body":
            body = correction.value or ""
        elif correction.ref_kind == "retracted":
            retracted = True
    about = f"{event.ref_kind}:{event.ref_id}" if event.ref_kind and (event.ref_id or "").isdigit() else None
    if event.kind == "correction":
        about = f"incident_events:{event.corrects_id}" if event.corrects_id else None
        text = f"corrected {event.ref_kind} of {event.ref_id}" + (f" to {value}" if value else "")
        text += f": {body}" if body else ""
    elif event.kind == "state":
        text = f"state {value}" + (f": {body}" if body else "")
    else:
        told = _WORDS.get(event.kind, "{body}")
        text = told.format(body=body, value=value, hypothesis=event.hypothesis_id, ref_id=event.ref_id)
        text = text.rstrip(": ") if not body else text
    text = f"(taken back) {text}" if retracted else text
    return TimelineEntry(
        at=at,
        kind=event.kind,
        who=event.by,
        text=redactor.text(text),
        reference=f"incident_events:{event.id}",
        about=about,
        corrected=corrected,
    )
