"""A model's verdicts and alerts over all its batches, in four reads."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable

from storage.clock import from_text, from_text_or_none
from storage.records.verdict_history import JudgedBatch, PastAlert, PastFinding

_BATCHES = """
SELECT id, window_start, coalesce(window_start, arrived_at) AS at, rows FROM batches
WHERE model_id = ? AND role = 'serving' ORDER BY coalesce(window_start, arrived_at), id
"""
_FINDINGS = """
SELECT r.id, r.batch_id, r.check_name, r.column_name, r.slice, r.class, r.tier, r.score, r.evidence_json
FROM check_results r JOIN batches b ON b.id = r.batch_id
WHERE b.model_id = ? AND b.role = 'serving' AND r.status = 'fail' ORDER BY r.id
"""
_ALERTS = """
SELECT a.id, a.batch_id, a.tier, a.group_key, a.columns_json, a.title,
       (SELECT verdict FROM alert_feedback f WHERE f.alert_id = a.id ORDER BY f.id DESC LIMIT 1) AS verdict,
       (SELECT incident_id FROM alert_events e WHERE e.alert_id = a.id AND kind = 'link'
        ORDER BY e.id DESC LIMIT 1) AS incident_id
FROM alerts a WHERE a.model_id = ? AND a.batch_id IS NOT NULL ORDER BY a.id
"""
_LINKS = """
SELECT f.alert_id, f.result_id FROM alert_findings f JOIN alerts a ON a.id = f.alert_id WHERE a.model_id = ?
"""
_STREAKS = """
SELECT b.id, r.check_name, r.column_name, r.slice
FROM (SELECT id, coalesce(window_start, arrived_at) AS at FROM batches
      WHERE model_id = :model AND role = 'serving' AND (:at IS NULL OR coalesce(window_start, arrived_at) < :at)
      ORDER BY coalesce(window_start, arrived_at) DESC, id DESC LIMIT :limit) b
LEFT JOIN check_results r ON r.batch_id = b.id AND r.status = 'fail'
     AND r.check_name IN (SELECT value FROM json_each(:checks))
     AND (r.tier <> 'evidence' OR json_extract(r.evidence_json, '$.tier_before') <> 'evidence')
ORDER BY b.at DESC, b.id DESC
"""


def judged_batches(db: sqlite3.Connection, model_id: int) -> list[JudgedBatch]:
    """The serving batches in order of time."""
    found = []
    for row in db.execute(_BATCHES, (model_id,)):
        start = from_text_or_none(row["window_start"])
        found.append(JudgedBatch(row["id"], from_text(row["at"]), None if start is None else start.hour, row["rows"]))
    return found


def findings(db: sqlite3.Connection, model_id: int) -> list[PastFinding]:
    """Every failing verdict on a serving batch, evidence too."""
    return [_finding(row) for row in db.execute(_FINDINGS, (model_id,))]


def alerts(db: sqlite3.Connection, model_id: int) -> list[PastAlert]:
    """Every alert of a batch, in the order in which they were raised."""
    parts: dict[int, list[int]] = defaultdict(list)
    for row in db.execute(_LINKS, (model_id,)):
        parts[row["alert_id"]].append(row["result_id"])
    return [
        PastAlert(
            id=row["id"],
            batch_id=row["batch_id"],
            tier=row["tier"],
            group_key=row["group_key"],
            columns=tuple(json.loads(row["columns_json"])),
            title=row["title"],
            verdict=row["verdict"],
            incident_id=row["incident_id"],
            findings=tuple(parts[row["id"]]),
        )
        for row in db.execute(_ALERTS, (model_id,))
    ]


def streaks(
    db: sqlite3.Connection, model_id: int, checks: Iterable[str], *, before: str | None, limit: int
) -> dict[tuple[str, str | None, str | None], int]:
    """By check, column and slice: in how many of the ``limit`` batches directly before a moment it failed in a row."""
    values = {"model": model_id, "at": before, "limit": limit, "checks": json.dumps(sorted(checks))}
    failed: dict[int, set[tuple[str, str | None, str | None]]] = {}
    for row in db.execute(_STREAKS, values):
        found = failed.setdefault(row["id"], set())
        if row["check_name"] is not None:
            found.add((row["check_name"], row["column_name"], row["slice"]))
    runs: dict[tuple[str, str | None, str | None], int] = {}
    for length, keys in enumerate(failed.values(), 1):
        for key in keys:
            if runs.get(key, 0) == length - 1:
                runs[key] = length
    return runs


def _finding(row: sqlite3.Row) -> PastFinding:
    evidence = json.loads(row["evidence_json"]) if row["evidence_json"] else {}
    touched = evidence.get("rows")
    return PastFinding(
        id=row["id"],
        batch_id=row["batch_id"],
        check=row["check_name"],
        column=row["column_name"],
        slice=row["slice"],
        hard=row["class"] == "hard",
        tier=row["tier"],
        tier_before=evidence.get("tier_before"),
        score=row["score"] or 0.0,
        times=evidence.get("times"),
        touched=float(touched) if isinstance(touched, int | float) else None,
        quiet="quiet" in evidence,
        explained_by=evidence.get("explained_by"),
        columns=tuple(str(c) for c in evidence.get("columns") or ()),
    )
