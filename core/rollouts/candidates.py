"""A candidate as a list shows it, and with everything behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from storage.records.gates import Approval, ItemAnswer, Override
from storage.records.models import StageKind
from storage.records.rollouts import Decision, Outcome, Rollout, StageRule, Verdict

ChartScale = Literal["odds ratio", "difference", "chance to be worse"]


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """One candidate on its way.

    Attributes:
        rollout_id: None for a version that logs or deployments show in a stage without a rollout.
        stage: where it is; None before the first stage. ``next_stage`` is the one behind it.
        traffic: the share of requests it has there, in [0, 1].
        in_stage: how long it has been there.
        waits_for: one sentence: what has to happen next; ``short``: the same in a few words, for a list.
        toward_promote, toward_harm: how far the evidence has come, in [0, 1]: the slowest guardrail toward promote,
            the nearest one toward harm; 1 is reached. They say nothing where no guardrail counts.
        guardrails: how many count here; ``slowest`` and ``nearest`` are the ones that the two shares are of.
        at: the moment in the time of the data since when the gate says so.
        overrides_open: overrides of the version that nobody has reviewed: they keep it in sight after its end, too.
        entered_without_gate: a log or a deployment put it there, no decision did.
        being_read: only its looks are in this; what the files of batches say is still being read.
    """

    rollout_id: int | None
    model: str
    version: str
    baseline: str | None
    state: Literal["open", "done", "stopped", "rolled back"]
    stage: str | None
    kind: StageKind | None
    next_stage: str | None
    traffic: float
    entered_at: datetime | None
    in_stage: timedelta
    outcome: Outcome
    dry_run: bool
    waits_for: str
    toward_promote: float
    toward_harm: float
    looks: int
    rows: int
    labelled: int
    at: datetime | None
    overrides_open: int
    entered_without_gate: bool
    production: bool
    being_read: bool = False
    short: str = ""
    guardrails: int = 0
    slowest: str = ""
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """The evidence of one guardrail after one moment of the data."""

    at: datetime
    estimate: float
    low: float
    high: float
    log_harm: float
    log_promote: float


@dataclass(frozen=True, slots=True)
class GuardrailChart:
    """One guardrail over time, on its own scale.

    Attributes:
        neutral: where neither arm is worse: 1 for odds ratios, 0 for differences, 0.5 for chances.
        margin: where harm begins that is not put up with, on the same scale.
    """

    guardrail: str
    scale: ChartScale
    neutral: float
    margin: float
    points: tuple[ChartPoint, ...]


@dataclass(frozen=True, slots=True)
class ShownApproval:
    """An approval, and whether it still counts: new evidence that changes what was shown voids it."""

    approval: Approval
    counts: bool


@dataclass(frozen=True, slots=True)
class CandidateDetail:
    """A candidate with its gate.

    Attributes:
        rule: the gate behind its stage; None before the first stage and in the last one.
        history: decisions, oldest first.
        items: of this gate, in the order of the rule; one without an answer has no verdict.
        approvals: of this gate; ``approvals_needed`` different people must approve.
        overrides: of this rollout, and what is open of earlier ones of the version; oldest first.
        charts: one a guardrail of this gate, in the order of the rule.
        planner: what this gate can find at this traffic, in words; empty without a guardrail that counts events.
        waiting: what looks wait for (labels, the other arm's file).
    """

    line: CandidateLine
    rollout: Rollout
    rule: StageRule | None
    verdict: Verdict
    history: tuple[Decision, ...]
    items: tuple[ItemAnswer, ...]
    approvals: tuple[ShownApproval, ...]
    approvals_needed: int
    overrides: tuple[Override, ...]
    charts: tuple[GuardrailChart, ...]
    planner: tuple[str, ...]
    waiting: tuple[str, ...]
