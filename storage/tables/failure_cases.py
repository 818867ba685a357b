"""Failure cases: appended once, judged by later events, and what other versions answered to their rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.failure_cases import CaseAnswer, CaseDraft, CaseFilter, CaseSource, FailureCase

_SELECT = """
SELECT c.*, s.verdict, s.category AS category_now, s.expected AS expected_now, i.key AS incident, m.name AS model
FROM failure_cases c JOIN failure_case_state s ON s.case_id = c.id JOIN models m ON m.id = c.model_id
LEFT JOIN incidents i ON i.id = s.incident_id
"""
_WHERE = """
WHERE (:model IS NULL OR c.model_id = :model)
  AND (NOT :queue OR s.verdict IS NULL)
  AND (:verdicts = '[]' OR s.verdict IN (SELECT value FROM json_each(:verdicts)))
  AND (:incident IS NULL OR s.incident_id = :incident)
  AND (:text IS NULL OR instr(lower(c.row_key || ' ' || m.name || ' ' || coalesce(s.category, '') || ' '
       || coalesce(s.verdict, 'waits') || ' ' || coalesce(i.key, '')), lower(:text)) > 0)
"""
_BY_ID = _SELECT + "WHERE c.id = ?"
_COUNT = (
    "SELECT count(*) FROM failure_cases c JOIN failure_case_state s ON s.case_id = c.id JOIN models m "
    "ON m.id = c.model_id LEFT JOIN incidents i ON i.id = s.incident_id " + _WHERE
)
_ORDERS = {
    "reported": "c.reported_at {0}, c.id {0}",
    "model": "m.name {0}, c.id DESC",
    "verdict": "coalesce(s.verdict, '') {0}, c.id DESC",
    "category": "coalesce(s.category, '') {0}, c.id DESC",
}
_INSERT = """
INSERT INTO failure_cases(model_id, batch_id, row_key, row_id, path, line, payload_json, expected, got, version, source,
                          source_ref, category, reported_at, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id
"""
_INSERT_EVENT = """
INSERT INTO failure_case_events(case_id, kind, value, incident_id, duplicate_of, note, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_EVENTS = """
SELECT e.*, i.key FROM failure_case_events e LEFT JOIN incidents i ON i.id = e.incident_id
WHERE e.case_id = ? ORDER BY e.id
"""
_WATCHED = """
SELECT c.id, c.row_id, c.version FROM failure_cases c JOIN failure_case_state s ON s.case_id = c.id
WHERE c.model_id = ? AND c.row_id IS NOT NULL AND coalesce(s.verdict, '') NOT IN ('rejected', 'duplicate')
ORDER BY c.id DESC LIMIT ?
"""
_INSERT_ANSWER = """
INSERT INTO failure_case_answers(case_id, batch_id, version, answer, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_ANSWERS = "SELECT * FROM failure_case_answers WHERE case_id = ? ORDER BY at, id"
_FIRST_SET = """
SELECT s.name, s.version, s.at FROM evaluation_set_items x JOIN evaluation_sets s ON s.id = x.set_id
WHERE x.case_id = ? ORDER BY s.at, s.id LIMIT 1
"""
_SCORED = """
SELECT a.answer, a.passed, s.id, s.version, s.at FROM evaluation_answers a JOIN evaluation_scores s ON s.id = a.score_id
WHERE a.item_sha256 IN (SELECT DISTINCT item_sha256 FROM evaluation_set_items WHERE case_id = ?) ORDER BY s.at, s.id
"""

WATCHED = 10_000
"""Cases whose rows are looked for in a new log, the latest ones."""


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """What was said of a case: its verdict, category, expected answer, or the incident it belongs to."""

    kind: str
    value: str | None
    note: str | None
    by: str
    at: datetime


def insert(
    db: sqlite3.Connection,
    model_id: int,
    batch_id: int | None,
    drafts: Sequence[CaseDraft],
    *,
    source: CaseSource,
    source_ref: str | None,
    category: str | None,
    reported_at: datetime,
    by: str,
    now: datetime,
) -> list[int]:
    """Append cases; a row that is one already is passed over. Returns the ids of the new ones."""
    made = []
    with transaction(db):
        for d in drafts:
            row = db.execute(
                _INSERT,
                (
                    model_id, batch_id, d.row_key, d.row_id, d.path, d.line,
                    json.dumps(d.payload, ensure_ascii=False, allow_nan=False), d.expected, d.got, d.version, source,
                    source_ref, category, to_text(reported_at), by, to_text(now),
                ),
            ).fetchone()  # fmt: skip
            made += [int(row["id"])] if row else []
    return made


def event(
    db: sqlite3.Connection,
    case_id: int,
    kind: str,
    value: str | None,
    *,
    by: str,
    now: datetime,
    note: str | None = None,
    incident_id: int | None = None,
    duplicate_of: int | None = None,
) -> None:
    """Append what somebody said of a case: verdict, category, expected or incident."""
    with transaction(db):
        db.execute(_INSERT_EVENT, (case_id, kind, value, incident_id, duplicate_of, note, by, to_text(now)))


def get(db: sqlite3.Connection, case_id: int) -> FailureCase:
    """The case of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (case_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no failure case {case_id} in this store", "list them: midwatch cases list MODEL")
    return _case(row)


def page(
    db: sqlite3.Connection,
    where: CaseFilter,
    *,
    order: str = "reported",
    descending: bool = True,
    offset: int = 0,
    limit: int = 100,
) -> list[FailureCase]:
    """A window of the list, newest report first; ``order`` is reported, model, verdict or category."""
    asked = {**_asked(where), "offset": offset, "limit": limit}
    query = f"{_SELECT} {_WHERE} ORDER BY {_order(order, descending)} LIMIT :limit OFFSET :offset"
    return [_case(row) for row in db.execute(query, asked)]


def count(db: sqlite3.Connection, where: CaseFilter) -> int:
    """How many cases :func:`page` walks over."""
    return int(db.execute(_COUNT, _asked(where)).fetchone()[0])


def place(
    db: sqlite3.Connection, case_id: int, where: CaseFilter, *, order: str = "reported", descending: bool = True
) -> int | None:
    """Where a case stands in the list that :func:`page` walks over, from 0."""
    numbered = (
        f"SELECT id, row_number() OVER () - 1 AS place FROM ({_SELECT} {_WHERE} ORDER BY {_order(order, descending)})"
    )
    row = db.execute(f"SELECT place FROM ({numbered}) WHERE id = :id", {**_asked(where), "id": case_id}).fetchone()
    return row["place"] if row else None


def events(db: sqlite3.Connection, case_id: int) -> list[CaseEvent]:
    """All that was said of a case, in order."""
    return [
        CaseEvent(
            r["kind"], r["key"] if r["kind"] == "incident" else r["value"], r["note"], r["by"], from_text(r["at"])
        )
        for r in db.execute(_EVENTS, (case_id,))
    ]


def watched(db: sqlite3.Connection, model_id: int) -> list[tuple[int, str, str | None]]:
    """Case, row id and the version that failed, of cases whose rows are looked for in new logs."""
    return [(r["id"], r["row_id"], r["version"]) for r in db.execute(_WATCHED, (model_id, WATCHED))]


def add_answers(
    db: sqlite3.Connection, batch_id: int, answers: Sequence[tuple[int, str, str | None]], now: datetime
) -> None:
    """Record what versions answered in a batch: case, version and answer of each."""
    with transaction(db):
        db.executemany(
            _INSERT_ANSWER, [(case, batch_id, version, answer, to_text(now)) for case, version, answer in answers]
        )


def logged_answers(db: sqlite3.Connection, case_id: int) -> list[CaseAnswer]:
    """What versions answered to a case's row in later logs, in the order seen; not judged."""
    return [
        CaseAnswer(r["version"], r["answer"], None, f"batch {r['batch_id']}", from_text(r["at"]))
        for r in db.execute(_ANSWERS, (case_id,))
    ]


def scored_answers(db: sqlite3.Connection, case_id: int) -> list[CaseAnswer]:
    """What versions answered to the case's item in scored files, in the order taken in."""
    return [
        CaseAnswer(
            r["version"],
            r["answer"],
            None if r["passed"] is None else bool(r["passed"]),
            f"scores {r['id']}",
            from_text(r["at"]),
        )
        for r in db.execute(_SCORED, (case_id,))
    ]


def first_set(db: sqlite3.Connection, case_id: int) -> tuple[str, int, datetime] | None:
    """Name and version of the first set that holds a case, and since when."""
    row = db.execute(_FIRST_SET, (case_id,)).fetchone()
    return (row["name"], row["version"], from_text(row["at"])) if row else None


def _asked(where: CaseFilter) -> dict[str, Any]:
    return {
        "model": where.model_id,
        "queue": where.queue,
        "verdicts": json.dumps(list(where.verdicts)),
        "incident": where.incident_id,
        "text": where.text or None,
    }


def _order(order: str, descending: bool) -> str:
    return _ORDERS[order].format("DESC" if descending else "ASC")


def _case(row: sqlite3.Row) -> FailureCase:
    return FailureCase(
        id=row["id"],
        model_id=row["model_id"],
        model=row["model"],
        batch_id=row["batch_id"],
        row_key=row["row_key"],
        row_id=row["row_id"],
        path=row["path"],
        line=row["line"],
        payload=json.loads(row["payload_json"]),
        expected=row["expected_now"],
        got=row["got"],
        version=row["version"],
        source=row["source"],
        source_ref=row["source_ref"],
        category=row["category_now"],
        verdict=row["verdict"],
        incident=row["incident"],
        reported_at=from_text(row["reported_at"]),
        by=row["by"],
        at=from_text(row["at"]),
    )
