"""Batches, their quarantined lines, their profiles, and which of them the baseline rests on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.records.batches import Batch, LabelCoverage, Role
from storage.records.logs import Reject

_SELECT = "SELECT b.*, s.admitted FROM batches b JOIN baseline s ON s.batch_id = b.id "
_BY_ID = _SELECT + "WHERE b.id = ?"
_BY_SHA = _SELECT + "WHERE b.model_id = ? AND b.role = ? AND b.sha256 = ?"
_AT_PATH = _SELECT + "WHERE b.model_id = ? AND b.path = ? ORDER BY b.id DESC LIMIT 1"
_NEWEST = _SELECT + "WHERE b.model_id = ? AND b.role = 'serving' ORDER BY b.window_start DESC, b.id DESC LIMIT 1"
_ADMITTED = (
    _SELECT + "WHERE b.model_id = :model AND s.admitted AND b.id <> :self "
    "AND (:before IS NULL OR b.role = 'reference' OR b.window_start IS NULL OR b.window_start <= :before) "
    "ORDER BY b.window_start DESC, b.id DESC LIMIT :limit"
)
# Of each earlier day the admitted batch that began nearest to that time of day, half an hour off at most.
_SAME_HOUR = """
SELECT b.id, b.window_start, b.window_end, min(abs(ago - round(ago))) AS off FROM (
    SELECT id, window_start, window_end, julianday(:moment) - julianday(window_start) AS ago FROM batches
    WHERE model_id = :model AND id <> :self AND window_start < :moment AND window_start >= :oldest
) b JOIN baseline s ON s.batch_id = b.id
WHERE s.admitted AND round(ago) BETWEEN 1 AND :days AND abs(ago - round(ago)) <= 0.5 / 24
GROUP BY round(ago) ORDER BY b.window_start
"""
# Serving batches before this one by window; where windows are not known, by arrival. Behind them the newest reference.
_PRECEDING = (
    _SELECT + "WHERE b.model_id = :model AND b.id <> :id AND b.role = 'serving' AND CASE "
    "WHEN :start IS NULL OR b.window_start IS NULL THEN b.id < :id ELSE (b.window_start, b.id) < (:start, :id) END "
    "ORDER BY b.window_start DESC, b.id DESC LIMIT :limit"
)
_NEWEST_REFERENCE = (
    _SELECT + "WHERE b.model_id = ? AND b.role = 'reference' ORDER BY b.window_start DESC, b.id DESC LIMIT 1"
)
_RANGE = (
    _SELECT + "WHERE b.model_id = :model AND b.role = 'serving' AND b.window_end >= :start AND b.window_start < :end "
    "ORDER BY b.window_start, b.id"
)
_UNTIL = (
    _SELECT + "WHERE b.model_id = :model AND b.role = 'serving' AND b.stage IS :stage "
    "AND (coalesce(b.window_start, b.arrived_at), b.id) <= (:moment, :id) "
    "ORDER BY coalesce(b.window_start, b.arrived_at) DESC, b.id DESC LIMIT :limit"
)
_WHERE = "(:model IS NULL OR b.model_id = :model) AND (:like IS NULL OR b.path LIKE :like ESCAPE '\\')"
_ORDERS = {
    "window": "b.window_start, b.id",
    "rows": "b.rows, b.id",
    "quarantined": "b.quarantined, b.id",
}
_COUNT = f"SELECT count(*) FROM batches b WHERE {_WHERE}"
_FAILED = """
SELECT batch_id, count(*) AS n FROM check_results
WHERE status = 'fail' AND tier <> 'evidence' AND batch_id IN (SELECT value FROM json_each(?)) GROUP BY batch_id
"""
_INSERT = """
INSERT INTO batches(model_id, role, path, sha256, format, bytes, version, stage, window_start, window_end, rows,
                    quarantined, columns_json, arrived_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_REJECT = "INSERT INTO quarantine(batch_id, path, line, reason, text) VALUES (?, ?, ?, ?, ?)"
_REJECTS = "SELECT path, line, reason, text FROM quarantine WHERE batch_id = ? ORDER BY id LIMIT ?"
_INSERT_PROFILE = "INSERT INTO profiles(batch_id, format, body) VALUES (?, ?, ?)"
_PROFILE = "SELECT body FROM profiles WHERE batch_id = ?"
_INSERT_READINGS = "INSERT INTO readings(batch_id, form, body, at) VALUES (?, ?, ?, ?)"
_READINGS = """
SELECT batch_id, body FROM readings
WHERE id IN (SELECT max(id) FROM readings
             WHERE form = ? AND batch_id IN (SELECT value FROM json_each(?)) GROUP BY batch_id)
"""
_INSERT_BASELINE = "INSERT INTO baseline_events(batch_id, kind, reason, by, at) VALUES (?, ?, ?, ?, ?)"
_COVERAGE = "SELECT * FROM label_coverage WHERE batch_id = ? ORDER BY id DESC LIMIT 1"

QUARANTINE_KEPT = 1_000
"""Lines whose text is stored per batch; the count is always exact."""

PROFILE_FORMAT = 1


def insert(db: sqlite3.Connection, batch: Batch, rejects: Sequence[Reject], profile: bytes) -> int:
    """Append a batch with its quarantined lines and its profile, all or nothing; ``batch.id`` is ignored."""
    with transaction(db):
        cursor = db.execute(
            _INSERT,
            (
                batch.model_id,
                batch.role,
                batch.path,
                batch.sha256,
                batch.format,
                batch.bytes,
                batch.version,
                batch.stage,
                None if batch.window_start is None else to_text(batch.window_start),
                None if batch.window_end is None else to_text(batch.window_end),
                batch.rows,
                batch.quarantined,
                json.dumps(batch.columns),
                to_text(batch.arrived_at),
            ),
        )
        batch_id = int(cursor.lastrowid or 0)
        db.executemany(
            _INSERT_REJECT, [(batch_id, r.path, r.line, r.reason, r.text) for r in rejects[:QUARANTINE_KEPT]]
        )
        db.execute(_INSERT_PROFILE, (batch_id, PROFILE_FORMAT, profile))
    return batch_id


def get(db: sqlite3.Connection, batch_id: int) -> Batch:
    """The batch of that id (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_BY_ID, (batch_id,)).fetchone()
    if row is None:
        raise KeyError(batch_id)
    return _batch(row)


def find(db: sqlite3.Connection, model_id: int, role: Role, sha256: str) -> Batch | None:
    """The batch these very bytes became earlier, if they did: the same file twice is one batch."""
    row = db.execute(_BY_SHA, (model_id, role, sha256)).fetchone()
    return _batch(row) if row else None


def at_path(db: sqlite3.Connection, model_id: int, path: str) -> Batch | None:
    """The latest batch that was taken in from that path."""
    row = db.execute(_AT_PATH, (model_id, path)).fetchone()
    return _batch(row) if row else None


def newest(db: sqlite3.Connection, model_id: int) -> Batch | None:
    """The serving batch with the latest window."""
    row = db.execute(_NEWEST, (model_id,)).fetchone()
    return _batch(row) if row else None


def admitted(
    db: sqlite3.Connection, model_id: int, *, before: datetime | None = None, without: int = 0, limit: int = 60
) -> list[Batch]:
    """The batches that a batch is compared with: the ``limit`` latest admitted ones, oldest first."""
    values = {
        "model": model_id,
        "self": without,
        "before": None if before is None else to_text(before),
        "limit": limit,
    }
    return [_batch(row) for row in db.execute(_ADMITTED, values)][::-1]


def same_hour(
    db: sqlite3.Connection, model_id: int, moment: datetime, *, days: int, without: int = 0
) -> list[tuple[int, datetime, datetime | None]]:
    """Id, start and end of the admitted batch of each of the last ``days`` at that time of day, oldest first."""
    values = {
        "model": model_id,
        "self": without,
        "moment": to_text(moment),
        "oldest": to_text(moment - timedelta(days=days + 1)),
        "days": days,
    }
    return [
        (row["id"], from_text(row["window_start"]), from_text_or_none(row["window_end"]))
        for row in db.execute(_SAME_HOUR, values)
    ]


def preceding(db: sqlite3.Connection, batch: Batch, *, limit: int) -> list[Batch]:
    """The serving batches before this one, admitted or not, newest first; the newest reference where there is none."""
    start = None if batch.window_start is None else to_text(batch.window_start)
    values = {"model": batch.model_id, "id": batch.id, "start": start, "limit": limit}
    found = [_batch(row) for row in db.execute(_PRECEDING, values)]
    return found or [_batch(row) for row in db.execute(_NEWEST_REFERENCE, (batch.model_id,))]


def between(db: sqlite3.Connection, model_id: int, start: datetime, end: datetime) -> list[Batch]:
    """Serving batches whose window touches ``[start, end)``, oldest first."""
    values = {"model": model_id, "start": to_text(start), "end": to_text(end)}
    return [_batch(row) for row in db.execute(_RANGE, values)]


def until(db: sqlite3.Connection, batch: Batch, limit: int) -> list[Batch]:
    """The batch itself and the serving batches of its stage before it, oldest first, ``limit`` at most."""
    values = {
        "model": batch.model_id,
        "stage": batch.stage,
        "moment": to_text(batch.window_start or batch.arrived_at),
        "id": batch.id,
        "limit": limit,
    }
    return [_batch(row) for row in db.execute(_UNTIL, values)][::-1]


def page(
    db: sqlite3.Connection,
    *,
    model_id: int | None = None,
    like: str | None = None,
    order: str = "window",
    descending: bool = True,
    offset: int = 0,
    limit: int = 100,
) -> list[Batch]:
    """A window of the list, newest first; ``like`` is part of a path; ``order`` is window, rows or quarantined."""
    query = f"{_SELECT} WHERE {_WHERE} ORDER BY {_order(order, descending)} LIMIT :limit OFFSET :offset"
    values = {"model": model_id, "like": _pattern(like), "offset": offset, "limit": limit}
    return [_batch(row) for row in db.execute(query, values)]


def place(
    db: sqlite3.Connection,
    batch_id: int,
    *,
    model_id: int | None = None,
    like: str | None = None,
    order: str = "window",
    descending: bool = True,
) -> int | None:
    """Where a batch stands in the list that :func:`page` walks over, from 0."""
    numbered = f"SELECT b.id, row_number() OVER (ORDER BY {_order(order, descending)}) - 1 AS place FROM batches b"
    query = f"SELECT place FROM ({numbered} WHERE {_WHERE}) WHERE id = :id"
    row = db.execute(query, {"model": model_id, "like": _pattern(like), "id": batch_id}).fetchone()
    return row["place"] if row else None


def failed_counts(db: sqlite3.Connection, batch_ids: Sequence[int]) -> dict[int, int]:
    """How many findings that alert each of the batches has."""
    rows = db.execute(_FAILED, (json.dumps(list(batch_ids)),))
    return {row["batch_id"]: row["n"] for row in rows}


def count(db: sqlite3.Connection, *, model_id: int | None = None, like: str | None = None) -> int:
    """How many batches :func:`page` walks over."""
    return int(db.execute(_COUNT, {"model": model_id, "like": _pattern(like)}).fetchone()[0])


def rejects(db: sqlite3.Connection, batch_id: int, limit: int = 100) -> list[Reject]:
    """Quarantined lines of a batch, in order of the file."""
    return [Reject(r["path"], r["line"], r["reason"], r["text"]) for r in db.execute(_REJECTS, (batch_id, limit))]


def profile(db: sqlite3.Connection, batch_id: int) -> bytes:
    """The stored profile, as ``core.stats`` packs it."""
    return bytes(db.execute(_PROFILE, (batch_id,)).fetchone()["body"])


def add_readings(db: sqlite3.Connection, batch_id: int, *, form: int, body: bytes, now: datetime) -> None:
    """Append what the statistics of a batch read."""
    with transaction(db):
        db.execute(_INSERT_READINGS, (batch_id, form, body, to_text(now)))


def readings(db: sqlite3.Connection, batch_ids: Sequence[int], *, form: int) -> dict[int, bytes]:
    """The latest readings of that form, for those of the batches that have them."""
    return {row["batch_id"]: bytes(row["body"]) for row in db.execute(_READINGS, (form, json.dumps(list(batch_ids))))}


def set_baseline(db: sqlite3.Connection, batch_id: int, *, admit: bool, reason: str, by: str, now: datetime) -> None:
    """Append that a batch joins or leaves the baseline of later ones."""
    with transaction(db):
        db.execute(_INSERT_BASELINE, (batch_id, "admit" if admit else "exclude", reason, by, to_text(now)))


def coverage(db: sqlite3.Connection, batch_id: int) -> LabelCoverage | None:
    """The newest label coverage of a batch, None before any was measured."""
    row = db.execute(_COVERAGE, (batch_id,)).fetchone()
    if row is None:
        return None
    return LabelCoverage(
        row["batch_id"],
        from_text(row["at"]),
        row["rows"],
        row["labelled"],
        row["lag_p50_seconds"],
        row["lag_p95_seconds"],
    )


def _order(order: str, descending: bool) -> str:
    terms = _ORDERS[order].split(", ")
    return ", ".join(f"{term} DESC" if descending else term for term in terms)


def _pattern(like: str | None) -> str | None:
    if like is None:
        return None
    escaped = like.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _batch(row: sqlite3.Row) -> Batch:
    return Batch(
        id=row["id"],
        model_id=row["model_id"],
        role=row["role"],
        path=row["path"],
        sha256=row["sha256"],
        format=row["format"],
        bytes=row["bytes"],
        version=row["version"],
        stage=row["stage"],
        window_start=from_text_or_none(row["window_start"]),
        window_end=from_text_or_none(row["window_end"]),
        rows=row["rows"],
        quarantined=row["quarantined"],
        columns=tuple((name, kind) for name, kind in json.loads(row["columns_json"])),
        arrived_at=from_text(row["arrived_at"]),
        admitted=bool(row["admitted"]),
    )
