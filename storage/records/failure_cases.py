"""Failure cases: rows that a model got wrong, kept so that no later version does so unseen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

CaseSource = Literal["slice", "alert", "finding", "by hand"]
CaseVerdict = Literal["accepted", "rejected", "duplicate"]
SOURCES: tuple[CaseSource, ...] = ("slice", "alert", "finding", "by hand")
CASE_VERDICTS: tuple[CaseVerdict, ...] = ("accepted", "rejected", "duplicate")


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A row before it is a case.

    Attributes:
        row_key: what the row is known by in its batch: its id, else file and line.
        payload: its cells by column, redacted; prediction and label stand in ``got`` and ``expected``.
        version: of the model that answered.
    """

    row_key: str
    row_id: str | None
    path: str | None
    line: int | None
    payload: dict[str, Any]
    expected: str | None
    got: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class FailureCase:
    """One failure as it stands now.

    Attributes:
        batch_id: the batch the row came in, None for a row of another file.
        source, source_ref: where it was found, as ``alert`` and ``7``.
        verdict: None while it waits in the queue.
        incident: key of the incident it belongs to.
        reported_at: when somebody first said that it is wrong; ``at`` is when it was written down here.
    """

    id: int
    model_id: int
    model: str
    batch_id: int | None
    row_key: str
    row_id: str | None
    path: str | None
    line: int | None
    payload: dict[str, Any]
    expected: str | None
    got: str | None
    version: str | None
    source: CaseSource
    source_ref: str | None
    category: str | None
    verdict: CaseVerdict | None
    incident: str | None
    reported_at: datetime
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases a list shows; None leaves a criterion out; ``queue`` are those without a verdict."""

    model_id: int | None = None
    queue: bool = False
    verdicts: tuple[CaseVerdict, ...] = ()
    text: str | None = None
    incident_id: int | None = None


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """What a version answered to the row of a case.

    Attributes:
        passed: None where a right answer can't be told from a wrong one.
        where: ``batch 12`` or ``scores 3``.
    """

    version: str
    answer: str | None
    passed: bool | None
    where: str
    at: datetime
