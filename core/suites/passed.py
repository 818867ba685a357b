"""How a version fares on the frozen evaluation sets, and which failure cases it mends."""

from __future__ import annotations

import sqlite3

from core.evaluation.case_lives import life
from core.evaluation.items import read
from core.evaluation.right_answers import is_right
from core.evaluation.scores import passes
from core.suites.rows import OpenRows
from storage.records.evaluation_sets import EvaluationSet
from storage.records.failure_cases import CaseFilter, FailureCase
from storage.records.models import Model
from storage.records.suites import CasesPassed, Door, SetPassed
from storage.tables import evaluation_sets, failure_cases

MOST = 2_000
"""Failure cases that are looked at, the latest."""


def sets_passed(
    db: sqlite3.Connection, model: Model, version: str, rows: OpenRows, door: Door
) -> tuple[SetPassed, ...]:
    """The newest version of each set: judged by this evaluation's own answers, else by the scores taken in before."""
    return tuple(_set(db, model, version, rows, door, one) for one in evaluation_sets.listing(db, model.id))


def _set(
    db: sqlite3.Connection, model: Model, version: str, rows: OpenRows, door: Door, found: EvaluationSet
) -> SetPassed:
    from storage.logs.evaluation_answers import answers_by_id

    items = [read(text, case) for _, text, case in evaluation_sets.items(db, found.id)]
    told = answers_by_id(rows.source, "candidate", [item.id for item in items])
    if told:
        verdicts = [passes(model.file, item, told[item.id]) for item in items if item.id in told]
        counts = (verdicts.count(True), verdicts.count(False), verdicts.count(None))
        return SetPassed(found.name, found.version, found.purpose, found.items, *counts, f"the answers of {door.what}")
    stored = [score for score in evaluation_sets.scores(db, found.id) if score.version == version]
    if not stored:
        where = f"no answers yet: midwatch sets score {model.name} {found.name} --scores FILE --version {version}"
        return SetPassed(found.name, found.version, found.purpose, found.items, 0, 0, 0, where)
    last = stored[-1]
    counts = (last.passed, last.failed, last.unknown)
    where = f"the scores taken in on {last.at:%Y-%m-%d}"
    return SetPassed(found.name, found.version, found.purpose, found.items, *counts, where)


def cases_passed(db: sqlite3.Connection, model: Model, version: str, rows: OpenRows) -> CasesPassed | None:
    """Failure cases that were not rejected: what this version answers to them; None when there are none.

    Its answers are those of this evaluation, else the last that logs or scored sets hold. A case is passed first by
    this version when no other one is known to have passed it.
    """
    from storage.logs.evaluation_answers import answers_by_id

    listed = failure_cases.page(db, CaseFilter(model_id=model.id), limit=MOST)
    cases = [case for case in listed if case.verdict not in ("rejected", "duplicate")]
    if not cases:
        return None
    here = answers_by_id(rows.source, "candidate", [case.row_id for case in cases if case.row_id is not None])
    in_set = answered = passed = 0
    first: list[str] = []
    for case in cases:
        fared = life(db, case, model.file)
        in_set += fared.in_set is not None
        right = _right(model, case, here)
        if right is None:
            told = [answer.passed for answer in fared.answers if answer.version == version]
            right = told[-1] if told else None
        answered += right is not None
        passed += right is True
        if right and (fared.passed is None or fared.passed.version == version):
            first.append(case.row_key)
    return CasesPassed(len(cases), in_set, answered, passed, tuple(first))


def _right(model: Model, case: FailureCase, here: dict[str, str]) -> bool | None:
    answer = here.get(case.row_id) if case.row_id is not None else None
    return None if answer is None else is_right(model.file, case.expected, answer)
