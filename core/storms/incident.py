"""From a storm to one incident in one step."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.incidents import from_alerts, lifecycle
from storage.db import transaction
from storage.host import Actor
from storage.records.incidents import Incident
from storage.tables import models, storms


def open_incident(db: sqlite3.Connection, storm_id: int, title: str, *, actor: Actor, now: datetime) -> Incident:
    """Open one incident of everything in a storm; over several models it is nobody's own.

    Raises:
        UsageError: no title.
        RefusedError: one of the alerts is part of a live incident.
    """
    with transaction(db):
        heads = [member.head for member in storms.get(db, storm_id).members]
        one = {head.model_id for head in heads}
        return lifecycle.open_incident(
            db,
            model=models.get_by_id(db, one.pop()) if len(one) == 1 else None,
            title=title,
            alerts=from_alerts.members(db, heads),
            severity=from_alerts.SEVERITY.get(from_alerts.loudest_first(heads)[0].tier, "SEV4"),
            owner=actor.name,
            actor=actor,
            now=now,
        )
