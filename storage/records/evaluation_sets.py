"""Evaluation sets: frozen, hashed, versioned; and what versions of a model answered to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Purpose = Literal["golden", "scenario", "failures", "slice", "holdout"]
PURPOSES: tuple[Purpose, ...] = ("golden", "scenario", "failures", "slice", "holdout")


@dataclass(frozen=True, slots=True)
class Item:
    """One row of an evaluation set.

    Attributes:
        id: what names the row to whoever scores it.
        payload: its cells by column, redacted: texts, numbers, booleans and None.
        expected: the right answer, None where it is not known.
        score: the very number a version must give again (golden rows), None otherwise.
        case_id: the failure case it came from; no part of its content.
    """

    id: str
    payload: dict[str, Any]
    expected: str | None = None
    score: float | None = None
    case_id: int | None = None


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """One frozen version of a set.

    Attributes:
        sha256: of its content, whatever the order of the items.
        items: how many there are.
        supersedes: the number of the version before it, None for the first.
    """

    id: int
    model_id: int
    model: str
    name: str
    version: int
    purpose: Purpose
    sha256: str
    items: int
    supersedes: int | None
    note: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SetScore:
    """What one version of a model answered to a set; ``unknown`` answers could not be judged."""

    id: int
    set_id: int
    version: str
    path: str
    sha256: str
    by: str
    at: datetime
    passed: int
    failed: int
    unknown: int
