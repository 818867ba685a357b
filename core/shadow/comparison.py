"""What holding two versions against each other over the same requests answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.metrics.base import Direction, Reading
from storage.records.kept_slices import SliceKind
from storage.records.slices import Predicate


@dataclass(frozen=True, slots=True)
class Answers:
    """How one version answered in the windows that were read.

    Attributes:
        rows: of the version; ``without_id`` of them name no request.
        repeated: rows before the last of their request (retries); the last one by time counts.
        unlike: requests whose rows do not all give the same answer.
        requests: different requests; ``only`` of them were answered by this version alone.
        unreadable: requests that both answered, of which this one's answer can't be read.
    """

    version: str
    rows: int
    without_id: int
    repeated: int
    unlike: int
    requests: int
    only: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share of requests with its 95 % interval (Wilson)."""

    count: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Quantile:
    """The scores of both versions below which a share ``q`` lies, and the same of candidate minus baseline."""

    q: float
    candidate: float
    baseline: float
    difference: float


@dataclass(frozen=True, slots=True)
class Shift:
    """Candidate's score minus baseline's, over requests with a score of both.

    Attributes:
        low, high: 95 % of the mean (Student); None under two requests.
        absolute: mean of the difference without its sign.
        psi: of the candidate's scores over the tenths of the baseline's.
        quantiles: none where the model file redacts the prediction.
    """

    n: int
    mean: float
    low: float | None
    high: float | None
    absolute: float
    psi: float
    quantiles: tuple[Quantile, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Requests that the baseline answered one way and the candidate another."""

    baseline: str
    candidate: str
    requests: int


@dataclass(frozen=True, slots=True)
class SliceGap:
    """How the versions differ in one slice.

    Attributes:
        name: of a kept slice; None for one that was found.
        predicates: its condition, redacted values masked; ``words`` the same for a person.
        requests: answered by both; ``share`` of all such requests.
        shift, shift_low, shift_high: mean difference of scores with its 95 % interval, None without scores;
            ``distance`` likewise is the mean of the difference without its sign.
        q_value: of a slice that was found: chance that so much is found where nothing is; None for a kept one.
        note: why it could not be read.
        metrics: of a kept slice, over its labelled requests that both answered; none with ``why_no_metrics``.
    """

    name: str | None
    kind: SliceKind | None
    predicates: tuple[Predicate, ...]
    words: str
    requests: int
    share: float
    disagreement: Share | None
    shift: float | None
    shift_low: float | None
    shift_high: float | None
    distance: float | None
    distance_low: float | None
    distance_high: float | None
    q_value: float | None = None
    note: str | None = None
    metrics: tuple[MetricGap, ...] = ()
    why_no_metrics: str | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of both versions over requests that have both; the interval (95 %, Student) is of the mean."""

    n: int
    candidate_p50: float
    baseline_p50: float
    candidate_p95: float
    baseline_p95: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MetricGap:
    """One metric of both versions over the same labelled requests.

    Attributes:
        difference: candidate minus baseline; ``low`` and ``high`` are its paired 95 % interval.
        direction: which way is good.
        better: which version is better beyond the interval; None where it can't be told.
        note: why there is no number.
    """

    metric: str
    direction: Direction
    candidate: Reading
    baseline: Reading
    difference: float | None
    low: float | None
    high: float | None
    n: int
    better: str | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class GateSays:
    """What the gate of a rollout says at the moment of a comparison: the verdict in one line, and why."""

    line: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """A candidate beside the version that users saw, over the requests that both answered.

    Attributes:
        stage: the stage that the candidate's rows are of; None: rows of any stage.
        batches: what was read, in order of time; ``left_out`` older ones were not.
        start, end: of the windows in which the candidate answered.
        both: requests that both answered.
        allowed: the largest disagreement that the model file allows; None for any.
        disagreement: share of requests that were answered otherwise: another class or decision, for a regression
            farther apart than ``labels.tolerance``, or readable of one version alone; None: ``why_no_disagreement``.
        slices: kept slices first; ``by_disagreement`` and ``by_shift`` (by distance) stand out, worst first.
        metrics: with ``why_no_metrics`` when none could be read; ``labelled`` requests have a label that had its time.
        immature: batches whose labels have not had theirs.
        unknown: what the numbers do not say.
        not_answered: why nothing could be compared; None when it could.
    """

    model: str
    candidate: str
    baseline: str
    stage: str | None
    batches: tuple[int, ...]
    left_out: int
    start: datetime | None
    end: datetime | None
    answers: tuple[Answers, Answers]
    both: int
    allowed: float | None
    disagreement: Share | None
    why_no_disagreement: str | None
    moves: tuple[Move, ...]
    shift: Shift | None
    slices: tuple[SliceGap, ...]
    by_disagreement: tuple[SliceGap, ...]
    by_shift: tuple[SliceGap, ...]
    latency: Latency | None
    metrics: tuple[MetricGap, ...]
    why_no_metrics: str | None
    labelled: int
    immature: int
    unknown: tuple[str, ...]
    not_answered: str | None = None

    @property
    def coverage(self) -> float | None:
        """Share of the baseline's requests that the candidate answered, too."""
        requests = self.answers[1].requests
        return self.both / requests if requests else None

    @property
    def within(self) -> bool | None:
        """Whether the disagreement is within what is allowed; None where nothing was allowed or nothing measured."""
        if self.allowed is None or self.disagreement is None:
            return None
        return self.disagreement.value <= self.allowed
