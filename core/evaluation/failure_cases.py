"""From a failing row to a failure case: taken from a batch, judged in a queue, and answered by later versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.evaluation.items import cell, plain_text
from core.evaluation.right_answers import badness, is_right, refuse_unknown_class
from core.redaction import redactor_for
from core.withholding import MASK
from storage.db import transaction
from storage.errors import RefusedError, SourceError, UsageError
from storage.host import Actor
from storage.logs.quoting import sql_name
from storage.records.batches import Batch
from storage.records.failure_cases import CASE_VERDICTS, CaseDraft, CaseSource, CaseVerdict, FailureCase
from storage.records.logs import LogRow
from storage.records.models import Model, ModelFile
from storage.tables import alerts, audit, batches, failure_cases, incidents, labels, models, results

if TYPE_CHECKING:
    from storage.logs.source import LogSource

MOST = 10_000
"""Rows that become cases at once, at the most."""
LOOKED_AT = 100_000
"""Rows of a condition that the worst are looked for among, from the first on."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of rows.

    Attributes:
        cases: ids of the new cases; ``known`` rows were cases already.
        total: rows that the condition names in all.
        without_answer: of the rows taken, those whose right answer is not known yet.
        right: of the rows taken, those that the model had right: no failures, as far as the label tells.
        left_out: rows that were looked at and not taken, because the model had them right.
    """

    cases: tuple[int, ...]
    known: int
    total: int
    without_answer: int
    right: int = 0
    left_out: int = 0


def add_rows(
    db: sqlite3.Connection,
    model: Model,
    batch: Batch,
    condition: str,
    *,
    parameters: Sequence[object] = (),
    limit: int = 50,
    failures_first: bool = False,
    right_too: bool = True,
    source: CaseSource = "by hand",
    source_ref: str | None = None,
    category: str | None = None,
    incident: str | None = None,
    reported_at: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> Added:
    """Take the first rows of a batch that fulfil an SQL condition over ``log``; a row is a case once.

    The right answer is the label that is known by now, late ones included; redacted cells are masked.

    Args:
        failures_first: take the worst of the first :data:`LOOKED_AT` rows, those that are right by their label last.
        right_too: whether these are taken at all.

    Raises:
        UsageError: unknown incident, or a limit out of range.
        SourceError: the batch's file is gone or has changed, or the condition can't be read.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"{limit} rows can't be taken at once", f"between 1 and {MOST:,}")
    from core.batch_log import log_of

    incident_id = incidents.get(db, incident).id if incident else None
    source_ref = redactor_for(db, model).optional(source_ref)
    with log_of(batch, model) as log:
        total, rows = log.rows_where(condition, parameters, limit=LOOKED_AT if failures_first else limit)
        drafts = drafts_of(rows, log, model.file, batch.version)
        drafts = with_late_labels(db, model, batch, drafts)
    looked_at = len(drafts)
    if failures_first:
        drafts.sort(key=lambda draft: badness(model.file, draft.expected, draft.got), reverse=True)
    if not right_too:
        drafts = [draft for draft in drafts if is_right(model.file, draft.expected, draft.got) is not True]
    left_out = looked_at - len(drafts)
    drafts = drafts[:limit]
    with transaction(db):
        made = failure_cases.insert(
            db, model.id, batch.id, drafts, source=source, source_ref=source_ref, category=category,
            reported_at=reported_at or now, by=actor.name, now=now,
        )  # fmt: skip
        for case_id in made if incident_id is not None else ():
            failure_cases.event(db, case_id, "incident", None, incident_id=incident_id, by=actor.name, now=now)
        if made:
            after = {"model": model.name, "batch": batch.id, "cases": len(made), "source": source, "ref": source_ref}
            audit.record(db, "cases.add", actor=actor, now=now, object_kind="case", object_id=made[0], after=after)
    right = sum(is_right(model.file, d.expected, d.got) is True for d in drafts)
    without = sum(d.expected is None for d in drafts)
    return Added(tuple(made), len(drafts) - len(made), total, without, right, left_out)


def add_by_id(db: sqlite3.Connection, model: Model, batch: Batch, ids: Sequence[str], **options: Any) -> Added:
    """Take the rows of a batch that these ids name; ``options`` as of :func:`add_rows`.

    Raises:
        UsageError: the model names no id column, an id can't be one, or the batch has none of them.
    """
    column = model.file.columns.id
    if column is None:
        raise UsageError(f"the model {model.name!r} names no id column", "name rows by --where")
    if column in model.file.columns.redact:
        raise UsageError(f"the column {column!r} is redacted", "name rows by --where and another column")
    wanted: list[Any] = list(ids)
    kind = "VARCHAR"
    if dict(batch.columns).get(column) == "number":
        try:
            wanted, kind = [float(one) for one in ids], "DOUBLE"
        except ValueError as error:
            raise UsageError(f"ids of {model.name!r} are numbers: {error}", "name rows by --where") from error
    condition = f"{sql_name(column)} IN (SELECT unnest(?::{kind}[]))"
    added = add_rows(db, model, batch, condition, parameters=[wanted], limit=len(ids), **options)
    if added.total == 0:
        raise UsageError(f"batch {batch.id} has no row {', '.join(ids[:3])}", "name rows by --where")
    return added


