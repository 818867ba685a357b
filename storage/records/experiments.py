"""Experiments: what was expected before any result, what came out stage by stage, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.records.models import StageKind

ExperimentKind = Literal["data", "features", "model", "parameters", "rule", "other"]
ExperimentState = Literal["registered", "running", "held", "killed", "dropped", "launched"]
ExperimentEventKind = Literal["start", "hold", "kill", "launch", "drop", "explain", "hours", "version"]
ResultSource = Literal["typed", "evaluation", "rollout"]
LimitScope = Literal["model", "team"]
CaughtAt = Literal["build", "test", "shadow", "canary", "ab", "live"]

EXPERIMENT_KINDS: tuple[ExperimentKind, ...] = ("data", "features", "model", "parameters", "rule", "other")
"""What an experiment changes; ``rule`` is what surrounds a model and is no part of it: thresholds, filters."""

EXPERIMENT_STATES: tuple[ExperimentState, ...] = ("running", "held", "registered", "launched", "killed", "dropped")
STAGE_KINDS: tuple[StageKind, ...] = ("test", "shadow", "canary", "ab", "full")
"""In the order of a rollout."""

CAUGHT_AT: tuple[CaughtAt, ...] = ("build", "test", "shadow", "canary", "ab", "live")
"""Where a defect can be caught, the cheapest place first; ``live`` is too late: it escaped."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What is fixed before any result.

    Gains are in the unit of ``metric`` and positive where it is better, whatever the direction of the metric.

    Attributes:
        predicted_low, predicted_high: where the gain is expected.
        minimum_gain: less than this is not worth a launch; above 0.
        idea_from: who or what had the idea; ``link`` is where it stands.
        parent_id: the experiment that it builds on: a guided one.
    """

    title: str
    hypothesis: str
    metric: str
    predicted_low: float
    predicted_high: float
    minimum_gain: float
    kind: ExperimentKind = "data"
    idea_from: str | None = None
    link: str | None = None
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment as it stands.

    Attributes:
        document: the canonical JSON of what was registered; ``sha256`` is of its bytes.
        version: the candidate that carries it; None while nobody has named one.
    """

    id: int
    model_id: int
    model: str
    registration: Registration
    document: str
    sha256: str
    by: str
    at: datetime
    state: ExperimentState
    version: str | None


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """One gain of one stage with its 95 % interval.

    Attributes:
        kind: of the stage, which orders stages whatever they are called; ``test`` is offline.
        n: rows or units it rests on, None where nobody said.
        source: ``typed`` by a person, or read from an ``evaluation`` or a ``rollout``, then with ``source_ref``.
        at: when it was measured; ``recorded_at`` is when it was written down.
    """

    id: int
    experiment_id: int
    stage: str
    kind: StageKind
    metric: str
    gain: float
    low: float
    high: float
    n: int | None
    version: str | None
    baseline: str | None
    source: ResultSource
    source_ref: str | None
    note: str | None
    by: str
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ExperimentEvent:
    """One thing that happened to an experiment.

    Attributes:
        body: the reason of a kill, a hold or a drop; the words of an explanation.
        hypothesis: of an explanation that states the hypothesis anew.
        retrofitted: of an explanation that came after the first result, or changes the hypothesis.
        hours: a person's work, of ``hours``; below 0 takes back what was too much.
    """

    id: int
    experiment_id: int
    kind: ExperimentEventKind
    body: str | None
    hypothesis: str | None
    retrofitted: bool
    hours: float | None
    version: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ExperimentLimit:
    """How many experiments of a model or a team may run at once, since when and why."""

    scope: LimitScope
    name: str
    most: int
    reason: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DefectTag:
    """Where a person says a defect was caught.

    Attributes:
        defect: what names it: ``incident:INC-0042``, ``version:churn/v43``, or ``hand:7`` of one nobody else recorded.
        at: when it was said last; ``first_at`` when first.
    """

    id: int
    defect: str
    model_id: int | None
    model: str | None
    title: str | None
    stage: CaughtAt
    by: str
    at: datetime
    first_at: datetime
