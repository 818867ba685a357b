"""Tunings: proposals with their back-tests, and accept, reject, revert; the state is the last answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.tunings import Tuning, TuningState

_SELECT = """
SELECT t.*, e.kind, e.reason, e.by AS answered_by, e.at AS answered_at,
       k.base_json, k.by AS accepted_by, k.at AS accepted_at, k.id AS accepted
FROM tunings t
LEFT JOIN tuning_events e ON e.id = (SELECT max(id) FROM tuning_events WHERE tuning_id = t.id)
LEFT JOIN tuning_events k ON k.id = (SELECT max(id) FROM tuning_events WHERE tuning_id = t.id AND kind = 'accept')
"""
_BY_ID = _SELECT + "WHERE t.id = ?"
_OF_MODEL = _SELECT + "WHERE :model IS NULL OR t.model_id = :model ORDER BY t.id"
_STANDING = _SELECT + "WHERE t.model_id = ? AND e.kind = 'accept' ORDER BY e.id"
_INSERT = """
INSERT INTO tunings(model_id, check_name, column_name, change_json, backtest_json, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_EVENT = """
INSERT INTO tuning_events(tuning_id, kind, reason, base_json, backtest_json, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_STATES: dict[str | None, TuningState] = {
    None: "proposed",
    "accept": "accepted",
    "reject": "rejected",
    "revert": "reverted",
}


def insert(
    db: sqlite3.Connection,
    *,
    model_id: int,
    check: str,
    column: str | None,
    change: Mapping[str, Any],
    backtest: Mapping[str, Any],
    by: str,
    now: datetime,
) -> int:
    """Append a proposal."""
    values = (model_id, check, column, _json(change), _json(backtest), by, to_text(now))
    with transaction(db):
        return int(db.execute(_INSERT, values).lastrowid or 0)


def answer(
    db: sqlite3.Connection,
    tuning_id: int,
    kind: str,
    *,
    reason: str,
    by: str,
    now: datetime,
    base: Mapping[str, Any] | None = None,
    backtest: Mapping[str, Any] | None = None,
) -> None:
    """Append accept, reject or revert; an accept carries what the model file said and the back-test made just then."""
    told = [None if found is None else _json(found) for found in (base, backtest)]
    with transaction(db):
        db.execute(_EVENT, (tuning_id, kind, reason, *told, by, to_text(now)))


def get(db: sqlite3.Connection, tuning_id: int) -> Tuning:
    """The tuning of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (tuning_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no tuning {tuning_id} in this store", "list them: midwatch alerts tune --list")
    return _tuning(row)


def listing(db: sqlite3.Connection, model_id: int | None = None) -> list[Tuning]:
    """Every tuning of a model, or of all, in the order of proposal."""
    return [_tuning(row) for row in db.execute(_OF_MODEL, {"model": model_id})]


def standing(db: sqlite3.Connection, model_id: int) -> list[Tuning]:
    """The accepted ones that nobody reverted, in the order of acceptance."""
    return [_tuning(row) for row in db.execute(_STANDING, (model_id,))]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _tuning(row: sqlite3.Row) -> Tuning:
    return Tuning(
        id=row["id"],
        model_id=row["model_id"],
        check=row["check_name"],
        column=row["column_name"],
        change=json.loads(row["change_json"]),
        backtest=json.loads(row["backtest_json"]),
        by=row["by"],
        at=from_text(row["at"]),
        state=_STATES[row["kind"]],
        base=json.loads(row["base_json"]) if row["base_json"] else None,
        reason=row["reason"],
        answered_by=row["answered_by"],
        answered_at=from_text_or_none(row["answered_at"]),
        accepted_by=row["accepted_by"],
        accepted_at=from_text_or_none(row["accepted_at"]),
    )
