"""What people did about alerts of one kind, and how incidents ended that held such alerts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from storage.clock import from_text

SCANNED = 20_000
"""Events and feedback of any alert that are looked through for those of one cause: the latest."""

_ANSWERS = """
SELECT e.at, e.by, e.kind AS what, e.note, m.name AS model, count(*) AS times, max(e.id) AS id
FROM {events} e JOIN alerts a ON a.id = e.alert_id JOIN models m ON m.id = a.model_id
WHERE {which} AND e.by <> 'midwatch' AND e.kind <> 'link' GROUP BY e.at, e.by, e.kind, e.note, m.name
UNION ALL
SELECT f.at, f.by, 'feedback ' || f.verdict, f.note, m.name, count(*), max(f.id)
FROM {feedback} f JOIN alerts a ON a.id = f.alert_id JOIN models m ON m.id = a.model_id
WHERE {which} GROUP BY f.at, f.by, f.verdict, f.note, m.name
ORDER BY at DESC, id DESC LIMIT :limit
"""
_LATEST = "(SELECT * FROM {} ORDER BY id DESC LIMIT " + str(SCANNED) + ")"
_OF_FINGERPRINT = _ANSWERS.format(
    events="alert_events", feedback="alert_feedback", which="a.fingerprint = :fingerprint"
)
_OF_CAUSE = _ANSWERS.format(
    events=_LATEST.format("alert_events"),
    feedback=_LATEST.format("alert_feedback"),
    which="a.cause = :cause AND a.fingerprint <> :fingerprint",
)
_ENDED = f"""
SELECT i.key, i.title, s.cause, s.state, max(a.fingerprint = :fingerprint) AS same, max(e.id) AS id
FROM {_LATEST.format("alert_events")} e JOIN alerts a ON a.id = e.alert_id
JOIN incidents i ON i.id = e.incident_id JOIN incident_state s ON s.incident_id = i.id
WHERE e.kind = 'link' AND (a.fingerprint = :fingerprint OR a.cause = :cause) AND s.cause IS NOT NULL
  AND s.state NOT IN ('duplicate', 'false alarm') AND i.id <> coalesce(:own, 0)
GROUP BY i.id ORDER BY same DESC, i.id DESC LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """One thing a person did; to many alerts at once it is one thing.

    Attributes:
        model: whose alert it was.
        same: the alert was of the very same kind: same cause, same columns.
        times: how many alerts it answered.
    """

    at: datetime
    by: str
    what: str
    note: str
    model: str
    same: bool
    times: int


@dataclass(frozen=True, slots=True)
class EndedBy:
    """An incident that held such an alert, and its cause."""

    key: str
    title: str
    state: str
    cause: str
    same: bool


def of_fingerprint(db: sqlite3.Connection, fingerprint: str, limit: int) -> list[PastAnswer]:
    """The last answers of people to the same cause on the same columns, the latest first."""
    rows = db.execute(_OF_FINGERPRINT, {"fingerprint": fingerprint, "limit": limit})
    return [_answer(row, same=True) for row in rows]


def of_cause(db: sqlite3.Connection, cause: str, without: str, limit: int) -> list[PastAnswer]:
    """The last answers to the same cause in any model, but of another fingerprint than ``without``."""
    rows = db.execute(_OF_CAUSE, {"cause": cause, "fingerprint": without, "limit": limit})
    return [_answer(row, same=False) for row in rows]


def ended_by(db: sqlite3.Connection, cause: str, fingerprint: str, own: int | None, limit: int) -> list[EndedBy]:
    """Incidents with a cause that held alerts of the same kind, else of the same cause; without ``own``."""
    bound = {"cause": cause, "fingerprint": fingerprint, "own": own, "limit": limit}
    return [
        EndedBy(row["key"], row["title"], row["state"], row["cause"], bool(row["same"]))
        for row in db.execute(_ENDED, bound)
    ]


def _answer(row: sqlite3.Row, *, same: bool) -> PastAnswer:
    return PastAnswer(
        at=from_text(row["at"]),
        by=row["by"],
        what=row["what"],
        note=row["note"] or "",
        model=row["model"],
        same=same,
        times=row["times"],
    )
