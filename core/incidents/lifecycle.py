"""Opening an incident and moving it through its states; it can't be closed in silence."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from core.incidents import ledger
from core.incidents.ledger import PROGRAM
from core.incidents.reach import record_blast_radius
from core.incidents.states import require_way
from core.incidents.taxonomy import parse_cause
from core.incidents.writing import set_cause
from core.redaction import redactor_for
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.incidents import LIVE_STATES, Incident, LinkedAlert, Severity, State
from storage.records.models import Model
from storage.tables import audit, incident_facts, incidents, models


def open_incident(
    db: sqlite3.Connection,
    *,
    model: Model | None,
    title: str,
    alerts: Sequence[int] = (),
    severity: Severity | None = None,
    owner: str | None = None,
    state: State = "open",
    key: str | None = None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Open an incident with its alerts linked and its blast radius recorded; one transaction.

    Detected is the moment the first alert fired, now without alerts. A person opens it as ``open``; ``triage`` is for
    one that nobody has taken up yet. ``key`` is for an incident that is brought in from elsewhere with its key.

    Raises:
        UsageError: no title, an unknown alert, or a state in which nothing begins.
        RefusedError: one of the alerts is part of an incident that is still live.
    """
    if not title.strip():
        raise UsageError("an incident needs a title", "say in one line what is wrong")
    if state not in ("triage", "open"):
        raise UsageError(f"an incident can't begin as {state}", "triage or open")
    with transaction(db):
        found = _known_alerts(db, alerts)
        for alert, elsewhere in found:
            if elsewhere is not None and (other := incidents.get_by_id(db, elsewhere)).state in LIVE_STATES:
                raise RefusedError(
                    f"alert {alert.id} is part of {other.key} ({other.state}) already",
                    f"note there, or move it: midwatch incidents link KEY --alert {alert.id}",
                )
        detected = min((alert.fired_at for alert, _ in found), default=now)
        # Lists show titles as they are stored, and a title is often an alert's: what it quotes is masked here.
        title = redactor_for(db, model, [alert.id for alert, _ in found]).text(title.strip())
        incident_id, key = incidents.insert(
            db,
            model_id=model.id if model else None,
            title=title,
            detected_at=detected,
            by=actor.name,
            now=now,
            key=key,
        )
        incidents.append(db, incident_id, "state", value=state, by=actor.name, now=now)
        if severity is not None:
            incidents.append(db, incident_id, "severity", value=severity, by=actor.name, now=now)
        if owner is not None:
            incidents.append(db, incident_id, "owner", value=owner, by=actor.name, now=now)
        for alert, _ in found:
            incidents.append_link(db, alert.id, incident_id, by=actor.name, note=None, now=now)
        record_blast_radius(db, key, now=now)
        after = {"title": title, "alerts": [alert.id for alert, _ in found], "severity": severity}
        _audit(db, "incident.open", key, actor, now, after=after)
        return incidents.get(db, key)


def model_of(db: sqlite3.Connection, alerts: Sequence[int]) -> Model | None:
    """The model of the first of those alerts, None without alerts.

    Raises:
        UsageError: an unknown alert.
    """
    found = _known_alerts(db, alerts)
    return models.get_by_id(db, found[0][0].model_id) if found else None


def link_alerts(db: sqlite3.Connection, key: str, alerts: Sequence[int], *, actor: Actor, now: datetime) -> Incident:
    """Make alerts part of an incident; one that was part of another is moved, and both timelines keep the link.

    Raises:
        UsageError: unknown incident or alert.
    """
    with transaction(db):
        incident = incidents.get(db, key)
        before = {}
        for alert, elsewhere in _known_alerts(db, alerts):
            if elsewhere == incident.id:
                continue
            before[str(alert.id)] = elsewhere
            incidents.append_link(db, alert.id, incident.id, by=actor.name, note=None, now=now)
        if before:
            record_blast_radius(db, incident.key, now=now)
            _audit(db, "incident.link", incident.key, actor, now, before=before, after={"alerts": list(before)})
        return incidents.get(db, incident.key)


def set_state(
    db: sqlite3.Connection, key: str, state: State, *, reason: str | None = None, actor: Actor, now: datetime
) -> Incident:
    """Take one step, or refuse and say what is missing.

    Raises:
        UsageError: unknown incident.
        RefusedError: no such step from there; ``resolved`` without a cause; ``reviewed`` without a check, a set
            entry or a reason for neither; ``false alarm`` without a reason.
    """
    with transaction(db):
        incident = incidents.get(db, key)
        require_way(incident.key, incident.state, state)
        if state == "duplicate":
            raise RefusedError(
                f"{incident.key} can't be a duplicate of nothing",
                f"midwatch incidents state {incident.key} duplicate --of KEY",
            )
        missing = missing_for(db, incident, state)
        if state == "false alarm" and not (reason or "").strip():
            missing = ("a reason",)
        if missing:
            raise RefusedError(
                f"{incident.key} can't become {state}: it lacks {' and '.join(missing)}", _how(missing, incident.key)
            )
        if state == "resolved":
            record_blast_radius(db, incident.key, now=now)
        incidents.append(db, incident.id, "state", value=state, body=reason, by=actor.name, now=now)
        _audit(db, "incident.state", incident.key, actor, now, before=incident.state, after=state)
        return incidents.get(db, incident.key)


