"""Promotions: the plan that was shown, and where one stands that acts on the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from storage.records.rollbacks import ActuatorPlan
from storage.records.rollouts import Outcome, Verdict

PromotionState = Literal["started", "actuated", "verified", "failed", "unknown", "not verified"]

LIFE = timedelta(seconds=120)
"""A plan is a picture of what a gate says; an older one is made anew before anything is done."""


@dataclass(frozen=True, slots=True)
class PromotionPlan:
    """Everything the promotion sheet shows; handed back unchanged to act on it.

    Attributes:
        sha256: of what the gate says; when it says something else by then, nothing is done.
        rollout_id: None when the plan opens the rollout.
        from_stage: where the candidate is; None before the first stage.
        to_stage: the next stage, never a later one.
        traffic: the share that it gets there.
        verdict: of the gate behind ``from_stage``; None where there is no gate yet.
        outcome: ``promote`` when the gate lets it through; an entry into the first stage is one.
        dry_run: the gate is not armed: it would hold, and does not; a reason is needed all the same.
        reasons: why the gate does not say promote, one sentence each.
        forbidden: what no override helps against.
        actuation: what the model's actuator will do; None where midwatch only records.
        does: one line: what will be done, and what will not.
        undo_how: how it is taken back.
    """

    sha256: str
    key: str
    model: str
    model_id: int
    model_sha256: str
    version: str
    baseline: str | None
    rollout_id: int | None
    from_stage: str | None
    to_stage: str
    traffic: float
    production: bool
    verdict: Verdict | None
    outcome: Outcome
    dry_run: bool
    reasons: tuple[str, ...]
    forbidden: tuple[str, ...]
    actuation: ActuatorPlan | None
    does: str
    undo_how: str
    settle_seconds: float
    timeout_seconds: float
    made_at: datetime
    expires_at: datetime

    @property
    def needs_override(self) -> bool:
        """Whether an armed gate stands in the way: acting needs an override with a reason, reviewed later."""
        return self.outcome != "promote" and not self.dry_run

    @property
    def must_type(self) -> bool:
        """Whether it is confirmed by typing the version: production, or a gate that does not say promote."""
        return self.production or self.outcome != "promote"


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion that acts on the world, as its journal has it.

    Attributes:
        from_version: what was in force before.
        actuation: what was to be done, and the world it was planned for.
        document: the decision that is written down once the world was read back, with its outcome and moment, and the
            last look that it rests on.
        state, state_at, message: the latest step.
        mark: the process at work (:func:`storage.process.mark`).
    """

    id: int
    model_id: int
    rollout_id: int
    version: str
    from_version: str | None
    from_stage: str
    to_stage: str
    traffic: float
    model_sha256: str
    actuation: ActuatorPlan
    settle_seconds: float
    timeout_seconds: float
    outcome: Outcome
    dry_run: bool
    decided_at: datetime | None
    document: str
    last_look_id: int
    reason: str
    override: str | None
    by: str
    at: datetime
    mark: dict[str, str]
    state: PromotionState
    state_at: datetime
    message: str

    @property
    def to_version(self) -> str:
        """The version that is to be in force."""
        return self.version


@dataclass(frozen=True, slots=True)
class Promoted:
    """How a promotion (or a stop) ended.

    Attributes:
        state: ``recorded`` where midwatch moves no traffic; else what the world said.
        message: one sentence.
        decision_id: what was written down; None when the candidate did not move.
        override_id: the override it left open.
    """

    model: str
    version: str
    from_stage: str | None
    to_stage: str | None
    state: Literal["recorded", "stopped"] | PromotionState
    message: str
    decision_id: int | None = None
    override_id: int | None = None

    @property
    def moved(self) -> bool:
        """Whether the candidate is where it was to go."""
        return self.state in ("recorded", "stopped", "verified")
