"""From an alert to an incident in one step: which alerts belong, how grave it is, what it is called."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from core.incidents import lifecycle
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.alerts import Alert
from storage.records.incidents import LIVE_STATES, Incident, IncidentFilter, Severity
from storage.tables import alerts, incidents, models

SEVERITY: dict[str, Severity] = {"page": "SEV2", "ticket": "SEV3"}
"""Severity by the loudest tier; every other tier is SEV4. A person who knows better says so afterwards."""

_RANK = {"page": 0, "ticket": 1, "digest": 2, "evidence": 3}


def loudest_first(heads: Sequence[Alert]) -> list[Alert]:
    """Alerts by tier, then by score; its first one names an incident of them."""
    return sorted(heads, key=lambda a: (_RANK[a.tier], -a.score, a.id))


def worth_an_incident(db: sqlite3.Connection, model_id: int, now: datetime) -> list[Alert]:
    """Pages and tickets of a model that fire, one a group, loudest first; without any, those acknowledged."""
    loud = [a for a in alerts.open_groups(db, model_id) if a.tier in SEVERITY]
    for state in ("firing", "acknowledged"):
        found = [a for a in loud if a.state_at(now) == state]
        if found:
            return loudest_first(found)
    return []


def live_of(db: sqlite3.Connection, model_id: int | None, now: datetime, limit: int = 8) -> list[Incident]:
    """Live incidents of a model, or of all, the most urgent first."""
    where = IncidentFilter(model_id=model_id, states=LIVE_STATES)
    return incidents.list_page(db, now=now, limit=limit, sort="urgency", where=where)


def one_model(heads: Sequence[Alert]) -> int:
    """The id of the model that all of these alerts are of.

    Raises:
        UsageError: none, or alerts of several models.
    """
    names = sorted({a.model for a in heads})
    if len(names) != 1:
        what = f"these alerts are of {' and '.join(names)}" if names else "there is no alert to open an incident from"
        raise UsageError(what, "one incident is about one model" if names else "move to one with j and k")
    return heads[0].model_id


def members(db: sqlite3.Connection, heads: Sequence[Alert]) -> list[int]:
    """Ids of the alerts and of what fired in their groups since these were last resolved.

    What another live incident holds is left to it.
    """
    found = {head.id for head in heads}
    for head in heads:
        for alert in alerts.of_group(db, head.model_id, head.group_key):  # newest first
            if alert.state == "resolved":
                break  # it ended the older ones too
            if not _live(db, alert.incident_id):
                found.add(alert.id)
    return sorted(found)


def open_from(db: sqlite3.Connection, heads: Sequence[Alert], title: str, *, actor: Actor, now: datetime) -> Incident:
    """Open an incident from groups of alerts, each named by one of them; its owner is who opened it.

    Raises:
        UsageError: no title, or alerts of several models.
        RefusedError: one of the alerts is part of a live incident.
    """
    model_id = one_model(heads)
    with transaction(db):
        return lifecycle.open_incident(
            db,
            model=models.get_by_id(db, model_id),
            title=title,
            alerts=members(db, heads),
            severity=SEVERITY.get(loudest_first(heads)[0].tier, "SEV4"),
            owner=actor.name,
            actor=actor,
            now=now,
        )


def link_to(db: sqlite3.Connection, key: str, heads: Sequence[Alert], *, actor: Actor, now: datetime) -> Incident:
    """Make groups of alerts part of an incident that lives already."""
    with transaction(db):
        return lifecycle.link_alerts(db, key, members(db, heads), actor=actor, now=now)


def _live(db: sqlite3.Connection, incident_id: int | None) -> bool:
    return incident_id is not None and incidents.get_by_id(db, incident_id).state in LIVE_STATES
