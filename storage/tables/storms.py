"""Storms: which groups of alerts belong together and why, and what was answered to all of them at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.alerts import AlertState
from storage.records.results import TIERS, Tier
from storage.records.storms import AnswerKind, Onset, Storm, StormAnswer, StormLine, StormMember
from storage.tables import alerts

LONGEST_WINDOW = timedelta(days=7)
"""How long the window of a batch may be for its alerts to be found by their start."""

_AROUND = """
SELECT g.model_id, m.name AS model, g.group_key, g.storm_id, g.tier_rank, a.id, a.cause, a.columns_json, a.batch_id,
       coalesce(a.window_start, a.fired_at) AS start, coalesce(a.window_end, a.window_start, a.fired_at) AS end, b.path
FROM alerts a JOIN alert_groups g ON g.model_id = a.model_id AND g.group_key = a.group_key
JOIN models m ON m.id = a.model_id LEFT JOIN batches b ON b.id = a.batch_id
WHERE coalesce(a.window_start, a.fired_at) BETWEEN :earliest AND :end
  AND coalesce(a.window_end, a.window_start, a.fired_at) >= :start
  AND g.open = 1 AND g.onset_id = a.id ORDER BY a.id DESC LIMIT :limit
"""
_BEGIN = "INSERT INTO storms(began_at, at) VALUES (?, ?)"
_JOIN = "INSERT INTO storm_members(storm_id, model_id, group_key, alert_id, why, at) VALUES (?, ?, ?, ?, ?, ?)"
_STORM = "SELECT * FROM storms WHERE id = ?"
_STORM_OF = "SELECT storm_id FROM alert_groups WHERE model_id = ? AND group_key = ? AND open = 1"
_MEMBERS = """
SELECT g.head_id, s.why, s.at,
       (SELECT count(*) FROM alerts a
        WHERE a.model_id = g.model_id AND a.group_key = g.group_key AND a.id >= g.onset_id) AS alerts
FROM alert_groups g JOIN storm_members s ON s.id = (
    SELECT max(id) FROM storm_members n WHERE n.model_id = g.model_id AND n.group_key = g.group_key)
WHERE g.storm_id = ? ORDER BY g.quiet, g.tier_rank, g.score DESC, g.head_id DESC
"""
_LINES = """
SELECT s.id, s.began_at, count(*) AS groups, count(DISTINCT g.model_id) AS models, min(g.quiet) = 0 AS fires,
       sum((SELECT count(*) FROM alerts a
            WHERE a.model_id = g.model_id AND a.group_key = g.group_key AND a.id >= g.onset_id)) AS alerts
