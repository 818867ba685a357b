"""Evaluation sets: written once; items stored under the hash of what they say; scores beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.evaluation_sets import EvaluationSet, Purpose, SetScore

_SELECT = """
SELECT s.*, m.name AS model, p.version AS supersedes
FROM evaluation_sets s JOIN models m ON m.id = s.model_id LEFT JOIN evaluation_sets p ON p.id = s.supersedes_id
"""
_NEWEST = "s.version = (SELECT max(version) FROM evaluation_sets t WHERE t.model_id = s.model_id AND t.name = s.name)"
_LIST = _SELECT + (
    "WHERE (:model IS NULL OR s.model_id = :model) AND (:purpose IS NULL OR s.purpose = :purpose) "
    f"AND (:all OR {_NEWEST}) ORDER BY m.name, s.name, s.version DESC"
)
_BY_NAME = (
    _SELECT
    + f"WHERE s.model_id = :model AND s.name = :name AND (s.version = :version OR (:version IS NULL AND {_NEWEST}))"
)
_BY_ID = _SELECT + "WHERE s.id = ?"
_INSERT = """
INSERT INTO evaluation_sets(model_id, name, version, purpose, sha256, items, supersedes_id, note, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_ITEM = "INSERT INTO evaluation_items(sha256, text) VALUES (?, ?) ON CONFLICT DO NOTHING"
_INSERT_MEMBER = "INSERT INTO evaluation_set_items(set_id, position, item_sha256, case_id) VALUES (?, ?, ?, ?)"
_ITEMS = """
SELECT x.position, x.item_sha256, x.case_id, i.text FROM evaluation_set_items x
JOIN evaluation_items i ON i.sha256 = x.item_sha256 WHERE x.set_id = ? ORDER BY x.position
"""
_INSERT_SCORE = "INSERT INTO evaluation_scores(set_id, version, path, sha256, by, at) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_ANSWER = "INSERT INTO evaluation_answers(score_id, item_sha256, answer, passed) VALUES (?, ?, ?, ?)"
_SCORES = """
SELECT s.*, count(*) FILTER (WHERE a.passed = 1) AS good, count(*) FILTER (WHERE a.passed = 0) AS bad,
       count(*) FILTER (WHERE a.id IS NOT NULL AND a.passed IS NULL) AS unknown
FROM evaluation_scores s LEFT JOIN evaluation_answers a ON a.score_id = s.id
WHERE s.set_id = ? GROUP BY s.id ORDER BY s.id
"""


def listing(
    db: sqlite3.Connection, model_id: int | None = None, *, purpose: Purpose | None = None, every: bool = False
) -> list[EvaluationSet]:
    """The newest version of each set, or every version."""
    return [_set(row) for row in db.execute(_LIST, {"model": model_id, "purpose": purpose, "all": every})]


def find(db: sqlite3.Connection, model_id: int, name: str, version: int | None = None) -> EvaluationSet | None:
    """That version of a set, the newest by default."""
    row = db.execute(_BY_NAME, {"model": model_id, "name": name, "version": version}).fetchone()
    return _set(row) if row else None


def get(db: sqlite3.Connection, model_id: int, name: str, version: int | None = None) -> EvaluationSet:
    """That version of a set, the newest by default.

    Raises:
        UsageError: there is none.
    """
    found = find(db, model_id, name, version)
    if found is None:
        known = ", ".join(f"{s.name} {s.version}" for s in listing(db, model_id, every=True)[:10]) or "none yet"
        which = name if version is None else f"{name} version {version}"
        raise UsageError(f"there is no evaluation set {which!r}", f"known: {known}")
    return found


def get_by_id(db: sqlite3.Connection, set_id: int) -> EvaluationSet:
    """The set of that row id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (set_id,)).fetchone()
    if row is None:
        raise KeyError(set_id)
    return _set(row)


def insert(
    db: sqlite3.Connection,
    model_id: int,
    name: str,
    version: int,
    purpose: Purpose,
    sha256: str,
    items: Sequence[tuple[str, str, int | None]],
    *,
    supersedes_id: int | None,
    note: str | None,
    by: str,
    now: datetime,
) -> int:
    """Write a set whole; ``items`` are hash, canonical text and failure case of each."""
    values = (model_id, name, version, purpose, sha256, len(items), supersedes_id, note, by, to_text(now))
    with transaction(db):
        set_id = int(db.execute(_INSERT, values).lastrowid or 0)
        db.executemany(_INSERT_ITEM, [(digest, text) for digest, text, _ in items])
        db.executemany(
            _INSERT_MEMBER, [(set_id, i, digest, case) for i, (digest, _, case) in enumerate(items, start=1)]
        )
    return set_id


def items(db: sqlite3.Connection, set_id: int) -> list[tuple[str, str, int | None]]:
    """Hash, canonical text and failure case of every item, in order."""
    return [(r["item_sha256"], r["text"], r["case_id"]) for r in db.execute(_ITEMS, (set_id,))]


def add_score(
    db: sqlite3.Connection,
    set_id: int,
    version: str,
    answers: Mapping[str, tuple[str | None, bool | None]],
    *,
    path: str,
    sha256: str,
    by: str,
    now: datetime,
) -> int:
    """Record what a version answered: item hash, answer, and whether it is right (None: can't be told)."""
    with transaction(db):
        score_id = int(db.execute(_INSERT_SCORE, (set_id, version, path, sha256, by, to_text(now))).lastrowid or 0)
        db.executemany(
            _INSERT_ANSWER,
            [(score_id, item, answer, None if p is None else int(p)) for item, (answer, p) in answers.items()],
        )
    return score_id


def scores(db: sqlite3.Connection, set_id: int) -> list[SetScore]:
    """What versions answered to a set, in the order taken in."""
    return [
        SetScore(
            r["id"], r["set_id"], r["version"], r["path"], r["sha256"], r["by"], from_text(r["at"]),
            r["good"], r["bad"], r["unknown"],
        )
        for r in db.execute(_SCORES, (set_id,))
    ]  # fmt: skip


def _set(row: sqlite3.Row) -> EvaluationSet:
    found: dict[str, Any] = {
        k: row[k] for k in ("id", "model_id", "model", "name", "version", "purpose", "sha256", "items", "supersedes")
    }
    return EvaluationSet(**found, note=row["note"], by=row["by"], at=from_text(row["at"]))
