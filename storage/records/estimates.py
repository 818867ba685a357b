"""A metric of a batch as it is expected before its labels have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric of one batch, estimated without its labels; never shown without ``est.``.

    Attributes:
        method: ``mixed``, ``columns``, ``weighted`` or ``confidence``.
        low, high: the 95 % interval: drawing labels, and by how much the method was off beyond that.
        own_error: mean absolute error over ``windows`` windows whose labels have come; None before there were enough.
        same_error: the error of saying that nothing changed, over the same windows.
        usable: whether it may be shown as a number; ``why_not`` says in words why it is not, else it is empty.
        uncovered: share of the batch's rows unlike any labelled row.
        said: value and standard error by method.
        overdue: the labels should have come by the moment at which it was read; not stored.
    """

    lesson_id: int
    batch_id: int
    metric: str
    method: str
    value: float
    low: float
    high: float
    own_error: float | None
    same_error: float | None
    windows: int
    usable: bool
    why_not: str
    rows: int
    uncovered: float
    said: Mapping[str, tuple[float, float]]
    at: datetime
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What was said of a batch before its labels came, and what they said then."""

    batch_id: int
    said: Mapping[str, tuple[float, float]]
    truth: float
    low: float | None
    high: float | None
