"""What would stored batches read under another version's scores, or another decision threshold? Nothing is written.

The rows stay where they are; metrics are read twice, as they were answered and as they would have been. What follows
from an answer (money, users' ways) is not replayed: it belongs to the answer that was given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from core.metrics.base import Direction, Metric, Reading, Sample
from core.metrics.batch_sums import floored
from core.metrics.registry import metric, specs
from core.stats.intervals import wilson
from storage.errors import UsageError
from storage.logs.predicates import predicate_sql, words
from storage.records.batches import Batch
from storage.records.models import MetricSpec, Model, ModelFile
from storage.tables import kept_slices

if TYPE_CHECKING:
    from core.slices.sides import Side


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What is changed: the scores (a file of ids and predictions), the decision threshold, or both."""

    scores: str | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        """Refuse what changes nothing.

        Raises:
            UsageError: neither was given, or the threshold lies outside 0 and 1.
        """
        if self.scores is None and self.threshold is None:
            raise UsageError("nothing is asked to be otherwise", "give a file of scores, or a threshold")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise UsageError(f"a threshold of {self.threshold:g} decides nothing", "scores lie within 0 and 1")


@dataclass(frozen=True, slots=True)
class Replayed:
    """One metric before and after; ``direction`` is the good side."""

    metric: str
    direction: Direction
    before: Reading
    after: Reading

    @property
    def difference(self) -> float | None:
        """After minus before, None without both."""
        if self.before.value is None or self.after.value is None:
            return None
        return self.after.value - self.before.value


