"""Rollouts: the rule they run under, what was looked at, and what the gates said.

A rollout takes one candidate version through the stages of its model file. Its rule is fixed when it opens, with every
number that a later look could tempt anybody to choose: margins, caps, error budgets. Looks are raw counts of both arms,
so that every decision can be worked out again from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from storage.records.models import StageKind
from storage.records.slices import Predicate

Method = Literal["odds", "mean", "rank", "paired odds", "paired mean"]
Harm = Literal["up", "down"]
Outcome = Literal["promote", "hold", "roll back"]
ReasonKind = Literal[
    "no data", "not yet", "harm", "minimum", "labels", "traffic split", "sample", "evaluation", "floor", "shadow",
    "item", "approval", "baseline", "queue", "stage", "override", "clear", "reading", "unreadable",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class GuardrailRule:
    """One thing that must not get worse, with all that was settled before the first look.

    Attributes:
        signal: what is measured of a unit: ``error``, ``loss``, ``abs_error``, ``latency``, ``prediction``, or ``sql``.
        sql: the number (or 0/1) of a row, where the signal is ``sql``.
        harm: the direction that hurts.
        method: ``odds`` for 0/1, ``mean`` or ``rank`` for numbers; the paired ones where both answered a request.
        margin: worse by less than this is no harm: an odds ratio above 1 (odds), a difference in the signal's own unit
            (mean), a distance of the chance to be worse from one half (rank).
        unit: rows, or users with their rows together (a user with any event has it; numbers are averaged).
        needs_labels: a look counts once its labels had ``lag`` to arrive.
        sd: standard deviation of the signal in the reference; None for odds.
        cap: larger values count as this one; None without.
        covariate: a column known before the prediction, to reduce variance with; None without.
        slice: name of the kept slice it is about, with its condition; None for all traffic.
        minimum_units: candidate units before it may say harm (small arms of skewed numbers alarm too early).
        floored: from the model file's list (False) or from a critical slice that is kept (True).
    """

    name: str
    signal: str
    harm: Harm
    method: Method
    margin: float
    unit: Literal["row", "user"] = "row"
    sql: str | None = None
    needs_labels: bool = False
    lag: timedelta = timedelta(0)
    sd: float | None = None
    cap: float | None = None
    covariate: str | None = None
    slice: str | None = None
    predicates: tuple[Predicate, ...] = ()
    minimum_units: int = 0
    floored: bool = False


@dataclass(frozen=True, slots=True)
class StageRule:
    """The gate behind one stage: what must hold before a candidate leaves it.

    Attributes:
        alpha_harm: chance that a harmless candidate is ever rolled back in this stage, over all guardrails and looks.
        alpha_promote: chance that a candidate at the margin is ever let through.
        items: what is no number and must be answered with yes, such as ``legal``.
        approvals: how many different people must approve.
    """

    stage: str
    kind: StageKind
    traffic: float
    guardrails: tuple[GuardrailRule, ...] = ()
    minimum_rows: int = 0
    minimum_labels: int = 0
    minimum_hours: float = 0.0
    approvals: int = 0
    items: tuple[str, ...] = ()
    alpha_harm: float = 0.01
    alpha_promote: float = 0.05

    @property
    def has_arms(self) -> bool:
        """Whether this stage is judged by comparing two arms: a shadow, a canary, an A/B test."""
        return self.kind in ("shadow", "canary", "ab")


@dataclass(frozen=True, slots=True)
class RolloutRule:
    """The stages of a rollout in order; ``sha256`` is of its canonical JSON."""

    stages: tuple[StageRule, ...]
    feedback_loop: bool
    sha256: str

    def stage(self, name: str) -> StageRule | None:
        """The rule of a stage, None when there is no such stage."""
        return next((stage for stage in self.stages if stage.stage == name), None)

    def after(self, name: str) -> StageRule | None:
        """The stage behind ``name``, None behind the last one or an unknown one."""
        names = [stage.stage for stage in self.stages]
        place = names.index(name) + 1 if name in names else len(names)
        return self.stages[place] if place < len(names) else None


@dataclass(frozen=True, slots=True)
class Condition:
    """Something beside the looks that a gate asks for; one that is not met holds the candidate."""

    kind: ReasonKind
    met: bool
    text: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a gate says what it says, in one sentence; ``guardrail`` when it is about one."""

    kind: ReasonKind
    text: str
    guardrail: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How far one guardrail has come.

    Attributes:
        looks, canary, control: looks and units it rests on.
        log_harm, log_promote: natural logarithm of the e-values against "no harm" and against "harm at the margin".
        harm_needed, promote_needed: what they must reach.
        estimate, low, high: on ``scale``, the interval valid at every look; NaN without data.
        harmed_at, cleared_at: since when, in the time of the data, it says harm, or may pass; None while it does not.
    """

    guardrail: str
    method: Method
    looks: int
    canary: int
    control: int
    log_harm: float
    log_promote: float
    harm_needed: float
    promote_needed: float
    scale: Literal["odds ratio", "difference", "chance to be worse"]
    estimate: float
    low: float
    high: float
    harmed_at: datetime | None
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says of a candidate in a stage.

    Attributes:
        at: the moment in the time of the data since when it says so; None without any look, and where only a condition
            holds what the looks would let pass.
        looks: how many it rests on; ``rows`` and ``labelled`` of the candidate's arm, over ``hours`` of data.
    """

    stage: str
    outcome: Outcome
    at: datetime | None
    reasons: tuple[Reason, ...]
    evidence: tuple[Evidence, ...]
    conditions: tuple[Condition, ...]
    looks: int
    rows: int
    labelled: int
    hours: float


@dataclass(frozen=True, slots=True)
class Rollout:
    """One candidate on its way.

    Attributes:
        stage: where it is now; None before the first stage was entered.
        baseline: the version it is held against.
        state: ``open`` until it serves everyone (``done``), is taken off (``stopped``) or rolled back.
        entered_at: when it entered its stage.
    """

    id: int
    model_id: int
    model: str
    version: str
    baseline: str
    rule: RolloutRule
    stage: str | None
    state: Literal["open", "done", "stopped", "rolled back"]
    opened_by: str
    opened_at: datetime
    entered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a gate said, as it was written down.

    Attributes:
        kind: ``looked`` when looks changed the outcome; ``promoted``, ``stopped`` when a person acted on it.
        at: in the time of the data; ``recorded_at`` is when it was written down.
        dry_run: the gate was not armed: it did not hold anybody up.
        document: verdict as canonical JSON, with ``sha256``; equal looks give equal bytes.
    """

    id: int
    rollout_id: int
    kind: Literal["looked", "promoted", "stopped"]
    from_stage: str
    to_stage: str | None
    outcome: Outcome
    dry_run: bool
    at: datetime | None
    document: str
    sha256: str
    by: str
    recorded_at: datetime
