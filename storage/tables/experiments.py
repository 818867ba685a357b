"""Experiments, their results and events, limits on how many run, and defects that a person tagged."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from storage.clock import from_text, to_text
from storage.errors import RefusedError, UsageError
from storage.records.experiments import (
    CaughtAt,
    DefectTag,
    Experiment,
    ExperimentEvent,
    ExperimentEventKind,
    ExperimentLimit,
    ExperimentResult,
    LimitScope,
    Registration,
    ResultSource,
)
from storage.records.models import StageKind

_SELECT = """
SELECT e.*, m.name AS model, s.state, s.version
FROM experiments e JOIN models m ON m.id = e.model_id JOIN experiment_state s ON s.experiment_id = e.id
"""
_LIST = _SELECT + "WHERE :model IS NULL OR e.model_id = :model ORDER BY e.id"
_BY_ID = _SELECT + "WHERE e.id = ?"
_INSERT = """
INSERT INTO experiments(model_id, parent_id, title, kind, hypothesis, metric, predicted_low, predicted_high,
                        minimum_gain, idea_from, link, document, sha256, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_RESULT = """
INSERT INTO experiment_results(experiment_id, stage, kind, metric, gain, low, high, n, version, baseline, source,
                               source_ref, note, by, at, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_RESULTS = """
SELECT * FROM experiment_results WHERE :experiment IS NULL OR experiment_id = :experiment ORDER BY experiment_id, id
"""
_INSERT_EVENT = """
INSERT INTO experiment_events(experiment_id, kind, body, hypothesis, retrofitted, hours, version, by, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_EVENTS = """
SELECT * FROM experiment_events WHERE :experiment IS NULL OR experiment_id = :experiment ORDER BY experiment_id, id
"""
_INSERT_LIMIT = "INSERT INTO experiment_limits(scope, name, most, reason, by, at) VALUES (?, ?, ?, ?, ?, ?)"
_LIMITS = """
SELECT * FROM experiment_limits l
WHERE id = (SELECT max(id) FROM experiment_limits x WHERE x.scope = l.scope AND x.name = l.name) ORDER BY scope, name
"""
_INSERT_TAG = "INSERT INTO defect_tags(defect, model_id, title, stage, by, at) VALUES (?, ?, ?, ?, ?, ?)"
_NEXT_BY_HAND = "SELECT count(DISTINCT defect) + 1 FROM defect_tags WHERE defect LIKE 'hand:%'"
_TAGS = """
SELECT t.*, m.name AS model, (SELECT min(at) FROM defect_tags x WHERE x.defect = t.defect) AS first_at
FROM defect_tags t LEFT JOIN models m ON m.id = t.model_id
WHERE t.id = (SELECT max(id) FROM defect_tags x WHERE x.defect = t.defect) ORDER BY t.id
"""


def listing(db: sqlite3.Connection, model_id: int | None = None) -> list[Experiment]:
    """Every experiment of a model, or of all, in the order registered."""
    return [_experiment(row) for row in db.execute(_LIST, {"model": model_id})]


def get(db: sqlite3.Connection, experiment_id: int) -> Experiment:
    """The experiment of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (experiment_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no experiment {experiment_id} in this store", "list them: midwatch experiments")
    return _experiment(row)


def insert(
    db: sqlite3.Connection, model_id: int, given: Registration, *, document: str, sha256: str, by: str, now: datetime
) -> int:
    """Write down what was registered; its id.

    Raises:
        RefusedError: that very registration is there already.
    """
    values = (
        model_id, given.parent_id, given.title, given.kind, given.hypothesis, given.metric, given.predicted_low,
        given.predicted_high, given.minimum_gain, given.idea_from, given.link, document, sha256, by, to_text(now),
    )  # fmt: skip
    try:
        return int(db.execute(_INSERT, values).lastrowid or 0)
    except sqlite3.IntegrityError as error:
        if "sha256" not in str(error):
            raise
        raise RefusedError("this very experiment was registered just now", "midwatch experiments") from error


def add_result(
    db: sqlite3.Connection,
    experiment_id: int,
    *,
    stage: str,
    kind: StageKind,
    metric: str,
    gain: float,
    low: float,
    high: float,
    n: int | None,
    version: str | None,
    baseline: str | None,
    source: ResultSource,
    source_ref: str | None,
    note: str | None,
    by: str,
    at: datetime,
    now: datetime,
) -> int:
    """Append one result; the store itself refuses one that is older than the registration."""
    values = (
        experiment_id, stage, kind, metric, gain, low, high, n, version, baseline, source, source_ref, note, by,
        to_text(at), to_text(now),
    )  # fmt: skip
    return int(db.execute(_INSERT_RESULT, values).lastrowid or 0)


def add_event(
    db: sqlite3.Connection,
    experiment_id: int,
    kind: ExperimentEventKind,
    *,
    body: str | None = None,
    hypothesis: str | None = None,
    retrofitted: bool = False,
    hours: float | None = None,
    version: str | None = None,
    by: str,
    now: datetime,
) -> int:
    """Append one event."""
    values = (experiment_id, kind, body, hypothesis, int(retrofitted), hours, version, by, to_text(now))
    return int(db.execute(_INSERT_EVENT, values).lastrowid or 0)


def results(db: sqlite3.Connection, experiment_id: int | None = None) -> list[ExperimentResult]:
    """The results of one experiment, or of all, in the order written."""
    return [_result(row) for row in db.execute(_RESULTS, {"experiment": experiment_id})]


def events(db: sqlite3.Connection, experiment_id: int | None = None) -> list[ExperimentEvent]:
    """What happened to one experiment, or to all, in order."""
    return [_event(row) for row in db.execute(_EVENTS, {"experiment": experiment_id})]


def set_limit(
    db: sqlite3.Connection, scope: LimitScope, name: str, most: int, *, reason: str | None, by: str, now: datetime
) -> None:
    """Append a limit; the latest one of a scope and name holds."""
    db.execute(_INSERT_LIMIT, (scope, name, most, reason, by, to_text(now)))


def limits(db: sqlite3.Connection) -> list[ExperimentLimit]:
    """The limits that hold."""
    return [
        ExperimentLimit(r["scope"], r["name"], r["most"], r["reason"], r["by"], from_text(r["at"]))
        for r in db.execute(_LIMITS)
    ]


def add_tag(
    db: sqlite3.Connection,
    stage: CaughtAt,
    *,
    defect: str | None = None,
    model_id: int | None = None,
    title: str | None = None,
    by: str,
    now: datetime,
) -> str:
    """Say where a defect was caught; without ``defect`` it is a new one that only this row records. Its name."""
    named = defect or f"hand:{db.execute(_NEXT_BY_HAND).fetchone()[0]}"
    db.execute(_INSERT_TAG, (named, model_id, title, stage, by, to_text(now)))
    return named


def tags(db: sqlite3.Connection) -> list[DefectTag]:
    """What was said last of each defect."""
    return [
        DefectTag(
            id=row["id"],
            defect=row["defect"],
            model_id=row["model_id"],
            model=row["model"],
            title=row["title"],
            stage=row["stage"],
            by=row["by"],
            at=from_text(row["at"]),
            first_at=from_text(row["first_at"]),
        )
        for row in db.execute(_TAGS)
    ]


def _experiment(row: sqlite3.Row) -> Experiment:
    given = Registration(
        title=row["title"],
        hypothesis=row["hypothesis"],
        metric=row["metric"],
        predicted_low=row["predicted_low"],
        predicted_high=row["predicted_high"],
        minimum_gain=row["minimum_gain"],
        kind=row["kind"],
        idea_from=row["idea_from"],
        link=row["link"],
        parent_id=row["parent_id"],
    )
    return Experiment(
        id=row["id"],
        model_id=row["model_id"],
        model=row["model"],
        registration=given,
        document=row["document"],
        sha256=row["sha256"],
        by=row["by"],
        at=from_text(row["at"]),
        state=row["state"],
        version=row["version"],
    )


def _result(row: sqlite3.Row) -> ExperimentResult:
    return ExperimentResult(
        id=row["id"],
        experiment_id=row["experiment_id"],
        stage=row["stage"],
        kind=row["kind"],
        metric=row["metric"],
        gain=row["gain"],
        low=row["low"],
        high=row["high"],
        n=row["n"],
        version=row["version"],
        baseline=row["baseline"],
        source=row["source"],
        source_ref=row["source_ref"],
        note=row["note"],
        by=row["by"],
        at=from_text(row["at"]),
        recorded_at=from_text(row["recorded_at"]),
    )


def _event(row: sqlite3.Row) -> ExperimentEvent:
    return ExperimentEvent(
        id=row["id"],
        experiment_id=row["experiment_id"],
        kind=row["kind"],
        body=row["body"],
        hypothesis=row["hypothesis"],
        retrofitted=bool(row["retrofitted"]),
        hours=row["hours"],
        version=row["version"],
        by=row["by"],
        at=from_text(row["at"]),
    )