def close(
    db: sqlite3.Connection,
    key: str,
    *,
    cause: str | None = None,
    text: str | None = None,
    actor: Actor,
    now: datetime,
) -> Incident:
    """Resolve, naming the cause on the way if it is given (``layer/category`` and words).

    Raises:
        RefusedError: no cause is known, or the incident is not open or mitigated.
    """
    with transaction(db):
        if cause is not None:
            set_cause(db, key, parse_cause(cause), text, actor=actor, now=now)
        return set_state(db, key, "resolved", actor=actor, now=now)


def mark_duplicate(db: sqlite3.Connection, key: str, of: str, *, actor: Actor, now: datetime) -> Incident:
    """Close as a duplicate; the link stays, so that the old key still leads somewhere.

    Raises:
        RefusedError: of itself, of another duplicate, or not from that state.
    """
    with transaction(db):
        incident, other = incidents.get(db, key), incidents.get(db, of)
        require_way(incident.key, incident.state, "duplicate")
        if other.id == incident.id or other.state == "duplicate":
            raise RefusedError(
                f"{incident.key} can't be a duplicate of {other.key} ({other.state})", "name the incident that goes on"
            )
        reference = ("incidents", str(other.id))
        text = f"duplicate of {other.key}"
        incidents.append(db, incident.id, "state", value="duplicate", body=text, ref=reference, by=actor.name, now=now)
        back = ("incidents", str(incident.id))
        incidents.append(
            db, other.id, "link", body=f"{incident.key} is a duplicate of this", ref=back, by=actor.name, now=now
        )
        _audit(db, "incident.duplicate", incident.key, actor, now, before=incident.state, after=other.key)
        return incidents.get(db, incident.key)


def missing_for(db: sqlite3.Connection, incident: Incident, state: State) -> tuple[str, ...]:
    """What an incident lacks before it may enter ``state``, in words; empty when it may."""
    if state not in ("resolved", "reviewed"):
        return ()
    missing = [] if incident.cause else ["a cause"]
    if state == "reviewed":
        prevention = ledger.latest(ledger.in_force(incidents.events(db, incident.id)), "prevention")
        missing += [] if prevention else ["a check or set entry, or a reason for neither"]
    return tuple(missing)


def on_rollback_verified(db: sqlite3.Connection, rollback_id: int, *, actor: Actor, now: datetime) -> str | None:
    """A rollback was verified: its incident is mitigated. Returns the incident's key if that changed its state.

    An ``undo`` that was verified is :func:`on_rollback_undone` of what it undid.
    """
    row = incident_facts.rollback(db, rollback_id)
    if row is not None and row["kind"] == "undo":
        return on_rollback_undone(db, int(row["undo_of"]), actor=actor, now=now) if row["undo_of"] else None
    if row is None or row["incident_id"] is None:
        return None
    return _by_program(db, row["incident_id"], rollback_id, ("triage", "open"), "mitigated", actor, now)


def on_rollback_undone(db: sqlite3.Connection, rollback_id: int, *, actor: Actor, now: datetime) -> str | None:
    """A rollback was undone: an incident that it had mitigated is open again. Returns the key if that changed."""
    row = incident_facts.rollback(db, rollback_id)
    if row is None or row["incident_id"] is None:
        return None
    last = ledger.latest(incidents.events(db, row["incident_id"]), "state")
    if last is None or (last.value, last.ref_kind, last.ref_id) != ("mitigated", "rollbacks", str(rollback_id)):
        return None
    return _by_program(db, row["incident_id"], rollback_id, ("mitigated",), "open", actor, now)


def _by_program(
    db: sqlite3.Connection,
    incident_id: int,
    rollback_id: int,
    from_states: tuple[State, ...],
    to: State,
    actor: Actor,
    now: datetime,
) -> str | None:
    with transaction(db):
        incident = incidents.get_by_id(db, incident_id)
        if incident.state not in from_states:
            return None
        words = f"rollback {rollback_id} was {'verified' if to == 'mitigated' else 'undone'}"
        reference = ("rollbacks", str(rollback_id))
        incidents.append(db, incident.id, "state", value=to, body=words, ref=reference, by=PROGRAM, now=now)
        _audit(db, "incident.state", incident.key, actor, now, before=incident.state, after=f"{to}: {words}")
        return incident.key


def _known_alerts(db: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[LinkedAlert, int | None]]:
    found = incident_facts.alerts_by_id(db, ids)
    unknown = sorted(set(ids) - {alert.id for alert, _ in found})
    if unknown:
        raise UsageError(f"there is no alert {', '.join(map(str, unknown))} in this store", "see midwatch alerts list")
    return found


def _how(missing: tuple[str, ...], key: str) -> str:
    commands = {
        "a cause": f"midwatch incidents cause {key} layer/category --text WORDS",
        "a reason": "add --reason TEXT",
    }
    prevent = f"midwatch incidents prevent {key} --check NAME, --set NAME or --reason TEXT"
    return "; ".join(commands.get(item, prevent) for item in missing)


def _audit(
    db: sqlite3.Connection,
    action: str,
    key: str,
    actor: Actor,
    now: datetime,
    *,
    before: object = None,
    after: object = None,
) -> None:
    audit.record(db, action, actor=actor, now=now, object_kind="incident", object_id=key, before=before, after=after)