def add_from_alert(
    db: sqlite3.Connection, alert_id: int, *, limit: int = 50, category: str | None = None, actor: Actor, now: datetime
) -> Added:
    """Take the rows behind an alert's findings, the worst finding first; its incident is theirs too.

    Raises:
        UsageError: no such alert, or none of its findings names rows.
    """
    alert = alerts.get(db, alert_id)
    model = models.get_by_id(db, alert.model_id)
    named = [r for r in results.of_alert(db, alert_id) if r.finding.evidence.get("rows_sql")]
    if not named:
        raise UsageError(f"alert {alert_id} names no rows: it is about the batch as a whole", "name rows by --where")
    incident = incidents.get_by_id(db, alert.incident_id).key if alert.incident_id else None
    made: list[int] = []
    known = total = without = right = 0
    for result in named:
        if len(made) + known >= limit:
            break
        added = add_rows(
            db, model, batches.get(db, result.batch_id), str(result.finding.evidence["rows_sql"]),
            limit=limit - len(made) - known, source="alert", source_ref=str(alert_id),
            category=category or alert.cause, incident=incident, actor=actor, now=now,
        )  # fmt: skip
        made += added.cases
        known, total, right = known + added.known, total + added.total, right + added.right
        without += added.without_answer
    return Added(tuple(made), known, total, without, right)


def judge(
    db: sqlite3.Connection,
    case_ids: Sequence[int],
    verdict: CaseVerdict | None = None,
    *,
    expected: str | None = None,
    category: str | None = None,
    incident: str | None = None,
    duplicate_of: int | None = None,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> tuple[FailureCase, ...]:
    """Say of cases what they are worth, what is right, of what sort they are, or to what incident they belong.

    Raises:
        UsageError: nothing to say, an unknown case, incident or verdict, or an answer that can be no label.
        RefusedError: a duplicate of itself or of another duplicate.
    """
    if verdict is None and expected is None and category is None and incident is None:
        raise UsageError("there is nothing to record", "name a verdict, --expected, --category or --incident")
    if verdict is not None and verdict not in CASE_VERDICTS:
        raise UsageError(f"there is no verdict {verdict!r}", f"one of {', '.join(CASE_VERDICTS)}")
    if (verdict == "duplicate") != (duplicate_of is not None):
        raise UsageError("a duplicate names the case that goes on", "as in --of 7, with the verdict duplicate")
    incident_id = incidents.get(db, incident).id if incident else None
    with transaction(db):
        if duplicate_of is not None:
            other = failure_cases.get(db, duplicate_of)
            if other.id in case_ids or other.verdict == "duplicate":
                raise RefusedError(f"case {other.id} can't be the one that goes on", "name another")
        for case_id in case_ids:
            before = failure_cases.get(db, case_id)
            if expected is not None:
                refuse_unknown_class(models.get_by_id(db, before.model_id).file, expected)
            for kind, value in (("verdict", verdict), ("expected", expected), ("category", category)):
                if value is not None:
                    failure_cases.event(
                        db, case_id, kind, value, by=actor.name, now=now, note=note,
                        duplicate_of=duplicate_of if kind == "verdict" else None,
                    )  # fmt: skip
            if incident_id is not None:
                failure_cases.event(db, case_id, "incident", None, incident_id=incident_id, by=actor.name, now=now)
            after = {"verdict": verdict, "expected": expected, "category": category, "incident": incident}
            audit.record(
                db, "case.judge", actor=actor, now=now, object_kind="case", object_id=case_id,
                before={"verdict": before.verdict, "expected": before.expected}, after=after,
            )  # fmt: skip
    return tuple(failure_cases.get(db, case_id) for case_id in case_ids)


def answer_column(file: ModelFile, there: set[str]) -> str:
    """The column that holds the model's answer: the class it decided on in a multiclass log, else the prediction."""
    decided = file.columns.predicted_class
    return decided if file.task == "multiclass" and decided in there and decided else file.columns.prediction


def drafts_of(rows: Sequence[LogRow], log: LogSource, file: ModelFile, version: str | None) -> list[CaseDraft]:
    """Rows as cases: cells of redacted columns masked, prediction and label apart."""
    there = {column.name for column in log.columns}
    answered = answer_column(file, there)
    apart = {answered, file.columns.prediction, file.columns.label}
    drafts = []
    for row in rows:
        told = _teller(row, file)
        row_id = told(file.columns.id)
        drafts.append(
            CaseDraft(
                row_key=row_id or f"{row.path}:{row.line}",
                row_id=row_id,
                path=row.path,
                line=row.line,
                payload={
                    name: MASK if name in file.columns.redact else cell(value)
                    for name, value in row.values.items()
                    if name not in apart
                },
                expected=told(file.columns.label),
                got=told(answered),
                version=told(file.columns.version) or version,
            )
        )
    return drafts


def with_late_labels(
    db: sqlite3.Connection, model: Model, batch: Batch, drafts: Sequence[CaseDraft]
) -> list[CaseDraft]:
    """The same rows with the newest label that is known of each."""
    found = late_labels(db, model, batch, [d.row_id for d in drafts if d.row_id is not None])
    return [replace(d, expected=found.get(d.row_id or "", d.expected)) for d in drafts]


def late_labels(db: sqlite3.Connection, model: Model, batch: Batch, ids: Sequence[str]) -> Mapping[str, str]:
    """Late labels of rows of a batch by id; label files that are gone tell none."""
    files = labels.files_of(db, batch.id) if ids else []
    if not files or (model.file.columns.label or "") in model.file.columns.redact:
        return {}
    from storage.logs.join import workspace

    with workspace() as room:
        for file in files:
            try:
                room.load(file, model.file)
            except SourceError:
                continue  # the labels that were joined from it stand in the metrics; here they are only convenient
        return room.labels_for(ids)


def _teller(row: LogRow, file: ModelFile) -> Callable[[str | None], str | None]:
    """A function from a column to the row's cell as text; None for no column and for a redacted one."""
    hidden = set(file.columns.redact)
    return lambda column: None if column is None or column in hidden else plain_text(row.values.get(column))
