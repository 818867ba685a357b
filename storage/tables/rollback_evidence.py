"""What the store knows for and against putting a version in force: read only, from the tables of other parts."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.clock import from_text, to_text

_NEWEST_COLUMNS = """
SELECT columns_json, version, window_end, arrived_at FROM batches
WHERE model_id = :model AND role = 'serving' AND (:version IS NULL OR version = :version)
ORDER BY coalesce(window_end, arrived_at) DESC, id DESC LIMIT 1
"""
_SERVED = "SELECT 1 FROM batches WHERE model_id = ? AND version = ? AND role = 'serving' LIMIT 1"
_METRIC = """
SELECT v.value, v.note, v.n, b.window_end, b.arrived_at FROM metric_current v JOIN batches b ON b.id = v.batch_id
WHERE v.model_id = ? AND v.metric = ? AND coalesce(v.version, b.version) = ?
ORDER BY v.value IS NULL, coalesce(b.window_end, b.arrived_at) DESC, v.id DESC LIMIT 1
"""
# The last of what was ingested, not of the clock: a watch looks at files that came late, too.
_VOLUME = """
SELECT rows, window_start, window_end, version FROM batches
WHERE model_id = ? AND role = 'serving' AND window_start IS NOT NULL AND window_end > window_start
ORDER BY window_end DESC, id DESC LIMIT 24
"""
_OPEN_ALERTS = """
SELECT a.id, a.tier, a.title FROM alerts a
JOIN alert_state s ON s.alert_id = a.id JOIN batches b ON b.id = a.batch_id
WHERE a.model_id = ? AND b.version = ? AND a.tier IN ('page', 'ticket')
  AND s.state <> 'resolved' AND coalesce(s.verdict, '') NOT IN ('noise', 'duplicate')
ORDER BY a.id DESC LIMIT 1
"""
_OPEN_INCIDENTS = """
SELECT i.key, i.title AS text FROM incidents i JOIN incident_state s ON s.incident_id = i.id
WHERE i.model_id = :model AND s.state NOT IN ('resolved', 'reviewed', 'closed', 'duplicate', 'false_alarm')
UNION ALL
SELECT i.key, coalesce(e.value, '') || ' ' || coalesce(e.body, '') FROM incidents i
JOIN incident_state s ON s.incident_id = i.id JOIN incident_events e ON e.incident_id = i.id
WHERE i.model_id = :model AND e.kind IN ('cause', 'hypothesis')
  AND s.state NOT IN ('resolved', 'reviewed', 'closed', 'duplicate', 'false_alarm')
"""
_SHOWN = """
SELECT coalesce(window_end, arrived_at) AS at FROM batches
WHERE model_id = :model AND role = 'serving' AND version = :version AND coalesce(stage, :stage) = :stage
  AND coalesce(window_end, arrived_at) > :since
UNION ALL
SELECT at FROM deployments
WHERE model_id = :model AND version = :version AND stage = :stage AND action = 'observed' AND at >= :since
ORDER BY at LIMIT 1
"""
_FILE_THEN = "SELECT path, text FROM model_files WHERE model_id = ? AND sha256 = ? ORDER BY id DESC LIMIT 1"
_INCIDENT = "SELECT id FROM incidents WHERE key = ?"
_INCIDENT_TITLE = "SELECT key, title FROM incidents WHERE id = ?"
_OPEN_OF_MODEL = """
SELECT i.key FROM incidents i JOIN incident_state s ON s.incident_id = i.id
WHERE i.model_id = ? AND s.state NOT IN ('resolved', 'reviewed', 'closed', 'duplicate', 'false_alarm') ORDER BY i.id
"""
_AWAY = """
SELECT r.at, r.reason FROM rollbacks r JOIN rollback_state s ON s.rollback_id = r.id
WHERE r.model_id = ? AND r.from_version = ? AND s.state = 'verified' AND r.kind <> 'undo' ORDER BY r.id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class LastMetric:
    """The newest value of a metric while a version served; ``value`` None with a note that says why."""

    value: float | None
    note: str | None
    n: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Volume:
    """Rows per hour of the newest serving batches, and the share of them each version served."""

    rows_per_hour: float
    shares: dict[str, float]


def columns(db: sqlite3.Connection, model_id: int, version: str | None = None) -> dict[str, str] | None:
    """Kind by name of the columns of the newest serving batch (of a version), None when there is none."""
    row = db.execute(_NEWEST_COLUMNS, {"model": model_id, "version": version}).fetchone()
    return {str(name): str(kind) for name, kind in json.loads(row["columns_json"])} if row else None


