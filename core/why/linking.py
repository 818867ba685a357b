"""A suspect becomes a hypothesis of an incident, its evidence with it."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime

from core.incidents import writing
from core.why.explanation import Explanation
from core.why.suspects import Suspect
from storage.db import transaction
from storage.errors import RefusedError
from storage.host import Actor
from storage.tables import incident_facts, incidents

MOST = 12
_ROW = re.compile(r"([a-z_]+):(\d+)")


def hypothesis_text(one: Explanation, suspect: Suspect) -> str:
    """The hypothesis in words; it names the symptom's id, by which later incidents are found alike."""
    change = suspect.change
    return f"{change.kind} {change.subject} brought it about: {one.symptom.title} [symptom {one.symptom.id}]"


def link(
    db: sqlite3.Connection, key: str, one: Explanation, suspect: Suspect, *, actor: Actor, now: datetime
) -> tuple[int, int]:
    """Write a suspect into an incident as a hypothesis with its evidence; its id, and how many facts came with it.

    Evidence that names a row of the store points there; the rest is kept as words.

    Raises:
        RefusedError: the incident holds this hypothesis already.
        UsageError: there is no incident of that key.
    """
    text = hypothesis_text(one, suspect)
    with transaction(db):
        incident = incidents.get(db, key)
        if any(e.kind == "hypothesis" and e.body == text for e in incidents.events(db, incident.id)):
            raise RefusedError(f"{key} holds this hypothesis already", "see it there: 3")
        written = writing.hypothesis(db, key, text, cause=suspect.cause, actor=actor, now=now)
        facts = suspect.evidence[:MOST]
        for piece in facts:
            writing.evidence(
                db,
                key,
                written,
                supports=piece.supports,
                reference=_known(db, piece.reference),
                text=piece.text,
                actor=actor,
                now=now,
            )
    return written, len(facts)


def _known(db: sqlite3.Connection, reference: str | None) -> str | None:
    """The row, where evidence may point at rows of its table and it is there."""
    found = _ROW.fullmatch(reference or "")
    if found is None or found[1] not in incident_facts.REFERENCES:
        return None
    return reference if incident_facts.exists(db, found[1], int(found[2])) else None
