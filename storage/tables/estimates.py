"""Estimates of metrics without labels, and the lessons they rest on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.records.batches import Batch
from storage.records.estimates import Estimate, Tried
from storage.tables import batches

_INSERT_LESSON = "INSERT INTO estimate_lessons(model_id, form, body, rows, at) VALUES (?, ?, ?, ?, ?)"
_LESSON = "SELECT id, body FROM estimate_lessons WHERE model_id = ? AND form = ? ORDER BY id DESC LIMIT 1"
_INSERT = """
INSERT INTO estimates(lesson_id, batch_id, metric, method, value, low, high, own_error, same_error, windows, usable,
                      why_not, rows, uncovered, said_json, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CURRENT = "SELECT * FROM estimate_current WHERE batch_id = ? ORDER BY id"
_EXISTS = "SELECT 1 FROM estimates WHERE batch_id = ? LIMIT 1"
_LATEST = """
SELECT e.* FROM estimate_current e JOIN batches b ON b.id = e.batch_id
WHERE b.model_id = ? AND e.batch_id = ? AND e.metric = ?
"""
# Only what was said first counts, before anybody could know better; newest windows first.
_TRIED = """
SELECT e.batch_id, e.said_json, m.value, m.low, m.high
FROM estimates e JOIN batches b ON b.id = e.batch_id
JOIN metric_current m ON m.batch_id = e.batch_id AND m.metric = e.metric
WHERE b.model_id = :model AND e.metric = :metric AND e.batch_id <> :batch AND m.value IS NOT NULL
  AND coalesce(b.window_end, b.arrived_at) <= :ripe
  AND e.id = (SELECT min(id) FROM estimates WHERE batch_id = e.batch_id AND metric = e.metric)
ORDER BY coalesce(b.window_start, b.arrived_at) DESC, b.id DESC LIMIT :limit
"""
_UNRIPE = """
SELECT DISTINCT b.id, coalesce(b.window_start, b.arrived_at) AS starts
FROM batches b JOIN estimates e ON e.batch_id = b.id
WHERE b.model_id = ? AND coalesce(b.window_end, b.arrived_at) > ? ORDER BY starts DESC LIMIT ?
"""
_LABELLED = """
SELECT b.id, b.role, b.rows,
       (SELECT labelled FROM label_coverage c WHERE c.batch_id = b.id ORDER BY c.id DESC LIMIT 1) AS labelled,
       EXISTS(SELECT 1 FROM label_joins j WHERE j.batch_id = b.id AND j.matched > 0) AS joined
FROM batches b
WHERE b.model_id = :model AND (b.role = 'reference' OR coalesce(b.window_end, b.arrived_at) <= :ripe)
ORDER BY b.role = 'reference', coalesce(b.window_start, b.arrived_at) DESC, b.id DESC
"""


def add_lesson(db: sqlite3.Connection, model_id: int, *, form: int, body: bytes, rows: int, now: datetime) -> int:
    """Append what was learned."""
    with transaction(db):
        return int(db.execute(_INSERT_LESSON, (model_id, form, body, rows, to_text(now))).lastrowid or 0)


def lesson(db: sqlite3.Connection, model_id: int, *, form: int) -> tuple[int, bytes] | None:
    """The newest lesson of a model and its id; None without one in this form."""
    row = db.execute(_LESSON, (model_id, form)).fetchone()
    return (row["id"], row["body"]) if row else None


def append(db: sqlite3.Connection, found: Sequence[Estimate]) -> None:
    """Record estimates; earlier ones stay."""
    with transaction(db):
        db.executemany(
            _INSERT,
            [
                (
                    e.lesson_id, e.batch_id, e.metric, e.method, e.value, e.low, e.high, e.own_error, e.same_error,
                    e.windows, int(e.usable), e.why_not, e.rows, e.uncovered,
                    json.dumps({method: list(pair) for method, pair in e.said.items()}, allow_nan=False), to_text(e.at),
                )
                for e in found
            ],
        )  # fmt: skip


def known(db: sqlite3.Connection, batch_id: int) -> bool:
    """Whether anything was estimated of a batch."""
    return db.execute(_EXISTS, (batch_id,)).fetchone() is not None


def current(db: sqlite3.Connection, batch_id: int) -> list[Estimate]:
    """The newest estimate of each metric of a batch."""
    return [_estimate(row) for row in db.execute(_CURRENT, (batch_id,))]


def latest(db: sqlite3.Connection, model_id: int, batch_id: int, metric: str) -> Estimate | None:
    """The newest estimate of a metric of a batch of that model; None without one."""
    row = db.execute(_LATEST, (model_id, batch_id, metric)).fetchone()
    return _estimate(row) if row else None


def tried(
    db: sqlite3.Connection, model_id: int, metric: str, *, ripe: datetime, without: int, limit: int
) -> list[Tried]:
    """What was said first of the newest windows that ended by ``ripe`` and have labels, in order of time.

    Args:
        without: a batch that is left out, since it is the one to be judged.
    """
    asked = {"model": model_id, "metric": metric, "batch": without, "ripe": to_text(ripe), "limit": limit}
    return [
        Tried(row["batch_id"], _said(row), row["value"], row["low"], row["high"])
        for row in reversed(db.execute(_TRIED, asked).fetchall())
    ]


def unripe(db: sqlite3.Connection, model_id: int, *, ripe: datetime, limit: int) -> list[int]:
    """The newest batches that ended after ``ripe`` and have estimates."""
    return [row["id"] for row in db.execute(_UNRIPE, (model_id, to_text(ripe), limit))]


def labelled(
    db: sqlite3.Connection, model_id: int, *, label: str, ripe: datetime, limit: int
) -> list[tuple[Batch, int]]:
    """Batches to learn from, newest first and references last, with their labelled rows (all, where nobody counted).

    Args:
        label: the label's column: a reference has labels when it holds it, or when a label file was joined with it.
        ripe: serving batches must have ended by then.
        limit: of serving batches.
    """
    found, serving = [], 0
    for row in db.execute(_LABELLED, {"model": model_id, "ripe": to_text(ripe)}):
        if row["role"] == "serving":
            if row["labelled"] and serving < limit:
                serving += 1
                found.append((batches.get(db, row["id"]), int(row["labelled"])))
            continue
        batch = batches.get(db, row["id"])
        if row["joined"] or label in {name for name, _ in batch.columns}:
            found.append((batch, int(row["labelled"] or row["rows"])))
    return found


def _said(row: sqlite3.Row) -> Mapping[str, tuple[float, float]]:
    return {method: (pair[0], pair[1]) for method, pair in json.loads(row["said_json"]).items()}


def _estimate(row: sqlite3.Row) -> Estimate:
    return Estimate(
        lesson_id=row["lesson_id"],
        batch_id=row["batch_id"],
        metric=row["metric"],
        method=row["method"],
        value=row["value"],
        low=row["low"],
        high=row["high"],
        own_error=row["own_error"],
        same_error=row["same_error"],
        windows=row["windows"],
        usable=bool(row["usable"]),
        why_not=row["why_not"],
        rows=row["rows"],
        uncovered=row["uncovered"],
        said=_said(row),
        at=from_text(row["at"]),
    )
