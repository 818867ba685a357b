"""How likely an alert is acted on, and what people's answers say of the alerts before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from storage.records.results import Tier

Method = Literal["counts", "model"]


@dataclass(frozen=True, slots=True)
class Worth:
    """What was said of an alert's worth when it was raised.

    Attributes:
        probability: that a person acts on it, in [0, 1].
        place: what orders alerts of one tier, the larger first; the probability, weighted by importance where that is
            given.
        tier_before: the tier that the checks gave; the alert's own where nothing was moved.
        worthy, judged: of the answered alerts most like it, how many were worth it, and how many there were.
        reasons: in words, the strongest first.
    """

    probability: float
    place: float
    method: Method
    tier_before: Tier
    worthy: int
    judged: int
    reasons: tuple[str, ...]
    fit_id: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An alert that people said something of: their last verdict, or that they made it part of an incident.

    Attributes:
        verdict: None for one that was only linked to an incident.
        check: of its strongest finding, None for an alert that rests on none.
    """

    alert_id: int
    model_id: int
    fingerprint: str
    group_key: str
    cause: str
    columns: tuple[str, ...]
    tier: Tier
    tier_before: Tier
    check: str | None
    verdict: str | None

    @property
    def worth(self) -> bool:
        """Whether it was worth telling: everything but noise and duplicates."""
        return self.verdict not in ("noise", "duplicate")

    @property
    def acted(self) -> bool:
        """Whether somebody did something about it: acted, or made it part of an incident."""
        return self.verdict in (None, "acted")

    @property
    def column(self) -> str:
        """The column accused first; empty when whole rows are at fault."""
        return self.columns[0] if self.columns else ""


@dataclass(frozen=True, slots=True)
class Example:
    """An alert to learn from, with what was known of it when it was raised.

    Attributes:
        counted: the probability that counting gave then, with what it had seen till then.
        weight: 1 for what a person said, less for silence.
    """

    alert_id: int
    features: Mapping[str, float]
    counted: float
    exempt: bool
    worth: bool
    weight: float


@dataclass(frozen=True, slots=True)
class StoredFit:
    """A learned model as stored.

    Attributes:
        answers: how many answered alerts there were then.
        in_force: whether it was better than counting, on answers it had not seen.
        body: coefficients and figures, of the form that ``core.worth.fitted`` writes.
    """

    id: int
    answers: int
    in_force: bool
    body: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """An alert whose tier was moved, and what people said of it since."""

    alert_id: int
    title: str
    tier_before: Tier
    tier: Tier
    probability: float
    reasons: tuple[str, ...]
    fired_at: datetime
    verdict: str | None
    incident_id: int | None
