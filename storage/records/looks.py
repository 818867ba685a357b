"""Looks: raw counts of both arms of a rollout in one window, from which every decision can be worked out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Binary:
    """0/1 outcomes of one look: units and events of the candidate's arm and of the control's."""

    canary: int
    canary_events: int
    control: int
    control_events: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums of one arm in one look: of the value, its square, a covariate, its square and the product of both."""

    n: int
    total: float
    squares: float
    covariate: float = 0.0
    covariate_squares: float = 0.0
    product: float = 0.0


@dataclass(frozen=True, slots=True)
class Means:
    """Numbers of one look, by arm."""

    canary: Moments
    control: Moments


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of one look.

    Attributes:
        auc: chance that a unit of the candidate's arm has the larger value, ties counted half.
        ties: sum of ``t**3 - t`` over groups of ``t`` equal values, divided by ``N (N - 1)``, N both arms together.
    """

    canary: int
    control: int
    auc: float
    ties: float


@dataclass(frozen=True, slots=True)
class PairedBinary:
    """Requests that both versions answered: how many only the candidate had the event in, and only the control."""

    pairs: int
    only_canary: int
    only_control: int


@dataclass(frozen=True, slots=True)
class PairedMeans:
    """Differences (candidate minus control) over requests that both versions answered."""

    pairs: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of both arms, whatever became of them, and the share that the candidate's arm should have of them."""

    canary: int
    control: int
    expected: float


Sums = Binary | Means | Ranks | PairedBinary | PairedMeans | Split

TRAFFIC = "traffic split"
"""The guardrail name under which the rows of both arms are counted."""


@dataclass(frozen=True, slots=True)
class Look:
    """The counts of one guardrail in one window: written once, never changed.

    Attributes:
        batches: whose rows were counted.
        counted_at: from when on it counts, in the time of the data: the end of the window, plus the lag of its labels.
            Looks are gone through in this order, so a decision does not depend on when midwatch saw them.
        baseline: the version in the control's arm.
        labelled: rows of the candidate's arm that have a label, and an answer that it could be held against; equal to
            its rows where no labels are needed.
        unreadable: rows of the candidate's arm whose answer (for a latency: that) can't be read. Where wrong or right
            is counted, those with a label count as wrong; they say nothing of a number.
        control_rows, control_unreadable: the same of the control's arm; 0 rows where nobody counted.
    """

    id: int
    rollout_id: int
    stage: str
    guardrail: str
    baseline: str
    batches: tuple[int, ...]
    window_start: datetime
    window_end: datetime
    counted_at: datetime
    rows: int
    labelled: int
    sums: Sums
    unreadable: int = 0
    control_rows: int = 0
    control_unreadable: int = 0