@dataclass(frozen=True, slots=True)
class Part:
    """All rows, or those of a kept slice.

    Attributes:
        name: of the kept slice, None: all rows; ``words`` its condition, redacted values masked.
        changed: rows whose decision (class, number) would have been another one; ``low`` and ``high`` of its share.
    """

    name: str | None
    words: str
    rows: int
    changed: int
    low: float
    high: float
    metrics: tuple[Replayed, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a replay says.

    Attributes:
        parts: all rows first, then kept slices.
        answered: rows that the file of scores answers, of ``rows``; rows it lacks are left out before and after.
        strangers: ids of the file that no row has.
        immature: batches whose labels have not had their time: their rows count in no metric that waits for labels.
        notes: what a reader should know.
    """

    model: str
    asked: WhatIf
    batches: tuple[int, ...]
    rows: int
    answered: int
    strangers: int
    immature: int
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def replay(db: sqlite3.Connection, model: Model, over: Sequence[Batch], asked: WhatIf, *, now: datetime) -> Answer:
    """Read stored batches as they were answered and as they would have been.

    Args:
        now: tells which labels have had their time.

    Raises:
        SourceError: a file is gone, has changed or can't be read; the scores answer one id twice and not alike.
        UsageError: a threshold for a model that decides by none, no batch, or no id to join scores on.
    """
    from core.shadow.scores_file import with_scores
    from core.slices.parts import seen_sql
    from core.slices.sides import open_batches

    if not over:
        raise UsageError(f"no batch of {model.name!r} was named", "midwatch ingest takes some in")
    if asked.threshold is not None and model.file.task != "binary":
        raise UsageError(f"{model.name!r} is a {model.file.task} model: no threshold decides", "give scores instead")
    with ExitStack() as stack:
        notes: list[str] = []
        side = open_batches(stack, db, model, model.file, over, now, "true", notes)
        side = replace(side, where=seen_sql(model.file, side))
        strangers = 0
        if asked.scores is not None:
            side, strangers = with_scores(side, model.file, asked.scores)
        return _answer(db, model, side, asked, strangers, notes)


def _answer(
    db: sqlite3.Connection, model: Model, side: Side, asked: WhatIf, strangers: int, notes: list[str]
) -> Answer:
    from core.kept.slices import shown

    file = model.file
    wanted = [(spec, metric(spec.name, file)) for spec in specs(file) if spec.kind != "business"]
    wanted = [(spec, kind) for spec, kind in wanted if spec.name != "latency"]
    columns = _columns(side, file, scored=asked.scores is not None)
    parts = [_part(side, file, asked, wanted, columns, "true", None, "all rows")]
    for kept in kept_slices.listing(db, model.id):
        told = words(shown(kept, model).predicates)
        gone = [p.column for p in kept.predicates if p.column not in side.kinds]
        if gone:
            parts.append(Part(kept.name, told, 0, 0, 0.0, 1.0, (), f"the log has no column {gone[0]!r}"))
            continue
        where = predicate_sql(kept.predicates, side.kinds)
        parts.append(_part(side, file, asked, wanted, columns, where, kept.name, told))
    if any(spec.kind == "business" for spec in specs(file)):
        notes.append("business metrics are not replayed: what followed belongs to the answers that were given")
    if file.feedback_loop:
        notes.append("the answers of this model shape what happens next: labels tell of the answers that were given")
    decided = file.columns.predicted_class
    if decided in side.kinds and file.task == "binary":
        notes.append(f"the log's own decisions ({decided}) are replaced by score against threshold")
    return Answer(
        model.name, asked, tuple(b.id for b in side.batches), _rows(side), parts[0].rows, strangers,
        side.immature, tuple(parts), tuple(notes),
    )  # fmt: skip


def _rows(side: Side) -> int:
    """The rows that users saw, answered by a file of scores or not."""
    [(rows,)] = side.source.query(f"select count(*) from log where {side.where}")
    return int(str(rows))


@dataclass(frozen=True, slots=True)
class _Columns:
    """SQL of a row: the score before and after, the decision that the log tells, the label that had its time."""

    before: str
    after: str
    decided: str
    truth: str


def _columns(side: Side, file: ModelFile, *, scored: bool) -> _Columns:
    from core.slices.row_values import score_sql, truth_sql
    from storage.logs.label_values import as_decided, as_score, plain_text

    before = score_sql(side, file) or "null"
    after = f"({as_score('__after', file)})" if scored else before
    if scored and file.task == "binary":
        after = f"(case when {after} between 0 and 1 then {after} end)"
    truth = truth_sql(side, file) or "null"
    decided = file.columns.predicted_class
    known = "null"
    if file.task == "binary" and decided in side.kinds and decided is not None:
        known = as_decided(f"({plain_text(side.source, decided)})", file)
    return _Columns(before, after, known, f"case when {side.mature} then {truth} end")


def _part(
    side: Side, file: ModelFile, asked: WhatIf, wanted: Sequence[tuple[MetricSpec, Metric]], columns: _Columns,
    where: str, kept: str | None, told: str,
) -> Part:  # fmt: skip
    """Every metric over the rows of a condition, before and after."""
    import numpy as np

    from storage.logs.blocks import read_blocks

    asked_sql = [columns.before, columns.after, columns.decided, columns.truth]
    condition = f"({side.where}) and ({where})"
    blocks = list(read_blocks(side.source, [], asked_sql, relation=side.relation, where=condition))
    before, after, decided, truth = (np.concatenate([values[i] for _, values in blocks]) for i in range(4))
    told_metrics = []
    changed = np.zeros(len(before), dtype=bool)
    for spec, kind in wanted:
        old = Sample(file.task, before, truth, threshold=spec.threshold, classes=decided)
        new = Sample(file.task, after, truth, threshold=spec.threshold if asked.threshold is None else asked.threshold)
        if file.task == "binary":
            changed |= old.positive() != new.positive()
        then, now = (
            floored(kind.read(kind.sums(sample)), spec, file, int(np.count_nonzero(sample.judged())))
            for sample in (old, new)
        )
        told_metrics.append(Replayed(spec.name, kind.direction, then, now))
    if file.task != "binary":
        changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    count = int(np.count_nonzero(changed))
    low, high = wilson(count, len(before))
    return Part(kept, told, len(before), count, low, high, tuple(told_metrics))
