"""What people say to a gate: items answered, approvals, overrides and their reviews, gates armed and disarmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The latest word on something that is no number, as ``legal``.

    Attributes:
        owner: who answers it; None while nobody was named.
        verdict: None while it was only given to its owner.
    """

    item: str
    owner: str | None
    verdict: Literal["yes", "no"] | None
    note: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of what a gate showed.

    Attributes:
        sha256: of what was shown; it counts while the gate still shows the same.
        document: what was shown, as canonical JSON.
    """

    id: int
    rollout_id: int
    stage: str
    sha256: str
    document: str
    note: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """A promotion past a gate that did not say promote; open until somebody else has reviewed it."""

    id: int
    rollout_id: int
    decision_id: int
    model: str
    version: str
    from_stage: str
    to_stage: str
    reason: str
    by: str
    at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None
    review: str | None

    @property
    def open(self) -> bool:
        """Whether nobody has reviewed it yet."""
        return self.reviewed_at is None


@dataclass(frozen=True, slots=True)
class Arming:
    """The latest word on whether a gate holds candidates up; ``sha256`` says which gate it is."""

    stage: str
    sha256: str
    armed: bool
    reason: str
    by: str
    at: datetime
