"""The page that is passed on at the end of a watch, and its acceptance by the next person."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

from core import watch
from core.changes import feed as changes
from core.estimates.waiting import waiting
from core.estimates.words import sentence
from core.handover_page import HandoverPage, OpenIncident, markdown, snapshot
from core.incidents.view import detail
from core.redaction import Redactor, redactor_for
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.incidents import LIVE_STATES, IncidentFilter
from storage.records.watches import Handover, Rotation, WatchAlert
from storage.tables import audit, gates, handovers, incidents, models

DEFAULT_WATCH = timedelta(hours=24)
AHEAD = timedelta(days=14)
"""How far the next watches, overrides and gaps are looked for."""
IN_FLIGHT = ("planned", "started", "actuated", "unknown")


def window(
    db: sqlite3.Connection, rotation: Rotation | None, *, since: datetime | None = None, now: datetime
) -> tuple[datetime, datetime]:
    """The watch to tell: from ``since``, else from the last handover, else the turn's beginning, else a day ago."""
    if since is None:
        last = handovers.list_page(db, limit=1)
        if last and last[0].watch_end < now:
            since = last[0].watch_end
        elif rotation is not None and (turn := watch.who_is_on_watch(rotation, now)).who and turn.start < now:
            since = turn.start
        else:
            since = now - DEFAULT_WATCH
    if since >= now:
        raise UsageError("the watch would begin after it ends", "name an earlier --since")
    return since, now


def build(db: sqlite3.Connection, *, start: datetime, end: datetime, rotation: Rotation | None = None) -> HandoverPage:
    """The page of the watch from ``start`` to ``end``; reads only."""
    seen = handovers.watch_alerts(db, start, end)
    redactors = {m.name: redactor_for(db, m, [a.id for a in seen if a.model == m.name]) for m in models.list_all(db)}
    alerts = [_told(a, redactors[a.model], end) for a in seen]
    rollbacks = [
        dataclasses.replace(r, reason=redactors[r.model].text(r.reason))
        for r in handovers.watch_rollbacks(db, start, end)
    ]
    nobody = Redactor()
    return HandoverPage(
        start=start,
        end=end,
        firing=tuple(a for a in alerts if a.state == "firing"),
        acknowledged=tuple(a for a in alerts if a.state == "acknowledged"),
        snoozed=tuple(a for a in alerts if a.state == "snoozed"),
        resolved=tuple(a for a in alerts if a.state == "resolved"),
        silences=tuple(
            dataclasses.replace(s, reason=redactors.get(s.model or "", nobody).text(s.reason))
            for s in handovers.silences_in_force(db, end)
        ),
        incidents=tuple(_open_incidents(db, end)),
        in_flight=tuple(r for r in rollbacks if r.state in IN_FLIGHT),
        overridden=tuple(r for r in rollbacks if r.confirmed and r.at >= start),
        noisy=tuple(
            dataclasses.replace(n, title=redactors[n.model].told(n.title, n.columns))
            for n in handovers.noisy_groups(db, start, end)
        ),
        changes=tuple(
            dataclasses.replace(
                c,
                subject=redactors.get(c.model or "", nobody).text(c.subject),
                before=redactors.get(c.model or "", nobody).optional(c.before),
                after=redactors.get(c.model or "", nobody).optional(c.after),
            )
            for c in changes.between(db, None, start, end)
        ),
        watches=tuple(watch.watches(rotation, end, end + AHEAD)) if rotation else (),
        gates=tuple(
            dataclasses.replace(o, reason=redactors.get(o.model, nobody).text(o.reason))
            for o in gates.overrides(db, only_open=True)
            if o.at <= end
        ),
        estimates=tuple(
            f"{model.name}: {sentence(one)}"
            for model in models.list_all(db)
            for one in waiting(db, model, end)
            if model.file.primary_metric is not None and one.metric == model.file.primary_metric.name
        ),
    )


def next_person(rotation: Rotation, leaving: str, now: datetime) -> str | None:
    """Who is on watch after ``leaving``: whoever is on it at ``now``, else the next one within two weeks."""
    ahead = watch.watches(rotation, now, now + AHEAD)
    return next((w.who for w in ahead if w.who is not None and w.who != leaving), None)


def write_handover(
    db: sqlite3.Connection,
    *,
    start: datetime,
    end: datetime,
    to_person: str | None = None,
    rotation: Rotation | None = None,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> Handover:
    """Build the page and store it with its snapshot."""
    with transaction(db):
        page = build(db, start=start, end=end, rotation=rotation)
        body = markdown(page, note=note)
        handover_id = handovers.insert(
            db,
            start=start,
            end=end,
            from_person=actor.name,
            to_person=to_person,
            body=body,
            snapshot=snapshot(page),
            by=actor.name,
            now=now,
        )
        audit.record(
            db,
            "handover.write",
            actor=actor,
            now=now,
            object_kind="handover",
            object_id=handover_id,
            after={"to": to_person, "open_items": page.open_items},
        )
        return handovers.get(db, handover_id)


def accept_handover(
    db: sqlite3.Connection,
    handover_id: int | None = None,
    *,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> Handover:
    """Take the watch over: the named handover, else the latest one not accepted yet.

    Raises:
        UsageError: there is none.
        RefusedError: accepted already, or the acceptor is the one who wrote it.
    """
    with transaction(db):
        if handover_id is None:
            waiting = [h for h in handovers.list_page(db) if h.accepted_by is None]
            if not waiting:
                raise UsageError("no handover waits for acceptance", "see midwatch handover list")
            handover_id = waiting[0].id
        found = handovers.get(db, handover_id)
        if found.from_person == actor.name and found.to_person != actor.name:
            raise RefusedError(
                f"handover {handover_id} is your own: the next person accepts it",
                "or write it with --to yourself when nobody follows",
            )
        handovers.accept(db, handover_id, by=actor.name, note=note, now=now)
        audit.record(
            db, "handover.accept", actor=actor, now=now, object_kind="handover", object_id=handover_id, after=note
        )
        return handovers.get(db, handover_id)


def _told(alert: WatchAlert, redactor: Redactor, end: datetime) -> WatchAlert:
    """Redacted; a snooze that has run out is firing again."""
    over = alert.state == "snoozed" and alert.until is not None and alert.until <= end
    told = dataclasses.replace(alert, title=redactor.told(alert.title, alert.columns))
    return dataclasses.replace(told, state="firing", since=alert.until) if over and alert.until else told


def _open_incidents(db: sqlite3.Connection, end: datetime) -> Iterator[OpenIncident]:
    for found in incidents.list_page(db, now=end, limit=-1, where=IncidentFilter(states=LIVE_STATES)):
        d = detail(db, found.key, now=end)
        i = d.incident
        yield OpenIncident(i.key, i.model, i.title, i.state, i.severity, i.owner, d.times.detected, d.next_action)
