"""What catches a failure next time: it must be there, or closing the incident would promise something that is not."""

from __future__ import annotations

import sqlite3

from core.evaluation.case_lives import CaseLife, life
from core.evaluation.export import shown
from storage.errors import UsageError
from storage.records.failure_cases import CaseFilter
from storage.records.incidents import Incident
from storage.tables import evaluation_sets, failure_cases, models

CASES = 200
"""Cases of an incident that are looked at, the latest ones."""


def require_there(db: sqlite3.Connection, incident: Incident, kind: str, name: str) -> None:
    """Raise when an evaluation set is named that is not frozen for the incident's model (or any, without a model)."""
    known = {found.name for found in evaluation_sets.listing(db, incident.model_id)}
    if kind == "set" and name not in known:
        have = f"there are {', '.join(sorted(known))}" if known else "freeze it first: midwatch sets freeze MODEL NAME"
        raise UsageError(f"there is no evaluation set {name!r}", have)


def sets_of(db: sqlite3.Connection, incident: Incident) -> list[str]:
    """Names of the sets that may be named, those that hold cases of the incident first."""
    holding = [one.in_set[0] for one in cases_of(db, incident) if one.in_set]
    known = [found.name for found in evaluation_sets.listing(db, incident.model_id)]
    return list(dict.fromkeys([*holding, *known]))


def cases_of(db: sqlite3.Connection, incident: Incident) -> list[CaseLife]:
    """The failure cases of an incident, the latest first, as they may be shown."""
    found = failure_cases.page(db, CaseFilter(incident_id=incident.id), limit=CASES)
    files = {case.model_id: models.get_by_id(db, case.model_id).file for case in found}
    return [life(db, shown(case, files[case.model_id]), files[case.model_id]) for case in found]
