"""Tunings: changes of a check that were proposed, and what people answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

TuningState = Literal["proposed", "accepted", "rejected", "reverted"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """One change of a check, with its back-test as it was when proposed.

    Attributes:
        column: None for every column.
        change: the keys of a check that it sets, as the model file names them.
        base: what the model file said of the check when the change was accepted; None before.
        by, at: who proposed it; ``answered_by``, ``answered_at``: who answered last, with ``reason``.
        accepted_by, accepted_at: who accepted it.
    """

    id: int
    model_id: int
    check: str
    column: str | None
    change: Mapping[str, Any]
    backtest: Mapping[str, Any]
    by: str
    at: datetime
    state: TuningState
    base: Mapping[str, Any] | None
    reason: str | None
    answered_by: str | None
    answered_at: datetime | None
    accepted_by: str | None
    accepted_at: datetime | None
