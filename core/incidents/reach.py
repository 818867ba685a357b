"""The blast radius of an incident as it stands: computed for a screen, or written into the incident."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.incidents import blast_radius, ledger
from core.incidents.ledger import PROGRAM
from storage.records.incidents import Incident
from storage.tables import incident_facts, incidents, models


def record_blast_radius(db: sqlite3.Connection, key: str, *, now: datetime) -> blast_radius.BlastRadius:
    """Compute the blast radius as of ``now`` and write it into the incident, by the program."""
    incident = incidents.get(db, key)
    radius = current_blast_radius(db, incident, now=now)
    value = None if radius.share is None else f"{radius.share:.6f}"
    incidents.append(db, incident.id, "blast_radius", value=value, body=radius.words, by=PROGRAM, now=now)
    return radius


def current_blast_radius(db: sqlite3.Connection, incident: Incident, *, now: datetime) -> blast_radius.BlastRadius:
    """From the onset (else the detection) to the mitigation (else ``now``)."""
    model = models.get_by_id(db, incident.model_id) if incident.model_id is not None else None
    alerts = incident_facts.linked_alerts(db, incident.id)
    at = ledger.times(incident, incidents.events(db, incident.id), alerts)
    start, end = at.onset or at.detected, at.mitigated or now
    return blast_radius.compute(db, model, start=start, end=max(start, end), alerts=[a.id for a in alerts])
