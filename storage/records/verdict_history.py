"""What a model's checks said in the past, as far as a change of them must know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.records.alerts import Verdict
from storage.records.results import Tier


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """A serving batch; ``at`` is where its window starts, or its arrival; ``hour`` only where the window is known."""

    id: int
    at: datetime
    hour: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class PastFinding:
    """One failing verdict.

    Attributes:
        tier: as it was told; ``tier_before`` as its check gave it, where something made it quieter.
        score: on the scale of ``core.stats.effect.log_score``; ``times`` what its limit was multiplied by, if under 1.
        touched: rows that fail.
        quiet: whether a narrowed check kept it from being told.
        explained_by: the check whose finding spoke for it.
    """

    id: int
    batch_id: int
    check: str
    column: str | None
    slice: str | None
    hard: bool
    tier: Tier
    tier_before: Tier | None
    score: float
    times: float | None
    touched: float | None
    quiet: bool
    explained_by: str | None
    columns: tuple[str, ...]

    @property
    def accused(self) -> tuple[str, ...]:
        """The columns it accuses, most likely first."""
        return self.columns or ((self.column,) if self.column else ())


@dataclass(frozen=True, slots=True)
class PastAlert:
    """One alert of a batch with what people made of it."""

    id: int
    batch_id: int
    tier: Tier
    group_key: str
    columns: tuple[str, ...]
    title: str
    verdict: Verdict | None
    incident_id: int | None
    findings: tuple[int, ...]

    @property
    def known(self) -> bool:
        """A fault that a person confirmed, or that belongs to an incident: no change may lose it."""
        return self.verdict in ("acted", "useful", "late") or self.incident_id is not None

    @property
    def noise(self) -> bool:
        """Called noise, or a duplicate."""
        return not self.known and self.verdict in ("noise", "duplicate")
