"""What people write into an incident: notes, hypotheses and their evidence, causes, follow-ups, corrections."""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime

from core.incidents import ledger
from core.incidents.ledger import MOMENTS, Moment
from core.incidents.prevention import require_there
from core.incidents.reach import record_blast_radius
from core.incidents.references import parse_reference
from core.incidents.taxonomy import parse_cause
from storage.clock import to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.incidents import Incident, IncidentEvent, Severity
from storage.tables import audit, incident_facts, incidents


def note(db: sqlite3.Connection, key: str, text: str, *, about: str | None = None, actor: Actor, now: datetime) -> int:
    """Write a note, about a row (``alert:7``) if one is named: it then shows where that row shows. Returns its id."""
    reference = parse_reference(db, about) if about else None
    return _write(db, key, "note", actor=actor, now=now, body=_words(text, "a note"), ref=reference)


def action(
    db: sqlite3.Connection, key: str, text: str, *, about: str | None = None, actor: Actor, now: datetime
) -> int:
    """Write down something that was done; past incidents tell it as what helped. Returns its id."""
    reference = parse_reference(db, about) if about else None
    return _write(db, key, "action", actor=actor, now=now, body=_words(text, "an action"), ref=reference)


def assign(
    db: sqlite3.Connection,
    key: str,
    *,
    owner: str | None = None,
    severity: Severity | None = None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Name another owner or severity; what stays None stays as it is."""
    with transaction(db):
        if owner is not None:
            _write(db, key, "owner", actor=actor, now=now, value=_words(owner, "an owner"))
        if severity is not None:
            _write(db, key, "severity", actor=actor, now=now, value=severity)
        return incidents.get(db, key)


def hypothesis(
    db: sqlite3.Connection, key: str, text: str, *, cause: str | None = None, actor: Actor, now: datetime
) -> int:
    """Write down a guess, with the cause (``layer/category``) it stands for if it has one. Returns its id."""
    named = parse_cause(cause) if cause else None
    return _write(db, key, "hypothesis", actor=actor, now=now, value=named, body=_words(text, "a hypothesis"))


def evidence(
    db: sqlite3.Connection,
    key: str,
    hypothesis_id: int | None,
    *,
    supports: bool = True,
    reference: str | None,
    text: str | None = None,
    actor: Actor,
    now: datetime,
) -> int:
    """Link a fact to a hypothesis, for or against it; without a hypothesis it is evidence kept for the report.

    Raises:
        UsageError: no such hypothesis in this incident, no such row, or neither row nor words.
    """
    linked = parse_reference(db, reference) if reference else None
    if linked is None and not (text or "").strip():
        raise UsageError("evidence needs a fact or words", "add --ref alert:7, or --text WORDS")
    if hypothesis_id is None:
        return _write(db, key, "evidence", actor=actor, now=now, body=text, ref=linked)
    _own_event(db, key, hypothesis_id, "hypothesis")
    kind = "supports" if supports else "refutes"
    return _write(db, key, kind, actor=actor, now=now, body=text, ref=linked, hypothesis_id=hypothesis_id)


def set_cause(db: sqlite3.Connection, key: str, cause: str, text: str | None, *, actor: Actor, now: datetime) -> int:
    """Name the cause (``layer/category``) and tell it in words; a later one replaces it."""
    return _write(db, key, "cause", actor=actor, now=now, value=parse_cause(cause), body=text)


def follow_up(
    db: sqlite3.Connection, key: str, text: str, *, owner: str | None = None, actor: Actor, now: datetime
) -> int:
    """Leave something to do. Returns its id."""
    return _write(db, key, "followup", actor=actor, now=now, value=owner, body=_words(text, "a follow-up"))


def follow_up_done(
    db: sqlite3.Connection, key: str, follow_up_id: int, *, text: str | None = None, actor: Actor, now: datetime
) -> int:
    """Mark a follow-up as done.

    Raises:
        UsageError: no such follow-up in this incident.
        RefusedError: it was done already.
    """
    with transaction(db):
        _own_event(db, key, follow_up_id, "followup")
        found = next(f for f in ledger.follow_ups(_events(db, key)) if f.id == follow_up_id)
        if found.done_by:
            raise RefusedError(f"follow-up {follow_up_id} was done by {found.done_by} already", "nothing to do")
        reference = ("incident_events", str(follow_up_id))
        return _write(db, key, "followup_done", actor=actor, now=now, body=text, ref=reference)


def prevent(
    db: sqlite3.Connection,
    key: str,
    *,
    check: str | None = None,
    set_name: str | None = None,
    reason: str | None = None,
    actor: Actor,
    now: datetime,
) -> int:
    """Say what will catch it next time: a check, an entry of an evaluation set, or why neither.

    Raises:
        UsageError: none of the three, or more than one; a set that is not there.
    """
    given = [(k, v.strip()) for k, v in (("check", check), ("set", set_name), ("none", reason)) if v and v.strip()]
    if len(given) != 1:
        raise UsageError("name what will catch it next time", "one of --check NAME, --set NAME, --reason TEXT")
    kind, body = given[0]
    require_there(db, incidents.get(db, key), kind, body)
    return _write(db, key, "prevention", actor=actor, now=now, value=kind, body=body)


def correct(
    db: sqlite3.Connection,
    key: str,
    event_id: int,
    *,
    text: str | None = None,
    at: datetime | None = None,
    retract: bool = False,
    reason: str | None = None,
    actor: Actor,
    now: datetime,
) -> int:
    """Correct an event's words or moment, or take it back; the original stays in the store.

    A state, severity, owner or cause is corrected by a new one, never here.

    Raises:
        UsageError: no such event in this incident, or not exactly one correction.
        RefusedError: events of that kind are not corrected like this.
    """
    if (text is not None) + (at is not None) + retract != 1:
        raise UsageError("name one correction", "one of --text, --at, --retract")
    with transaction(db):
        original = _own_event(db, key, event_id, None)
        if original.kind == "correction":
            raise RefusedError(f"event {event_id} is a correction itself", f"correct event {original.corrects_id}")
        if retract and original.kind in ("state", "severity", "owner", "cause", "blast_radius"):
            raise RefusedError(f"a {original.kind} can't be taken back", f"set another {original.kind} instead")
        what, value = ("body", text) if text is not None else ("retracted", None)
        if at is not None:
            what, value = "at", to_text(at)
        before = {"event": event_id, "body": original.body, "at": to_text(original.at)}
        return _write(
            db,
            key,
            "correction",
            actor=actor,
            now=now,
            value=value,
            body=reason,
            ref=(what, str(event_id)),
            corrects_id=event_id,
            before=before,
        )


def set_time(
    db: sqlite3.Connection,
    key: str,
    moment: Moment,
    at: datetime,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Set one of the moments that response is timed by; the one found by the program stays in the store.

    Raises:
        UsageError: no such moment, no reason, or a moment still to come.
    """
    if moment not in MOMENTS:
        raise UsageError(f"there is no moment {moment!r}", f"one of {', '.join(MOMENTS)}")
    if at > now:
        raise UsageError(f"{moment} can't be in the future", "give a moment in the past, with its offset")
    with transaction(db):
        found = incidents.get(db, key)
        alerts = incident_facts.linked_alerts(db, found.id)
        acknowledged = incident_facts.first_acknowledged(db, [a.id for a in alerts])
        before = getattr(ledger.times(found, _events(db, key), alerts, acknowledged), moment)
        event_id = _write(
            db,
            key,
            "correction",
            actor=actor,
            now=now,
            value=to_text(at),
            body=_words(reason, "a reason"),
            ref=("time", moment),
            before=None if before is None else to_text(before),
        )
        record_blast_radius(db, found.key, now=now)  # its window is made of these moments
        return event_id


def set_priority(db: sqlite3.Connection, key: str, value: float, *, reason: str, actor: Actor, now: datetime) -> int:
    """Set a priority (0 and up) in place of the formula.

    Raises:
        UsageError: not a number from 0 up, or no reason.
    """
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"{value!r} is not a priority", "a number from 0 up")
    words = _words(reason, "a reason")
    reference = ("priority", key)
    return _write(db, key, "correction", actor=actor, now=now, value=repr(value), body=words, ref=reference)


