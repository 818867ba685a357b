"""From drafts to rows: raise, continue what a person already answered, resolve what has gone.

Hysteresis: a group ends only after :data:`CLEAN_BATCHES` batches in a row without it, so that a series that alternates
is one open alert and not one a batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from core.breaking_through import SLO_BURN, matches, quiet, through, why_through
from core.storms.gathering import gather
from storage.clock import to_text
from storage.db import transaction
from storage.records.alerts import Alert, AlertDraft, Silence
from storage.records.batches import Batch
from storage.records.models import Model
from storage.records.results import TIERS, Finding
from storage.tables import alerts, silences

PROGRAM = "midwatch"
"""Who acted when nobody did: the program itself."""

CLEAN_BATCHES = 2

_BATCHES_SINCE = """
SELECT count(*) FROM batches WHERE model_id = ? AND role = 'serving' AND id > ?
"""


def raise_alerts(
    db: sqlite3.Connection,
    model: Model,
    batch: Batch,
    drafts: Sequence[AlertDraft],
    findings: Sequence[Finding],
    result_ids: Sequence[int],
    now: datetime,
) -> list[Alert]:
    """Store one alert a draft, inside the caller's transaction, and resolve groups that stayed away.

    An alert that continues a group inherits what a person said of it (acknowledged, snoozed until), unless it has
    become louder; an active silence makes it snoozed until the silence ends, except for what breaks through. Groups of
    one cause are gathered into a storm.
    """
    with transaction(db):
        before = {alert.group_key: alert for alert in alerts.open_groups(db, model.id)}
        silenced = silences.active(db, now)
        burning = any(alert.cause == SLO_BURN for alert in before.values())
        for draft in drafts:
            alert_id = alerts.insert(
                db,
                draft,
                model_id=model.id,
                batch_id=batch.id,
                result_ids=result_ids,
                window=(batch.window_start, batch.window_end),
                now=now,
            )
            _inherit(db, alert_id, draft, before.get(draft.group_key), now)
            _hush(db, alert_id, model, draft, findings, silenced, burning=burning, now=now)
        raised = {draft.group_key for draft in drafts}
        for alert in before.values():
            if alert.group_key not in raised and _stayed_away(db, alert):
                note = f"not seen in the last {CLEAN_BATCHES} batches"
                alerts.event(db, alert.id, "resolve", by=PROGRAM, now=now, note=note)
        gather(db, alerts.of_batch(db, batch.id), now)
        return alerts.of_batch(db, batch.id)


def _inherit(db: sqlite3.Connection, alert_id: int, draft: AlertDraft, earlier: Alert | None, now: datetime) -> None:
    if earlier is None:
        return
    if earlier.incident_id is not None:
        alerts.event(db, alert_id, "link", by=PROGRAM, now=now, incident_id=earlier.incident_id)
    if TIERS.index(draft.tier) < TIERS.index(earlier.tier):
        return  # louder than what was answered
    last = next((e for e in reversed(alerts.events(db, earlier.id)) if e.kind != "link"), None)
    if last is not None and last.by == PROGRAM and (last.note or "").startswith("silence "):
        return  # nobody answered it; the silence itself, if it still holds, keeps this one quiet, too
    note = f"continues alert {earlier.id}, answered by {earlier.by}"
    state = earlier.state_at(now)
    if state == "acknowledged":
        alerts.event(db, alert_id, "acknowledge", by=PROGRAM, now=now, note=note)
    elif state == "snoozed":
        alerts.event(db, alert_id, "snooze", by=PROGRAM, now=now, until=earlier.until, note=note)


def _stayed_away(db: sqlite3.Connection, alert: Alert) -> bool:
    # An alert without a batch (no data, SLO) is resolved by what raised it, not by the next batch.
    if alert.batch_id is None:
        return False
    return int(db.execute(_BATCHES_SINCE, (alert.model_id, alert.batch_id)).fetchone()[0]) >= CLEAN_BATCHES


def _hush(
    db: sqlite3.Connection,
    alert_id: int,
    model: Model,
    draft: AlertDraft,
    findings: Sequence[Finding],
    silenced: Sequence[Silence],
    *,
    burning: bool,
    now: datetime,
) -> None:
    """Keep an alert quiet that a silence meets, or say why it breaks through."""
    held = next((s for s in silenced if matches(s, model.id, draft, findings)), None)
    if held is None:
        return
    why = why_through(db, held, draft, burning=burning)
    if why is None:
        alerts.event(db, alert_id, "snooze", by=PROGRAM, now=now, until=held.ends_at, note=quiet(held))
    elif alerts.get(db, alert_id).state == "firing":
        alerts.event(db, alert_id, "wake", by=PROGRAM, now=now, note=through(held, why))


def raise_standing(
    db: sqlite3.Connection,
    model: Model,
    draft: AlertDraft,
    now: datetime,
    *,
    batch_id: int | None = None,
    result_ids: Sequence[int] = (),
) -> Alert | None:
    """Raise an alert that stands until its reason has gone (no data, SLO burn), unless its group is open already."""
    with transaction(db):
        if any(a.group_key == draft.group_key for a in alerts.open_groups(db, model.id)):
            return None
        alert_id = alerts.insert(
            db, draft, model_id=model.id, batch_id=batch_id, result_ids=result_ids, window=(None, None), now=now
        )
        if draft.cause == SLO_BURN:  # what a silence kept quiet is worse than it was thought to be
            for hushed in silences.hushed(db, model_id=model.id):
                note = f"breaks through its silence: {draft.title}"
                alerts.event(db, hushed, "wake", by=PROGRAM, now=now, note=note)
        else:
            _hush(db, alert_id, model, draft, (), silences.active(db, now), burning=False, now=now)
        gather(db, [alerts.get(db, alert_id)], now)
        return alerts.get(db, alert_id)


def resolve_standing(db: sqlite3.Connection, model: Model, group_key: str, now: datetime, note: str) -> bool:
    """Resolve a standing alert whose reason has gone; False when there is none."""
    with transaction(db):
        found = next((a for a in alerts.open_groups(db, model.id) if a.group_key == group_key), None)
        if found is None:
            return False
        alerts.event(db, found.id, "resolve", by=PROGRAM, now=now, note=f"{note} ({to_text(now)})")
        return True