def served(db: sqlite3.Connection, model_id: int, version: str) -> bool:
    """Whether a serving log shows the version."""
    return db.execute(_SERVED, (model_id, version)).fetchone() is not None


def last_metric(db: sqlite3.Connection, model_id: int, metric: str, version: str) -> LastMetric | None:
    """The metric of the newest batch that the version served and that has a value."""
    row = db.execute(_METRIC, (model_id, metric, version)).fetchone()
    if row is None:
        return None
    return LastMetric(row["value"], row["note"], row["n"], from_text(row["window_end"] or row["arrived_at"]))


def volume(db: sqlite3.Connection, model_id: int) -> Volume | None:
    """Rows per hour of the newest serving batches that have a window, None when there are none.

    The newest are those of the last hour that was ingested, or the newest one alone where it is longer: what a version
    that came an hour ago serves now must not be told from the days before it.
    """
    rows = db.execute(_VOLUME, (model_id,)).fetchall()
    if not rows:
        return None
    last = from_text(rows[0]["window_end"])
    since = min(last - timedelta(hours=1), from_text(rows[0]["window_start"]))
    rows = [row for row in rows if from_text(row["window_start"]) >= since]
    total = sum(row["rows"] for row in rows)
    start, end = min(row["window_start"] for row in rows), max(row["window_end"] for row in rows)
    hours = (from_text(end) - from_text(start)).total_seconds() / 3600
    shares: dict[str, float] = {}
    for row in rows:
        name = row["version"] or ""
        shares[name] = shares.get(name, 0.0) + (row["rows"] / total if total else 0.0)
    return Volume(total / hours, shares)


def suspicion(db: sqlite3.Connection, model_id: int, version: str) -> str | None:
    """One sentence about an open alert of its rows, or an open incident whose title, hypothesis or cause names it.

    Evidence is left out: it tells of the versions before and after as well, the good ones among them.
    """
    alert = db.execute(_OPEN_ALERTS, (model_id, version)).fetchone()
    if alert:
        return f"an open {alert['tier']} (alert {alert['id']}) is about rows it served: {alert['title']}"
    # A word border that knows dots and dashes: v1 is not named by v1.2 or v12.
    word = re.compile(rf"(?<![\w.+-]){re.escape(version)}(?![\w+-]|\.\w)")
    for row in db.execute(_OPEN_INCIDENTS, {"model": model_id}):
        if word.search(row["text"]):
            return f"the open incident {row['key']} names it: {row['text'].strip()[:120]}"
    return None


def rolled_back_from(db: sqlite3.Connection, model_id: int, version: str) -> tuple[datetime, str] | None:
    """When and why the version was last rolled back from (and that was not undone)."""
    row = db.execute(_AWAY, (model_id, version)).fetchone()
    return (from_text(row["at"]), row["reason"]) if row else None


def shown_since(db: sqlite3.Connection, model_id: int, version: str, stage: str, since: datetime) -> datetime | None:
    """When a log first showed the version in the stage after ``since``, None when none did."""
    values = {"model": model_id, "version": version, "stage": stage, "since": to_text(since)}
    row = db.execute(_SHOWN, values).fetchone()
    return from_text(row["at"]) if row else None


def model_file_then(db: sqlite3.Connection, model_id: int, sha256: str) -> tuple[str, str]:
    """Path and text of the model file that had this hash (a ``KeyError`` is a mistake of the program)."""
    row = db.execute(_FILE_THEN, (model_id, sha256)).fetchone()
    if row is None:
        raise KeyError(sha256)
    return row["path"], row["text"]


def incident_id(db: sqlite3.Connection, key: str) -> int | None:
    """The row id of an incident's key."""
    row = db.execute(_INCIDENT, (key,)).fetchone()
    return int(row["id"]) if row else None


def incident_title(db: sqlite3.Connection, incident_id: int) -> tuple[str, str] | None:
    """Key and title of an incident by its row id."""
    row = db.execute(_INCIDENT_TITLE, (incident_id,)).fetchone()
    return (str(row["key"]), str(row["title"])) if row else None


def open_incidents(db: sqlite3.Connection, model_id: int) -> list[str]:
    """Keys of the incidents of a model that are not over, oldest first."""
    return [str(row["key"]) for row in db.execute(_OPEN_OF_MODEL, (model_id,))]
