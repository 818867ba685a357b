"""What a person answers to a whole storm: one acknowledgement, one snooze, one way back; each audited."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.snoozing import check_end
from core.storms.gathering import PROGRAM
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.alerts import Alert
from storage.records.results import TIERS
from storage.records.storms import AnswerKind, Storm
from storage.tables import alerts, audit, storms


def acknowledge(
    db: sqlite3.Connection, storm_id: int, *, actor: Actor, now: datetime, note: str | None = None
) -> list[int]:
    """Acknowledge every firing alert of every group of a storm; the ids that changed."""
    with transaction(db):
        storm = storms.get(db, storm_id)
        changed = [alert for alert in _alerts(db, storm) if alert.state_at(now) == "firing"]
        for alert in changed:
            alerts.event(db, alert.id, "acknowledge", by=actor.name, now=now, note=note)
        if changed:
            _record(db, storm, "acknowledge", changed, None, actor, note, now)
        return [alert.id for alert in changed]


def snooze(
    db: sqlite3.Connection, storm_id: int, until: datetime, *, actor: Actor, now: datetime, note: str | None = None
) -> list[int]:
    """Snooze every open group of a storm until a moment.

    Raises:
        UsageError: the end is not ahead, or too far away.
    """
    check_end(until, now)
    with transaction(db):
        storm = storms.get(db, storm_id)
        changed = _alerts(db, storm)
        for alert in changed:
            alerts.event(db, alert.id, "snooze", by=actor.name, now=now, until=until, note=note)
        _record(db, storm, "snooze", changed, until, actor, note, now)
        return [alert.id for alert in changed]


def undo(db: sqlite3.Connection, storm_id: int, *, actor: Actor, now: datetime, note: str | None = None) -> list[int]:
    """Take the latest answer to a storm back: each alert is as it was before; what joined since fires.

    Raises:
        UsageError: nobody has answered it, or nothing of the answer is left.
    """
    with transaction(db):
        storm = storms.get(db, storm_id)
        said = storms.answer_in_force(db, storm_id)
        if said is None:
            raise UsageError(f"nobody has answered storm {storm_id}", "a acknowledges it, z snoozes it")
        before = {alert: (state, until) for alert, state, until in said.before}
        changed = []
        for alert in _alerts(db, storm):
            last = next((e for e in reversed(alerts.events(db, alert.id)) if e.kind != "link"), None)
            if last is None or last.at < said.at or last.kind not in ("acknowledge", "snooze"):
                continue
            if last.by != (said.by if alert.id in before else PROGRAM):
                continue  # a person has answered it alone
            state, until = before.get(alert.id, ("firing", None))
            words = note or f"takes back what {said.by} said of storm {storm_id}"
            if state == "acknowledged":
                alerts.event(db, alert.id, "acknowledge", by=actor.name, now=now, note=words)
            elif state == "snoozed" and until is not None and until > now:
                alerts.event(db, alert.id, "snooze", by=actor.name, now=now, until=until, note=words)
            else:
                alerts.event(db, alert.id, "wake", by=actor.name, now=now, note=words)
            changed.append(alert.id)
        if not changed:
            raise UsageError(f"nothing of the answer to storm {storm_id} is left to take back")
        storms.answer(db, storm_id, "undo", tier=said.tier, undoes=said.id, by=actor.name, note=note, now=now)
        after = {"undoes": said.kind, "alerts": changed, "note": note}
        audit.record(db, "storm.undo", actor=actor, now=now, object_kind="storm", object_id=storm_id, after=after)
        return changed


def _alerts(db: sqlite3.Connection, storm: Storm) -> list[Alert]:
    """The alerts of the groups of a storm, since each was last resolved."""
    found = []
    for head in (member.head for member in storm.members):
        for alert in alerts.of_group(db, head.model_id, head.group_key):  # newest first
            if alert.state == "resolved":
                break  # it ended the older ones too
            found.append(alert)
    return found


def _record(
    db: sqlite3.Connection,
    storm: Storm,
    kind: AnswerKind,
    changed: list[Alert],
    until: datetime | None,
    actor: Actor,
    note: str | None,
    now: datetime,
) -> None:
    storms.answer(
        db,
        storm.id,
        kind,
        tier=min((m.head.tier for m in storm.members), key=TIERS.index),
        before=[(alert.id, alert.state_at(now), alert.until) for alert in changed],
        until=until,
        by=actor.name,
        note=note,
        now=now,
    )
    after = {
        "alerts": [alert.id for alert in changed],
        "models": storm.models,
        "until": until.isoformat() if until else None,
        "note": note,
    }
    audit.record(db, f"storm.{kind}", actor=actor, now=now, object_kind="storm", object_id=storm.id, after=after)
