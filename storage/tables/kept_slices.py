"""Kept slices, and their readings batch by batch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.records.kept_slices import KeptSlice, SliceDay, SliceKind, SliceMetric, SliceRows
from storage.records.results import MetricValue
from storage.records.slices import Predicate

_SELECT = """
SELECT k.*, r.by AS retired_by, r.at AS retired_at
FROM kept_slices k LEFT JOIN kept_slice_retirements r ON r.kept_slice_id = k.id
"""
# The loudest kinds first, then by name.
_LIST = (
    _SELECT + "WHERE (:model IS NULL OR k.model_id = :model) AND (:retired OR r.at IS NULL) "
    "ORDER BY k.model_id, CASE k.kind WHEN 'critical' THEN 0 WHEN 'scenario' THEN 1 ELSE 2 END, k.name, k.id"
)
_BY_NAME = _SELECT + "WHERE k.model_id = ? AND k.name = ? AND r.at IS NULL"
_INSERT = """
INSERT INTO kept_slices(model_id, name, predicates_json, kind, floor, note, by, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_RETIRE = "INSERT INTO kept_slice_retirements(kept_slice_id, reason, by, at) VALUES (?, ?, ?, ?)"
_INSERT_ROWS = """
INSERT INTO kept_slice_rows(kept_slice_id, batch_id, rows, batch_rows, missing_json, predictions, prediction_mean,
                            prediction_variance, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_DAYS = """
SELECT s.*, b.window_start, b.window_end FROM kept_slice_rows s JOIN batches b ON b.id = s.batch_id
WHERE s.kept_slice_id = ? AND s.batch_id IN (SELECT value FROM json_each(?)) ORDER BY b.window_start, b.id
"""
_LATEST = """
SELECT s.*, b.window_start, b.window_end FROM kept_slice_rows s JOIN batches b ON b.id = s.batch_id
WHERE s.kept_slice_id = ? AND b.role = 'serving' ORDER BY b.window_start DESC, b.id DESC LIMIT ?
"""
_COUNT = "SELECT count(*) FROM kept_slice_rows WHERE kept_slice_id = ?"
_INSERT_METRIC = """
INSERT INTO kept_slice_metrics(kept_slice_id, batch_id, metric, kind, version, value, low, high, n, rows, labelled,
                               note, state_json, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_METRICS = """
SELECT * FROM (
    SELECT m.*, b.stage, b.window_start, b.window_end, b.arrived_at
    FROM kept_slice_metrics m JOIN batches b ON b.id = m.batch_id
    WHERE m.kept_slice_id = :slice AND m.metric = :metric
      AND m.id = (SELECT max(id) FROM kept_slice_metrics n
                  WHERE n.kept_slice_id = m.kept_slice_id AND n.metric = m.metric AND n.batch_id = m.batch_id)
      AND (:batches IS NULL OR m.batch_id IN (SELECT value FROM json_each(:batches)))
    ORDER BY coalesce(b.window_start, b.arrived_at) DESC, b.id DESC LIMIT :limit
) ORDER BY coalesce(window_start, arrived_at), batch_id
"""


def insert(
    db: sqlite3.Connection,
    model_id: int,
    name: str,
    predicates: Sequence[Predicate],
    kind: SliceKind,
    floor: float | None,
    note: str | None,
    *,
    by: str,
    now: datetime,
) -> int:
    """Keep a slice under a name.

    Raises:
        RefusedError: another slice in force has that name.
    """
    body = json.dumps([p.document() for p in predicates], ensure_ascii=False)
    with transaction(db):
        if db.execute(_BY_NAME, (model_id, name)).fetchone() is not None:
            raise RefusedError(f"a slice called {name!r} is kept already", "choose another name, or retire that one")
        return int(db.execute(_INSERT, (model_id, name, body, kind, floor, note, by, to_text(now))).lastrowid or 0)


def retire(db: sqlite3.Connection, kept_slice_id: int, *, reason: str | None, by: str, now: datetime) -> None:
    """Watch it no more; its readings stay."""
    with transaction(db):
        db.execute(_RETIRE, (kept_slice_id, reason, by, to_text(now)))


def listing(db: sqlite3.Connection, model_id: int | None = None, *, retired: bool = False) -> list[KeptSlice]:
    """Kept slices, critical ones first; retired ones only when asked for."""
    return [_kept(row) for row in db.execute(_LIST, {"model": model_id, "retired": retired})]


def get(db: sqlite3.Connection, model_id: int, name: str) -> KeptSlice:
    """The slice in force of that name.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_NAME, (model_id, name)).fetchone()
    if row is None:
        known = ", ".join(kept.name for kept in listing(db, model_id)) or "none yet"
        raise UsageError(f"no slice called {name!r} is kept", f"kept: {known}")
    return _kept(row)


def add_rows(db: sqlite3.Connection, batch_id: int, readings: Sequence[SliceRows], now: datetime) -> None:
    """Record what slices looked like in a batch; the first telling holds."""
    with transaction(db):
        db.executemany(
            _INSERT_ROWS,
            [
                (
                    r.kept_slice_id, batch_id, r.rows, r.batch_rows, json.dumps(r.missing, ensure_ascii=False),
                    r.predictions, r.mean, r.variance, to_text(now),
                )
                for r in readings
            ],
        )  # fmt: skip


def days(db: sqlite3.Connection, kept_slice_id: int, batch_ids: Sequence[int]) -> list[SliceDay]:
    """What a slice looked like in those of the batches where it was read, in the order of time."""
    return [_day(row) for row in db.execute(_DAYS, (kept_slice_id, json.dumps(list(batch_ids))))]


def latest(db: sqlite3.Connection, kept_slice_id: int, limit: int = 1) -> list[SliceDay]:
    """What a slice looked like in the newest serving batches, newest first."""
    return [_day(row) for row in db.execute(_LATEST, (kept_slice_id, limit))]


def count(db: sqlite3.Connection, kept_slice_id: int) -> int:
    """In how many batches a slice was read."""
    return int(db.execute(_COUNT, (kept_slice_id,)).fetchone()[0])


def add_metrics(
    db: sqlite3.Connection,
    kept_slice_id: int,
    batch_id: int,
    values: Sequence[MetricValue],
    labelled: int,
    now: datetime,
) -> None:
    """Append what the metrics of a slice read in a batch now; earlier readings stay."""
    with transaction(db):
        db.executemany(
            _INSERT_METRIC,
            [
                (
                    kept_slice_id, batch_id, v.metric, v.kind, v.version, v.value, v.low, v.high, v.n, v.rows, labelled,
                    v.note, _json(v.state), to_text(now),
                )
                for v in values
            ],
        )  # fmt: skip


def metrics(
    db: sqlite3.Connection,
    kept_slice_id: int,
    metric: str,
    *,
    batch_ids: Sequence[int] | None = None,
    limit: int = -1,
    states: bool = True,
) -> list[SliceMetric]:
    """The newest reading of a metric per batch, in the order of time; with ``limit`` the newest so many.

    Without ``states`` the sums that readings came from are left out: they are large, and only merging needs them.
    """
    asked = {
        "slice": kept_slice_id, "metric": metric, "limit": limit,
        "batches": None if batch_ids is None else json.dumps(list(batch_ids)),
    }  # fmt: skip
    return [_metric(row, states) for row in db.execute(_METRICS, asked)]


def _json(state: dict[str, Any] | None) -> str | None:
    return None if state is None else json.dumps(state, separators=(",", ":"), allow_nan=False)


def _kept(row: sqlite3.Row) -> KeptSlice:
    return KeptSlice(
        id=row["id"],
        model_id=row["model_id"],
        name=row["name"],
        predicates=tuple(Predicate.read(p) for p in json.loads(row["predicates_json"])),
        kind=row["kind"],
        floor=row["floor"],
        note=row["note"],
        by=row["by"],
        at=from_text(row["at"]),
        retired_by=row["retired_by"],
        retired_at=from_text_or_none(row["retired_at"]),
    )


def _day(row: sqlite3.Row) -> SliceDay:
    reading = SliceRows(
        row["kept_slice_id"],
        row["rows"],
        row["batch_rows"],
        json.loads(row["missing_json"]),
        row["predictions"],
        row["prediction_mean"],
        row["prediction_variance"],
    )
    return SliceDay(
        row["batch_id"], from_text_or_none(row["window_start"]), from_text_or_none(row["window_end"]), reading
    )


def _metric(row: sqlite3.Row, states: bool) -> SliceMetric:
    reading = MetricValue(
        metric=row["metric"],
        kind=row["kind"],
        value=row["value"],
        low=row["low"],
        high=row["high"],
        n=row["n"],
        rows=row["rows"],
        note=row["note"],
        state=json.loads(row["state_json"]) if states and row["state_json"] is not None else None,
        version=row["version"],
    )
    return SliceMetric(
        row["kept_slice_id"],
        row["batch_id"],
        row["stage"],
        from_text_or_none(row["window_start"]),
        from_text_or_none(row["window_end"]) or from_text(row["arrived_at"]),
        row["labelled"],
        reading,
    )
