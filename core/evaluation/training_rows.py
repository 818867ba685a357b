"""The rows that the live version learned from, profiled once per process, and its figures offline beside those live."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.checks.beside import Training
from core.profiles import profile_log
from core.stats.alone import category_auc, rank_auc
from core.stats.intervals import Z95
from core.stats.profile import BatchProfile
from core.validate import roles_of
from storage import training_data
from storage.errors import SourceError
from storage.logs.quoting import sql_name as name
from storage.logs.source import open_log
from storage.records.models import Model
from storage.tables import metrics, versions

if TYPE_CHECKING:
    from storage.logs.source import LogSource
    from storage.records.logs import Roles

LEAST_ROWS = 200
LEAST_CLASS = 30
"""Fewer rows, or fewer of a class, and no column's ranking is told."""

KEPT_IDS = 200_000
"""Ids of training rows that are held to be looked for in live data."""


@dataclass(frozen=True, slots=True)
class _Rows:
    profile: BatchProfile
    alone: Mapping[str, float]
    late: Mapping[str, int]
    ids: frozenset[str]


def training_of(db: sqlite3.Connection, model: Model, version: str | None, source: LogSource) -> Training | str:
    """What is known of the training of a version beside one batch, or the reason why nothing is."""
    found = versions.find(db, model.id, version) if version else None
    if found is None or found.data_path is None:
        return f"{version or 'the live version'} is not registered with its data"
    try:
        told = training_data.read(Path(found.data_path))
        rows = _read(str(told.rows), told.rows.stat().st_mtime_ns, roles_of(model.file)) if told.rows else None
    except (SourceError, OSError) as error:
        return f"the training data of {found.version} can't be read: {error}"
    if rows is None and not told.offline:
        return f"the data of {found.version} names no training rows and no offline metrics"
    training = Training(found.version, offline=told.offline, live=live_metrics(db, model, found.version, told.offline))
    if rows is None:
        return training
    known = _known_ids(source, roles_of(model.file), rows.ids)
    return replace(training, profile=rows.profile, alone=rows.alone, late=rows.late, known_ids=known)


def live_metrics(
    db: sqlite3.Connection, model: Model, version: str, wanted: Mapping[str, float]
) -> dict[str, tuple[float, float, int]]:
    """Metrics of a version over its labelled serving batches: value, standing error and labels, those with enough."""
    found = {}
    for metric in wanted:
        points = [
            (p.reading.value, p.reading.n, p.reading.low, p.reading.high)
            for p in metrics.history(db, model.id, metric, version=version)
        ]
        known = [(v, n, lo, hi) for v, n, lo, hi in points if v is not None and lo is not None and hi is not None and n]
        labels = sum(n for _, n, _, _ in known)
        if labels >= model.file.labels.minimum and labels:
            mean = sum(v * n for v, n, _, _ in known) / labels
            error = sum(((hi - lo) / (2 * Z95) * n) ** 2 for _, n, lo, hi in known) ** 0.5 / labels
            found[metric] = (mean, error, labels)
    return found


@lru_cache(maxsize=16)
def _read(path: str, _changed: int, roles: Roles) -> _Rows:
    """Profile a log of training rows; once per state of the file."""
    with open_log(path) as source:
        profile = profile_log(source, roles)
        return _Rows(profile, _alone(source, profile, roles), _late(source, roles), _ids(source, roles))


def _alone(source: LogSource, profile: BatchProfile, roles: Roles) -> dict[str, float]:
    """AUC of each feature alone; nothing without a label of zeros and ones, or with too few rows of either."""
    import numpy as np

    label = roles.label
    there = {column.name for column in source.columns}
    if label not in there or label is None or source.column(label).kind not in ("number", "boolean"):
        return {}
    apart = {label, roles.id, roles.time, roles.prediction, roles.version, roles.stage, *roles.ignore}
    numbers = [column for column in source.names("number", "boolean") if column not in apart]
    cells = source.cells([label, *numbers]).numbers
    truth = cells[label]
    known = truth[~np.isnan(truth)]
    positive = int((known == 1).sum())
    if not np.isin(known, (0.0, 1.0)).all() or len(known) < LEAST_ROWS:
        return {}
    if min(positive, len(known) - positive) < LEAST_CLASS:
        return {}
    alone = {}
    for column in numbers:
        value, rows = rank_auc(cells[column], truth)
        if rows >= LEAST_ROWS:
            alone[column] = value
    for column, parts in profile.slices.items():
        if column not in apart and column not in alone:
            moments = [part.moments.get(label) for part in parts.values()]
            alone[column] = category_auc([(int(m.n), round(m.mean * m.n)) for m in moments if m is not None and m.n])
    return alone


def _late(source: LogSource, roles: Roles) -> dict[str, int]:
    """Rows whose other times lie after the moment of the prediction; a time that tells of the label may."""
    times = source.names("time")
    if roles.time not in times or roles.time is None:
        return {}
    others = [c for c in times if c != roles.time and c not in roles.ignore and "label" not in c.lower()]
    found = {}
    for column in others:
        [(late,)] = source.query(f"SELECT count(*) FROM log WHERE {name(column)} > {name(roles.time)}")
        found[column] = int(str(late))
    return found


def _ids(source: LogSource, roles: Roles) -> frozenset[str]:
    if roles.id is None or roles.id not in {column.name for column in source.columns}:
        return frozenset()
    told = source.query(f"SELECT DISTINCT {name(roles.id)}::VARCHAR FROM log LIMIT {KEPT_IDS}")
    return frozenset(str(value) for (value,) in told if value is not None)


def _known_ids(source: LogSource, roles: Roles, ids: frozenset[str]) -> int:
    if not ids or roles.id is None or roles.id not in {column.name for column in source.columns}:
        return 0
    return sum(str(value) in ids for (value,) in source.query(f"SELECT {name(roles.id)}::VARCHAR FROM log"))
