"""Rows that go into an evaluation set without being failures: of a batch, or of a file of one's own."""

from __future__ import annotations

import sqlite3

from core.batch_log import log_of
from core.evaluation.failure_cases import drafts_of, with_late_labels
from core.evaluation.items import plain_text
from storage.errors import SourceError, UsageError
from storage.records.batches import Batch
from storage.records.evaluation_sets import Item
from storage.records.models import Model

MOST = 100_000
"""Rows read of a file, at the most."""


def rows_of_batch(
    db: sqlite3.Connection, model: Model, batch: Batch, condition: str, *, limit: int, golden: bool = False
) -> list[Item]:
    """Rows of a batch as items: with their label, or as golden rows with the score that was given.

    Raises:
        SourceError: the batch's file is gone or has changed, or the condition can't be read.
    """
    with log_of(batch, model) as log:
        _, rows = log.rows_where(condition, limit=limit)
        drafts = with_late_labels(db, model, batch, drafts_of(rows, log, model.file, batch.version))
    items = []
    for d in drafts:
        score = _score(d.got) if golden else None
        if golden and score is None:
            raise SourceError(f"row {d.row_key} has no number as its score", "golden rows are rows with a score")
        items.append(Item(d.row_key, d.payload, d.expected, score))
    if not golden and all(item.expected is None for item in items) and items:
        raise UsageError("none of these rows has a label yet", "labels come with midwatch labels MODEL FILE")
    return [item for item in items if golden or item.expected is not None]


def rows_of_file(model: Model, path: str, *, golden: bool = False) -> list[Item]:
    """Rows of a file of one's own as items; it has the model's columns, the label or (golden) the score among them.

    Raises:
        SourceError: it can't be read, or lacks a column.
    """
    from storage.logs.source import open_log

    columns = model.file.columns
    needed = columns.prediction if golden else columns.label or "label"
    with open_log(path, types={columns.id: "text"} if columns.id else {}) as log:
        log.column(needed)
        _, rows = log.rows_where("true", limit=MOST)
        drafts = drafts_of(rows, log, model.file, None)
        told = [plain_text(row.values[needed]) for row in rows]
    items = []
    for d, answer in zip(drafts, told, strict=True):
        score = _score(answer) if golden else None
        if (score if golden else answer) is None:
            what = "score" if golden else "label"
            raise SourceError(f"{path}, line {d.line}: row {d.row_key} has no {what}", "every row needs one")
        items.append(Item(d.row_id or f"line {d.line}", d.payload, None if golden else answer, score))
    return items


def _score(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
