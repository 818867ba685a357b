"""What the metrics of a batch are without its labels, whether that may be shown, and what became of earlier estimates.

An estimate is made once, when a batch is first measured and whatever labels it has by then: those that come later, or
that were there and not looked at, say how far it was off. Later judgements change the verdict, never the words.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.served_rows import hidden_stages
from storage.records.batches import Batch
from storage.records.estimates import Estimate
from storage.records.models import Model
from storage.tables import batches, estimates, metrics

if TYPE_CHECKING:
    from core.estimates.lesson import Lesson
    from core.stats.estimation.backtest import Window
    from storage.logs.joined_rows import Joined
    from storage.logs.source import LogSource

ENOUGH_OF_ITS_OWN = 6
"""With so many windows whose labels came later, those made of the labelled rows themselves count no more."""
UNRIPE = 20
"""Batches without their labels that are judged anew when labels of others come."""

Standing = tuple[int, "Lesson"]


def latest(db: sqlite3.Connection, model_id: int, batch_id: int, metric: str) -> Estimate | None:
    """The newest estimate of a metric of a batch, usable or not; None where nothing was estimated."""
    return estimates.latest(db, model_id, batch_id, metric)


def unmeasured(db: sqlite3.Connection, batch_id: int) -> tuple[Estimate, ...]:
    """Estimates of the metrics of a batch that labels have not told yet."""
    told = {value.metric for value in metrics.current(db, batch_id) if value.value is not None}
    return tuple(one for one in estimates.current(db, batch_id) if one.metric not in told)


def standing(
    db: sqlite3.Connection, model: Model, batch: Batch, source: LogSource, *, fresh: bool, now: datetime
) -> Standing | None:
    """The lesson to estimate a batch by, learned anew where that is due; None where it needs none or nothing teaches.

    References are not estimated, nor rows that no user saw, nor what was estimated before or learned from.

    Args:
        source: the batch's log, open.
        fresh: whether the batch has just come; nothing is learned for one whose labels are being joined.
    """
    if batch.role != "serving" or batch.stage in hidden_stages(model.file) or model.file.columns.label is None:
        return None
    if model.file.task == "multiclass" or estimates.known(db, batch.id):
        return None
    from core.estimates.learning import keep_learning, newest_lesson

    if fresh:
        keep_learning(db, model, source, now=now)
    found = newest_lesson(db, model)
    if found is None or found[1].learned is None or batch.id in found[1].batches:
        return None
    return found


def estimate_batch(
    db: sqlite3.Connection, model: Model, batch: Batch, joined: Joined, by: Standing, *, now: datetime
) -> list[Estimate]:
    """Every metric of a batch that can be estimated, judged by what became of earlier estimates; nothing is stored.

    Args:
        joined: the batch's rows with the columns of the lesson; labels in it are not looked at.
    """
    from core.estimates.reading import estimated_metrics, rows_of
    from core.stats.estimation.learned import LEAST_LABELLED, estimate

    lesson_id, lesson = by
    if lesson.learned is None:
        return []
    rows = rows_of(joined, lesson.codings, model.file)
    if len(rows) == 0:
        return []
    told = estimate(lesson.learned, rows)
    found = []
    for metric in estimated_metrics(model.file):
        said = {str(method): (one.value, one.error) for method, one in told.found.get(metric, {}).items()}
        if len(said) > 1 and all(math.isfinite(number) for pair in said.values() for number in pair):
            blank = Estimate(
                lesson_id, batch.id, metric, "same", 0.0, 0.0, 0.0, None, None, 0, True, "", len(rows),
                told.uncovered, said, now,
            )  # fmt: skip
            found.append(_judged(db, model, batch, lesson, blank, now))
    if len(rows) < min(LEAST_LABELLED // 10, model.file.labels.minimum):
        few = f"no estimate: only {len(rows):,} rows"
        return [replace(one, usable=False, why_not=few) for one in found]
    return found


def judge_again(db: sqlite3.Connection, model: Model, *, now: datetime) -> int:
    """Judge estimates of batches without their labels by labels of others that have come; returns how many changed."""
    unripe = estimates.unripe(db, model.id, ripe=now - model.file.labels.lag, limit=UNRIPE)
    if not unripe:
        return 0
    from core.estimates.learning import newest_lesson

    newest = newest_lesson(db, model)
    if newest is None:
        return 0
    changed = []
    for batch_id in unripe:
        batch = batches.get(db, batch_id)
        for one in estimates.current(db, batch_id):
            if one.lesson_id == newest[0]:
                again = _judged(db, model, batch, newest[1], one, now)
                if replace(again, at=one.at) != one:
                    changed.append(again)
    estimates.append(db, changed)
    return len(changed)


def _judged(
    db: sqlite3.Connection, model: Model, batch: Batch, lesson: Lesson, said: Estimate, now: datetime
) -> Estimate:
    """The same words with the method, the interval and the verdict that earlier estimates call for."""
    from core.stats.estimation.backtest import interval, judge
    from core.stats.estimation.expected import Expected
    from core.stats.estimation.learned import METHODS

    methods = [method for method in METHODS if method in said.said]
    verdict = judge(
        _windows(db, model, lesson, said, now),
        methods,
        calibration_error=lesson.learned.calibration_error if lesson.learned else 0.0,
        uncovered=said.uncovered,
    )
    value, error = said.said[verdict.method]
    low, high = interval(Expected(value, error), verdict)
    bounded = said.metric in ("auc", "accuracy", "precision", "recall")
    why = _foreign(lesson, batch) or verdict.why_not
    return replace(
        said,
        method=verdict.method,
        value=value,
        low=max(0.0, low) if said.metric != "bias" else low,
        high=min(1.0, high) if bounded else high,
        own_error=verdict.own_error,
        same_error=verdict.same_error,
        windows=verdict.windows,
        usable=not why,
        why_not=why,
        at=now,
    )


def _foreign(lesson: Lesson, batch: Batch) -> str:
    """Words for a batch of a version that nothing was learned of, else none."""
    if batch.version is None or not lesson.versions or batch.version in lesson.versions:
        return ""
    return (
        f"no estimate: too few labels of {batch.version} yet, it was learned from {', '.join(sorted(lesson.versions))}"
    )


def _windows(db: sqlite3.Connection, model: Model, lesson: Lesson, said: Estimate, now: datetime) -> Sequence[Window]:
    """Windows whose labels have come, the newest last; with those of the lesson itself while they are few."""
    from core.stats.estimation.backtest import WINDOWS, Window
    from core.stats.estimation.learned import METHODS
    from core.stats.intervals import Z95

    found = []
    for one in estimates.tried(
        db, model.id, said.metric, ripe=now - model.file.labels.lag, without=said.batch_id, limit=WINDOWS
    ):
        drawn = one.said.get("confidence", (0.0, 0.0))[1]
        own = 0.0 if one.low is None or one.high is None else (one.high - one.low) / (2 * Z95)
        known = {method: one.said[method][0] for method in METHODS if method in one.said}
        found.append(Window(known, one.truth, max(drawn, own)))
    return found if len(found) >= ENOUGH_OF_ITS_OWN else [*lesson.windows.get(said.metric, []), *found]