FROM storms s JOIN alert_groups g ON g.storm_id = s.id
WHERE s.id IN (SELECT storm_id FROM alert_groups WHERE head_id IN (SELECT value FROM json_each(?)))
GROUP BY s.id
"""
_STORMS_OF = """
SELECT head_id, storm_id FROM alert_groups
WHERE storm_id IS NOT NULL AND head_id IN (SELECT value FROM json_each(?))
"""
_OPEN = "SELECT DISTINCT storm_id FROM alert_groups WHERE storm_id IS NOT NULL ORDER BY storm_id DESC"
_ANSWER = """
INSERT INTO storm_answers(storm_id, kind, until_at, tier, before_json, undoes, by, note, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_IN_FORCE = """
SELECT a.* FROM storm_answers a WHERE a.storm_id = ? AND a.kind <> 'undo'
AND NOT EXISTS (SELECT 1 FROM storm_answers u WHERE u.undoes = a.id) ORDER BY a.id DESC LIMIT 1
"""


def around(db: sqlite3.Connection, start: datetime, end: datetime, limit: int) -> list[Onset]:
    """Open groups of all models that began in a window which meets ``[start, end]``, the latest first."""
    bound = {
        "start": to_text(start),
        "end": to_text(end),
        "earliest": to_text(start - LONGEST_WINDOW),
        "limit": limit,
    }
    return [
        Onset(
            model_id=row["model_id"],
            model=row["model"],
            group_key=row["group_key"],
            storm_id=row["storm_id"],
            alert_id=row["id"],
            tier=TIERS[row["tier_rank"]],
            cause=row["cause"],
            columns=tuple(json.loads(row["columns_json"])),
            start=from_text(row["start"]),
            end=from_text(row["end"]),
            batch_id=row["batch_id"],
            path=row["path"],
        )
        for row in db.execute(_AROUND, bound)
    ]


def begin(db: sqlite3.Connection, began_at: datetime, now: datetime) -> int:
    """A new storm, without members."""
    with transaction(db):
        return int(db.execute(_BEGIN, (to_text(began_at), to_text(now))).lastrowid or 0)


def join(db: sqlite3.Connection, storm_id: int, onset: Onset, why: str, now: datetime) -> None:
    """Put an open group into a storm; it leaves the one it was in."""
    with transaction(db):
        db.execute(_JOIN, (storm_id, onset.model_id, onset.group_key, onset.alert_id, why, to_text(now)))


def storm_of(db: sqlite3.Connection, model_id: int, group_key: str) -> int | None:
    """The storm that an open group belongs to, if any."""
    row = db.execute(_STORM_OF, (model_id, group_key)).fetchone()
    return None if row is None else row["storm_id"]


def find(db: sqlite3.Connection, storm_id: int) -> Storm | None:
    """A storm with its open groups; None once all of them are resolved, or without such a storm."""
    row = db.execute(_STORM, (storm_id,)).fetchone()
    members = tuple(
        StormMember(alerts.get(db, m["head_id"]), m["alerts"], m["why"], from_text(m["at"]))
        for m in db.execute(_MEMBERS, (storm_id,)).fetchall()
    )
    return Storm(storm_id, from_text(row["began_at"]), members) if row and members else None


def get(db: sqlite3.Connection, storm_id: int) -> Storm:
    """An open storm.

    Raises:
        UsageError: there is none of that number, or it is over.
    """
    found = find(db, storm_id)
    if found is None:
        raise UsageError(f"no storm {storm_id} is open in this store", "list them: midwatch alerts storms")
    return found


def lines(db: sqlite3.Connection, heads: Sequence[int]) -> dict[int, StormLine]:
    """The storms that alerts belong to, by the id of the alert, if it is its group's latest."""
    told = json.dumps(list(heads))
    found = {
        row["id"]: StormLine(
            id=row["id"],
            began_at=from_text(row["began_at"]),
            groups=row["groups"],
            alerts=row["alerts"],
            models=row["models"],
            fires=bool(row["fires"]),
        )
        for row in db.execute(_LINES, (told,))
    }
    return {row["head_id"]: found[row["storm_id"]] for row in db.execute(_STORMS_OF, (told,))}


def began_at(db: sqlite3.Connection, storm_id: int) -> datetime:
    """When a storm began (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_STORM, (storm_id,)).fetchone()
    if row is None:
        raise KeyError(storm_id)
    return from_text(row["began_at"])


def open_storms(db: sqlite3.Connection) -> list[Storm]:
    """Storms with an open group, the latest first."""
    ids = [row["storm_id"] for row in db.execute(_OPEN)]
    return [storm for storm in (find(db, storm_id) for storm_id in ids) if storm is not None]


def answer(
    db: sqlite3.Connection,
    storm_id: int,
    kind: AnswerKind,
    *,
    tier: Tier,
    before: Sequence[tuple[int, AlertState, datetime | None]] = (),
    until: datetime | None = None,
    undoes: int | None = None,
    by: str,
    note: str | None,
    now: datetime,
) -> None:
    """Append what a person said of a whole storm."""
    told = json.dumps([[alert, state, None if end is None else to_text(end)] for alert, state, end in before])
    end_text = None if until is None else to_text(until)
    with transaction(db):
        db.execute(_ANSWER, (storm_id, kind, end_text, tier, told, undoes, by, note, to_text(now)))


def answer_in_force(db: sqlite3.Connection, storm_id: int) -> StormAnswer | None:
    """The latest answer that nobody took back; a snooze that has run out is still told."""
    row = db.execute(_IN_FORCE, (storm_id,)).fetchone()
    if row is None:
        return None
    return StormAnswer(
        id=row["id"],
        storm_id=row["storm_id"],
        kind=row["kind"],
        until=from_text_or_none(row["until_at"]),
        tier=row["tier"],
        before=tuple((a, state, from_text_or_none(end)) for a, state, end in json.loads(row["before_json"])),
        undoes=row["undoes"],
        by=row["by"],
        note=row["note"],
        at=from_text(row["at"]),
    )
