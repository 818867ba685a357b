"""What a version answers to an evaluation set, taken in from a file of scores."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.evaluation.items import plain_text, read
from core.evaluation.right_answers import is_right, repeats
from storage.db import transaction
from storage.errors import SourceError
from storage.host import Actor
from storage.records.evaluation_sets import EvaluationSet, Item
from storage.records.models import Model, ModelFile
from storage.tables import audit, evaluation_sets

SHOWN = 20
"""Failing items that are named in a report."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """An item that a version got wrong."""

    id: str
    expected: str
    answer: str | None
    case_id: int | None


@dataclass(frozen=True, slots=True)
class Scored:
    """What a file of scores said.

    Attributes:
        passed, failed: answers that are right and wrong; ``unknown`` can't be told (a regression without tolerance).
        missing: items without an answer; they count as not passed.
        strangers: ids of the file that the set does not have.
        wrong: the first failing items.
    """

    set: EvaluationSet
    version: str
    passed: int
    failed: int
    unknown: int
    missing: int
    strangers: int
    wrong: tuple[Wrong, ...]

    @property
    def complete(self) -> bool:
        """Whether every item has a right answer."""
        return self.failed == self.unknown == self.missing == 0


def take_scores(
    db: sqlite3.Connection, model: Model, found: EvaluationSet, path: str, version: str, *, actor: Actor, now: datetime
) -> Scored:
    """Judge a version's answers to a set and record them: JSON lines, CSV or Parquet with an id and a prediction.

    Columns are the model's (``columns.id`` and ``columns.prediction``), or simply ``id`` and ``prediction``.

    Raises:
        SourceError: the file can't be read, lacks a column, or answers one id twice with different answers.
    """
    from storage.logs.source import open_log

    roles = model.file.columns
    with open_log(path) as log:
        there = {column.name for column in log.columns}
        own = roles.predicted_class if model.file.task == "multiclass" else None
        id_column = _first(there, roles.id, "id", what="id", path=path)
        answer_column = _first(there, own, roles.prediction, "prediction", "score", what="prediction", path=path)
        _, rows = log.rows_where(
            "true", limit=max(log.rows, 1), columns=list(dict.fromkeys([id_column, answer_column]))
        )
        file = log.files[0]
    told: dict[str, str | None] = {}
    for row in rows:
        name, answer = plain_text(row.values[id_column]), plain_text(row.values[answer_column])
        if name is None:
            continue
        if told.get(name, answer) != answer:
            raise SourceError(f"{path}, line {row.line}: {name!r} is answered twice, and not alike", "answer it once")
        told[name] = answer
    answers: dict[str, tuple[str | None, bool | None]] = {}
    wrong, missing = [], 0
    for digest, text, case_id in evaluation_sets.items(db, found.id):
        item = read(text, case_id)
        if item.id not in told:
            missing += 1
            continue
        passed = passes(model.file, item, told[item.id])
        answers[digest] = (told[item.id], passed)
        if passed is False:
            right = item.expected if item.score is None else f"{item.score:.6g}"
            wrong.append(Wrong(item.id, right or "", told[item.id], case_id))
    known = {read(text).id for _, text, _ in evaluation_sets.items(db, found.id)}
    with transaction(db):
        evaluation_sets.add_score(
            db, found.id, version, answers, path=os.path.abspath(file.path), sha256=file.sha256, by=actor.name, now=now
        )
        after = {"model": model.name, "set_version": found.version, "version": version, "sha256": file.sha256}
        audit.record(db, "set.score", actor=actor, now=now, object_kind="set", object_id=found.name, after=after)
    verdicts = [passed for _, passed in answers.values()]
    return Scored(
        set=found,
        version=version,
        passed=verdicts.count(True),
        failed=verdicts.count(False),
        unknown=verdicts.count(None),
        missing=missing,
        strangers=len(set(told) - known),
        wrong=tuple(wrong[:SHOWN]),
    )


def passes(file: ModelFile, item: Item, answer: str | None) -> bool | None:
    """Whether an answer to an item is right: the golden score again, else the right class or near enough.

    No answer (an empty cell) is a wrong one.
    """
    if answer is None:
        return False
    if item.score is not None:
        return repeats(item.score, answer)
    return is_right(file, item.expected, answer)


def _first(there: set[str], *wanted: str | None, what: str, path: str) -> str:
    found = next((name for name in wanted if name in there and name is not None), None)
    if found is None:
        known = ", ".join(sorted(there)[:12])
        raise SourceError(f"{path} has no column for the {what}", f"call it {[w for w in wanted if w]}; it has {known}")
    return found