def _write(
    db: sqlite3.Connection,
    key: str,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    value: str | None = None,
    body: str | None = None,
    ref: tuple[str, str] | None = None,
    hypothesis_id: int | None = None,
    corrects_id: int | None = None,
    before: object = None,
) -> int:
    """One event and its audit entry in one transaction."""
    with transaction(db):
        incident = incidents.get(db, key)
        event_id = incidents.append(
            db,
            incident.id,
            kind,
            by=actor.name,
            now=now,
            value=value,
            body=body,
            ref=ref,
            hypothesis_id=hypothesis_id,
            corrects_id=corrects_id,
        )
        told = {"owner": incident.owner, "severity": incident.severity, "cause": incident.cause}.get(kind)
        audit.record(
            db,
            f"incident.{kind}",
            actor=actor,
            now=now,
            object_kind="incident",
            object_id=incident.key,
            before=before if before is not None else told,
            after={"event": event_id, "value": value, "ref": ":".join(ref) if ref else None},
        )
        return event_id


def _events(db: sqlite3.Connection, key: str) -> list[IncidentEvent]:
    return incidents.events(db, incidents.get(db, key).id)


def _own_event(db: sqlite3.Connection, key: str, event_id: int, kind: str | None) -> IncidentEvent:
    incident = incidents.get(db, key)
    found = incidents.event(db, event_id)
    if found is None or found.incident_id != incident.id or (kind is not None and found.kind != kind):
        raise UsageError(
            f"{incident.key} has no {kind or 'event'} {event_id}", f"midwatch incidents show {incident.key}"
        )
    return found


def _words(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"{what} needs words", "say it in one line")
    return text.strip()
