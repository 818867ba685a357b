"""Learning anew when enough labelled rows have come: from the references and the newest serving batches with labels.

It is done when a batch comes without its labels, never when labels come: a model whose logs hold them at once needs no
estimates, and its references would be read again for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from core.batch_log import log_of
from core.estimates.coding import SCORE_BINS, codings_of, sizes_of
from core.estimates.lesson import FORM, Lesson, pack, unpack
from core.estimates.reading import estimated_metrics, rows_of
from core.served_rows import hidden_stages, served_rows
from core.stats.estimation.backtest import cut
from core.stats.estimation.learned import LEAST_LABELLED, enough, learn
from core.stats.estimation.rows import Rows, together
from core.stats.packing import unpack as unpack_profile
from core.stats.slices.coding import Coding, fit_numbers
from storage.errors import SourceError
from storage.logs.quoting import sql_name
from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches, estimates, labels

if TYPE_CHECKING:
    from storage.logs.source import LogSource

SERVING = 30
"""Newest serving batches that are learned from."""
MOST = 40_000
"""Labelled rows that are learned from."""
GROWTH = 0.5
"""Learned anew once so many labelled rows have come, as a share of those learned from."""
UNLABELLED = 0.1
"""A log in which no larger share of the rows lacks its label needs no estimate."""
_CHUNK = 5_000

Found = list[tuple[Batch, int]]


def newest_lesson(db: sqlite3.Connection, model: Model) -> tuple[int, Lesson] | None:
    """What was learned last, and its id; None before anything was."""
    kept = estimates.lesson(db, model.id, form=FORM)
    return (kept[0], unpack(kept[1])) if kept else None


def keep_learning(db: sqlite3.Connection, model: Model, source: LogSource, *, now: datetime) -> bool:
    """Learn when it is due and a batch has come that needs it; returns whether it was learned.

    Files that are gone or changed are passed over. Nothing is due for a model whose metrics can't be estimated or that
    has no labels.

    Args:
        source: the log of the batch that came, open.
    """
    if model.file.columns.label is None or not estimated_metrics(model.file):
        return False
    found = _candidates(db, model, now)
    if sum(rows for _, rows in found) < LEAST_LABELLED:
        return False
    known = newest_lesson(db, model)
    if known is not None and not _due(known[1], found):
        return False
    if _labelled_already(source, model.file.columns.label):
        return False
    lesson = _learned(db, model, found)
    estimates.add_lesson(
        db, model.id, form=FORM, body=pack(lesson), rows=len(lesson.learned.sample) if lesson.learned else 0, now=now
    )
    return True


def _candidates(db: sqlite3.Connection, model: Model, now: datetime) -> Found:
    """Batches with labels that users saw; of the newest version alone, where it has enough of its own."""
    found = estimates.labelled(
        db, model.id, label=model.file.columns.label or "", ripe=now - model.file.labels.lag, limit=SERVING
    )
    found = [(batch, rows) for batch, rows in found if batch.stage not in hidden_stages(model.file)]
    newest = next((batch.version for batch, _ in found if batch.role == "serving"), None)
    own = [(batch, rows) for batch, rows in found if batch.version in (newest, None)]
    return own if sum(rows for _, rows in own) >= LEAST_LABELLED else found


def _labelled_already(source: LogSource, label: str) -> bool:
    """Whether the log itself holds the label of nearly all its rows."""
    if label not in {column.name for column in source.columns}:
        return False
    [(missing,)] = source.query(f"select count(*) - count({sql_name(label)}) from log")
    return int(str(missing)) <= UNLABELLED * source.rows


def _due(lesson: Lesson, found: Found) -> bool:
    fresh = sum(rows for batch, rows in found if batch.id not in lesson.batches)
    return fresh >= max(LEAST_LABELLED, GROWTH * lesson.tried)


def _learned(db: sqlite3.Connection, model: Model, found: Found) -> Lesson:
    """Read the batches in order of time and learn from their labelled rows."""
    ordered = sorted(found, key=lambda one: (one[0].window_start or one[0].arrived_at, one[0].id))
    codings: tuple[Coding, ...] = ()
    parts: list[Rows] = []
    for batch, _ in ordered:
        try:
            codings = codings or codings_of(unpack_profile(batches.profile(db, batch.id)), model.file.columns)
            parts.append(_labelled_rows(db, model, batch, codings))
        except (SourceError, ValueError):  # gone since its labels were measured, or profiled by a newer version
            continue
    versions = frozenset(batch.version for batch, _ in ordered if batch.version is not None)
    ids, tried = frozenset(batch.id for batch, _ in ordered), sum(rows for _, rows in ordered)
    regression = model.file.task == "regression"
    rows = together(parts).spread(MOST) if parts else None
    if rows is None or not enough(rows, regression=regression):
        return Lesson((*codings, Coding("", "number")), None, {}, ids, versions, tried)
    own = fit_numbers("", rows.scores, bins=SCORE_BINS)
    codings = (*codings, own)
    rows = replace(rows, codes=np.concatenate([rows.codes[:-1], own.encode_numbers(rows.scores)[None, :]]))
    learned = learn(rows, sizes_of(codings), regression=regression)
    serving = [batch.rows for batch, _ in ordered if batch.role == "serving"]
    windows = cut(learned, chunk=sorted(serving)[len(serving) // 2] if serving else _CHUNK)
    return Lesson(codings, learned, windows, ids, versions, tried)


def _labelled_rows(db: sqlite3.Connection, model: Model, batch: Batch, codings: Sequence[Coding]) -> Rows:
    """The labelled rows of one batch; its predictions have no bins yet."""
    from storage.logs.join import workspace

    with log_of(batch, model) as log, served_rows(log, model.file, batch.stage) as served, workspace() as room:
        known = labels.files_of(db, batch.id)
        for file in known:
            room.load(file, model.file)
        joined = room.join(served.source, model.file, known, [coding.column for coding in codings])
        return rows_of(joined, [*codings, Coding("", "number")], model.file).labelled().spread(MOST)
