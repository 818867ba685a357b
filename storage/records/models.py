"""Models and what their model files say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from storage.records.alert_rules import AlertRules

Task = Literal["binary", "multiclass", "regression"]
StageKind = Literal["test", "shadow", "canary", "ab", "full"]


@dataclass(frozen=True, slots=True)
class Columns:
    """The roles of a log's columns; every other column is a feature unless ignored.

    Attributes:
        time: when the prediction was made.
        prediction: the score or predicted value.
        id: joins late labels; None when the log has none.
        latency: milliseconds a prediction took.
        user: whom the prediction was for; host: which machine answered.
        ignore: not judged at all.
        redact: never stored or shown in clear.
        calendar: follows the calendar, so not judged by range or category.
    """

    time: str
    prediction: str
    id: str | None = None
    label: str | None = None
    version: str | None = None
    stage: str | None = None
    latency: str | None = None
    predicted_class: str | None = None
    user: str | None = None
    host: str | None = None
    ignore: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labels:
    """How labels arrive.

    Attributes:
        lag: windows younger than this are immature.
        minimum: under this many labels a metric is "not enough labels", never a number.
        positive: the label's value that counts as one in a binary task; None lets 1, true and yes count.
        tolerance: how far a regression's answer may lie from the label and still be right; None: nobody said.
    """

    lag: timedelta = timedelta(0)
    minimum: int = 500
    positive: str | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """A bound a metric must keep, as in ``>= 0.68``, and how often it may miss it."""

    op: Literal[">=", "<=", ">", "<"]
    bound: float
    window: timedelta = timedelta(days=28)
    budget: float = 0.01

    def __str__(self) -> str:
        return f"{self.op} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric of a model: a built-in by name, or a business metric as a SQL aggregate over the log's rows."""

    name: str
    kind: Literal["ml", "business", "ops"] = "ml"
    primary: bool = False
    slo: Slo | None = None
    sql: str | None = None
    direction: Literal["up", "down"] | None = None
    owner: str | None = None
    reason: str | None = None
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a rollout; the model file's order is the order.

    The minimums, ``margin``, ``approvals`` and ``items`` belong to the gate behind the stage.

    Attributes:
        margin: of this gate's guardrails that name none: an odds ratio, or the same excess as a share of the mean.
        approvals: different people who must approve before a candidate leaves.
        items: what is no number and must be answered with yes, as ``legal``.
    """

    name: str
    kind: StageKind = "full"
    traffic: float = 1.0
    minimum_rows: int = 0
    minimum_labels: int = 0
    minimum_hours: float = 0.0
    margin: float | None = None
    approvals: int = 0
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guardrail:
    """What must not get worse on the way, as the model file says; what is None is chosen when a rollout opens.

    Attributes:
        signal: ``error``, ``loss``, ``abs_error``, ``latency``, ``prediction``; ``sql`` with a number of a row as SQL.
        stages: where it is judged; empty: wherever there are two arms.
        harm: the direction that hurts; ``up`` for the built-in signals.
        margin: an odds ratio for 0/1, a share of the reference's mean for numbers, a distance from 0.5 for ranks.
        cap: the quantile of the reference at which larger values are capped, as 0.99.
        slice: the name of a kept slice.
    """

    name: str
    signal: str
    sql: str | None = None
    stages: tuple[str, ...] = ()
    harm: Literal["up", "down"] = "up"
    method: Literal["odds", "mean", "rank"] | None = None
    margin: float | None = None
    cap: float | None = None
    covariate: str | None = None
    slice: str | None = None
    unit: Literal["row", "user"] | None = None
    minimum_units: int | None = None


@dataclass(frozen=True, slots=True)
class GateBudget:
    """Errors that gates may make, and the most that versions in shadow may disagree.

    Attributes:
        harm: chance, over a whole rollout, that a harmless candidate is rolled back; shared by stages and guardrails.
        promote: chance that a candidate as bad as a gate's margin is let through that gate.
        disagreement: share of requests that a shadow may answer otherwise; None for any.
    """

    harm: float = 0.01
    promote: float = 0.05
    disagreement: float | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """What every candidate is evaluated by, offline.

    Attributes:
        metrics: names; empty: all of the model.
        margin: the primary metric may be worse than the baseline's by this much, in its own unit.
        simple: the simple baseline that a candidate must gain over: ``prior``, ``logistic`` or ``tree``.
        gain: by how much, in the primary metric's own unit.
        split: ``time`` keeps the newest rows for evaluation, ``random`` is flagged, ``all`` takes what is given.
        holdout: the share of rows that is kept.
    """

    metrics: tuple[str, ...] = ()
    margin: float = 0.0
    simple: Literal["prior", "logistic", "tree"] = "prior"
    gain: float = 0.0
    split: Literal["time", "random", "all"] = "time"
    holdout: float = 0.3


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check as the model file or a tuning changes it: another threshold or tier, off, or narrower.

    The fields from ``times`` on narrow what is told; a finding of class hard is told all the same.

    Attributes:
        times: the check's own limit, times this: 1.4 tells less, 0.8 more.
        except_slices: slices as ``region=LATAM`` in which it tells nothing.
        minimum_rows: of a batch; minimum_touched: rows that fail.
        hours: of the day in UTC in which it tells, ``06-22``: from 06:00 on and before 22:00; may go over midnight.
        batches_in_a_row: it tells from this many batches in a row on.
        tuned: who accepted it and when, for a person; None where the model file says it.
    """

    check: str
    column: str | None = None
    enabled: bool = True
    threshold: float | None = None
    tier: Literal["page", "ticket", "digest", "evidence"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    rationale: str | None = None
    owner: str | None = None
    reviewed: str | None = None
    runbook: str | None = None
    times: float | None = None
    except_slices: tuple[str, ...] = ()
    minimum_rows: int | None = None
    minimum_touched: int | None = None
    hours: str | None = None
    batches_in_a_row: int | None = None
    tuned: str | None = None


@dataclass(frozen=True, slots=True)
class Rollback:
    """How a version is put back.

    Attributes:
        actuator: ``pointer_file``, ``command``, ``http`` or ``record_only``.
        fallback: the version to fall back to when no earlier one will do.
        options: the actuator's own keys, as written.
        settle: how long the verifier watches the world before it says verified.
        timeout: after which an actuator's call is given up (its outcome is then unknown).
    """

    actuator: str = "record_only"
    fallback: str | None = None
    fallback_range: Slo | None = None
    settle: timedelta = timedelta(seconds=2)
    timeout: timedelta = timedelta(seconds=20)
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """Everything a model file says, with defaults filled in."""

    name: str
    task: Task
    columns: Columns
    owner: str | None = None
    production: bool = False
    labels: Labels = Labels()
    metrics: tuple[MetricSpec, ...] = ()
    stages: tuple[Stage, ...] = (Stage("full"),)
    checks: tuple[CheckSpec, ...] = ()
    rollback: Rollback | None = None
    scoring: dict[str, object] = field(default_factory=dict)
    cadence: timedelta | None = None
    impact: str | None = None
    waiver: str | None = None
    guardrails: tuple[Guardrail, ...] = ()
    gates: GateBudget = GateBudget()
    suite: Suite = Suite()
    feedback_loop: bool = False
    alerts: AlertRules = field(default_factory=AlertRules)

    @property
    def primary_metric(self) -> MetricSpec | None:
        """The metric everyone is held accountable to: the one marked primary, else the first."""
        return next((m for m in self.metrics if m.primary), self.metrics[0] if self.metrics else None)

    @property
    def full_stage(self) -> str:
        """The stage that serves users at full traffic: the last one of the list."""
        return self.stages[-1].name


@dataclass(frozen=True, slots=True)
class StoredModelFile:
    """One state of a model file, as it was registered."""

    id: int
    path: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model with its model file as registered last."""

    id: int
    name: str
    path: str
    sha256: str
    registered_at: datetime
    file: ModelFile
