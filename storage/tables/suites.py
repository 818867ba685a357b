"""Offline evaluations, metrics from elsewhere, and rotations of the primary metric: appended, never changed."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.slices import Predicate
from storage.records.suites import (
    CasesPassed,
    Counts,
    DataNamed,
    Document,
    Door,
    Evaluation,
    Figure,
    ImportedMetric,
    MetricCompared,
    PartCompared,
    Rotation,
    SetPassed,
    SimpleGain,
    SuiteSpec,
)

_SELECT = "SELECT e.*, m.name AS model FROM evaluations e JOIN models m ON m.id = e.model_id "
_INSERT = """
INSERT INTO evaluations(model_id, version, baseline, suite_json, suite_sha256, verified, comparison, passes,
                        document_json, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_BY_ID = _SELECT + "WHERE e.id = ?"
_LIST = (
    _SELECT + "WHERE e.model_id = :model AND (:version IS NULL OR e.version = :version) "
    "AND (:any OR e.baseline IS :baseline) ORDER BY e.id DESC LIMIT :limit"
)
_INSERT_IMPORTED = """
INSERT INTO imported_metrics(model_id, version, metric, value, source, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_IMPORTED = "SELECT * FROM imported_metrics WHERE model_id = ? AND version = ? ORDER BY id"
_INSERT_ROTATION = """
INSERT INTO primary_metrics(model_id, metric, before, owner, reason, by, at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ROTATIONS = "SELECT * FROM primary_metrics WHERE model_id = ? ORDER BY at, id"

_KEPT = ("id", "model_id", "model", "version", "baseline", "suite", "verified", "comparison", "passes", "by", "at")
"""What stands in columns of its own."""


def add(db: sqlite3.Connection, evaluation: Evaluation) -> int:
    """Append an evaluation and return its id; ``evaluation.id`` is ignored."""
    e = evaluation
    body = {k: v for k, v in dataclasses.asdict(e).items() if k not in _KEPT}
    document = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    values = (
        e.model_id, e.version, e.baseline, e.suite.document, e.suite.sha256, int(e.verified), e.comparison,
        int(e.passes), document, e.by, to_text(e.at),
    )  # fmt: skip
    with transaction(db):
        return int(db.execute(_INSERT, values).lastrowid or 0)


def get(db: sqlite3.Connection, evaluation_id: int) -> Evaluation:
    """The evaluation of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (evaluation_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no evaluation {evaluation_id}", "midwatch evaluate MODEL VERSION makes one")
    return _evaluation(row)


def listing(db: sqlite3.Connection, model_id: int, version: str | None = None, *, limit: int = 50) -> list[Evaluation]:
    """The evaluations of a model (of one version), the newest first."""
    asked = {"model": model_id, "version": version, "any": True, "baseline": None, "limit": limit}
    return [_evaluation(row) for row in db.execute(_LIST, asked)]


def against(
    db: sqlite3.Connection, model_id: int, version: str, baseline: str | None, *, limit: int = 50
) -> list[Evaluation]:
    """The evaluations of a version against one baseline, the newest first."""
    asked = {"model": model_id, "version": version, "any": False, "baseline": baseline, "limit": limit}
    return [_evaluation(row) for row in db.execute(_LIST, asked)]


def add_imported(
    db: sqlite3.Connection,
    model_id: int,
    version: str,
    values: Mapping[str, float],
    *,
    source: str,
    by: str,
    now: datetime,
) -> None:
    """Append numbers from elsewhere."""
    rows = [(model_id, version, metric, value, source, by, to_text(now)) for metric, value in values.items()]
    with transaction(db):
        db.executemany(_INSERT_IMPORTED, rows)


def imported(db: sqlite3.Connection, model_id: int, version: str) -> list[ImportedMetric]:
    """The numbers from elsewhere about a version, in the order they came."""
    return [
        ImportedMetric(
            r["id"], r["model_id"], r["version"], r["metric"], r["value"], r["source"], r["by"], from_text(r["at"])
        )
        for r in db.execute(_IMPORTED, (model_id, version))
    ]


def add_rotation(
    db: sqlite3.Connection,
    model_id: int,
    metric: str,
    *,
    before: str | None,
    owner: str,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Append from when on another metric is the primary one."""
    with transaction(db):
        db.execute(_INSERT_ROTATION, (model_id, metric, before, owner, reason, by, to_text(now)))


def rotations(db: sqlite3.Connection, model_id: int) -> list[Rotation]:
    """The rotations of a model's primary metric, in order of time."""
    return [
        Rotation(r["id"], r["model_id"], r["metric"], r["before"], r["owner"], r["reason"], r["by"], from_text(r["at"]))
        for r in db.execute(_ROTATIONS, (model_id,))
    ]


def _evaluation(row: sqlite3.Row) -> Evaluation:
    body: Document = json.loads(row["document_json"])
    data = body["data"]
    return Evaluation(
        id=row["id"],
        model_id=row["model_id"],
        model=row["model"],
        version=row["version"],
        baseline=row["baseline"],
        suite=SuiteSpec(row["suite_json"], row["suite_sha256"]),
        data=DataNamed(data["kind"], tuple(data["names"]), tuple(data["sha256"]), tuple(data["labels"])),
        verified=bool(row["verified"]),
        split=body["split"],
        flags=tuple(body["flags"]),
        candidate_door=Door(**body["candidate_door"]),
        baseline_door=Door(**body["baseline_door"]),
        counts=Counts(**body["counts"]),
        comparison=row["comparison"],
        passes=bool(row["passes"]),
        reasons=tuple(body["reasons"]),
        parts=tuple(_part(part) for part in body["parts"]),
        sets=tuple(SetPassed(**one) for one in body["sets"]),
        gain=SimpleGain(**body["gain"]) if body["gain"] else None,
        cases=CasesPassed(**{**body["cases"], "first": tuple(body["cases"]["first"])}) if body["cases"] else None,
        notes=tuple(body["notes"]),
        by=row["by"],
        at=from_text(row["at"]),
    )


def _part(body: Document) -> PartCompared:
    told = {key: value for key, value in body.items() if key not in ("predicates", "metrics")}
    predicates = tuple(Predicate.read(one) for one in body["predicates"])
    return PartCompared(**told, predicates=predicates, metrics=tuple(_compared(one) for one in body["metrics"]))


def _compared(body: Document) -> MetricCompared:
    figures: dict[str, Any] = {
        name: Figure(**body[name]) if body[name] else None for name in ("candidate", "baseline", "difference")
    }
    return MetricCompared(**{**body, **figures})
