"""What became of a failure: what later versions answered to its row, and how long it took."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.evaluation.failure_cases import answer_column
from core.evaluation.right_answers import is_right
from storage.logs.label_values import plain_text as plain_sql
from storage.records.batches import Batch
from storage.records.failure_cases import CaseAnswer, FailureCase
from storage.records.models import Model, ModelFile
from storage.tables import failure_cases

if TYPE_CHECKING:
    from storage.logs.source import LogSource


@dataclass(frozen=True, slots=True)
class CaseLife:
    """How a failure fared: reported, in a set, passed.

    Attributes:
        in_set: name and version of the first set that holds it, and since when.
        answers: what other versions answered to the row since, in order.
        passed: the first of them that is right.
    """

    case: FailureCase
    in_set: tuple[str, int, datetime] | None
    answers: tuple[CaseAnswer, ...]
    passed: CaseAnswer | None

    @property
    def to_set(self) -> timedelta | None:
        """From the report until it was in a set."""
        return self.in_set[2] - self.case.reported_at if self.in_set else None

    @property
    def to_pass(self) -> timedelta | None:
        """From the report until a version was seen to pass."""
        return self.passed.at - self.case.reported_at if self.passed else None


def life(db: sqlite3.Connection, case: FailureCase, file: ModelFile) -> CaseLife:
    """Reported, in a set, first version that passes it; from logs and from scored files, by time."""
    logged = [
        replace(answer, passed=is_right(file, case.expected, answer.answer))
        for answer in failure_cases.logged_answers(db, case.id)
    ]
    answers = sorted([*logged, *failure_cases.scored_answers(db, case.id)], key=lambda a: a.at)
    passed = next((a for a in answers if a.passed and a.version != case.version), None)
    return CaseLife(case, failure_cases.first_set(db, case.id), tuple(answers), passed)


def note_answers(db: sqlite3.Connection, model: Model, batch: Batch, source: LogSource, now: datetime) -> int:
    """Record what another version answered in a new log to rows that are failure cases; returns how many."""
    roles, there = model.file.columns, {column.name for column in source.columns}
    secret = {roles.id, answer_column(model.file, there)} & set(roles.redact)
    known = failure_cases.watched(db, model.id) if roles.id in there and not secret else []
    own = roles.version if roles.version in there else None
    if not known or roles.id is None or (own is None and batch.version is None):
        return 0
    cases: dict[str, list[tuple[int, str | None]]] = {}
    for case_id, row_id, failed in known:
        cases.setdefault(row_id, []).append((case_id, failed))
    row = plain_sql(source, roles.id)
    answer = plain_sql(source, answer_column(model.file, there))
    version = plain_sql(source, own) if own else "NULL"
    asked = f"SELECT {row}, {answer}, {version} FROM log WHERE {row} IN (SELECT unnest(?::VARCHAR[]))"
    found = []
    for named, told, by_row in source.query(asked, [list(cases)]):
        served = str(by_row) if by_row is not None else batch.version
        for case_id, failed in cases[str(named)]:
            if served is not None and served != failed:
                found.append((case_id, served, None if told is None else str(told)))
    failure_cases.add_answers(db, batch.id, found, now)
    return len(found)
