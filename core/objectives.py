"""Objectives of a model: whether each is met, what is left of its error budget, and how fast it burns."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.measure import TrendPoint, mature, serving, trend, window
from core.metrics.batch_sums import needs_labels
from core.metrics.registry import direction, spec_of, specs
from core.stats.cusum import Drop, drop
from core.stats.intervals import Z95
from core.stats.slo import Burn, Level, Point, burn
from storage.records.models import MetricSpec, Model, Slo
from storage.tables import metrics

State = Literal["ok", "failing", "not enough labels", "no data", "no objective"]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}

DROP_WINDOWS = 90
"""How many of the newest mature windows the drop detector walks over."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Where one objective stands.

    Attributes:
        state: ``failing`` when the newest judged window misses it; mature windows only.
        value, low, high, n: of that window; ``at`` is when it began.
        objective: the bound in words, as in ``>= 0.68``.
        budget_left: share of the error budget left over the objective's window; negative when overspent.
        burn_fast, burn_slow: budget spent per budget allowed, over the windows of the page and of the ticket rule.
        level: what the burn asks for: ``page``, ``ticket`` or ``none``.
        missed, windows: judged windows within the objective's window.
        note: one sentence for a person.
    """

    metric: str
    state: State
    objective: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    at: datetime | None = None
    budget_left: float | None = None
    burn_fast: float | None = None
    burn_slow: float | None = None
    level: Level = "none"
    missed: int = 0
    windows: int = 0
    note: str | None = None
    version: str | None = None


def slo_state(db: sqlite3.Connection, model: Model, now: datetime) -> Objective:
    """Where the model's first objective stands: the primary metric's, else that of the first metric with one."""
    known = specs(model.file)
    primary = model.file.primary_metric or known[0]
    chosen = primary if primary.slo else next((spec for spec in known if spec.slo), primary)
    return objective(db, model, chosen, now)


def slo_states(db: sqlite3.Connection, model: Model, now: datetime) -> tuple[Objective, ...]:
    """Where each of the model's objectives stands, in the order of the model file."""
    return tuple(objective(db, model, spec, now) for spec in specs(model.file) if spec.slo)


def objective(db: sqlite3.Connection, model: Model, spec: MetricSpec, now: datetime) -> Objective:
    """Where one metric stands against its objective, judged on mature windows only."""
    if spec.slo is None:
        return Objective(spec.name, "no objective", note=f"{spec.name} has no slo in the model file")
    # Labels take their time: the objective's window ends where windows are mature, not now.
    until = now - model.file.labels.lag if needs_labels(spec, model.file) else now
    since = until - spec.slo.window
    history = metrics.history(db, model.id, spec.name, start=since - spec.slo.window, end=now)
    points = [p for p in serving(model.file, history) if mature(p, spec, model.file, now)]
    judged = [(p, p.reading.value) for p in points if p.reading.value is not None]
    if not points or points[-1].window_start < since:
        waiting = len(history) - len(points)
        note = f"no mature window in the {spec.slo.window.days} days before {until:%Y-%m-%d}"
        note += f"; {waiting} are younger than the label lag" if waiting else ""
        return Objective(spec.name, "no data", str(spec.slo), note=note)
    if not judged:
        whole = window(db, model, spec.name, since, now, now=now)
        if whole.value is None:
            short = needs_labels(spec, model.file) and whole.labelled < model.file.labels.minimum
            return Objective(spec.name, "not enough labels" if short else "no data", str(spec.slo), note=whole.note)
        # Windows too small to be judged one by one still tell something together.
        state: State = "ok" if met(whole.value, spec.slo) else "failing"
        note = f"over {whole.batches} windows together: none has enough labels alone"
        found = (whole.value, whole.low, whole.high, whole.n)
        return Objective(spec.name, state, str(spec.slo), *found, whole.start, note=note)
    series = [Point(p.window_start, met(value, spec.slo), max(p.reading.n, 1)) for p, value in judged]
    burned = burn(series, until, budget=spec.slo.budget, window=spec.slo.window, every=model.file.cadence)
    last, value = judged[-1]
    return Objective(
        metric=spec.name,
        state="ok" if series[-1].met else "failing",
        objective=str(spec.slo),
        value=value,
        low=last.reading.low,
        high=last.reading.high,
        n=last.reading.n,
        at=last.window_start,
        budget_left=burned.budget_left,
        burn_fast=burned.fast,
        burn_slow=burned.slow,
        level=burned.level,
        missed=burned.missed,
        windows=burned.windows,
        note=_sentence(spec, burned),
        version=last.reading.version,
    )


def met(value: float, slo: Slo) -> bool:
    """Whether a value keeps the bound.

    >>> met(0.7, Slo(">=", 0.68)), met(0.7, Slo("<", 0.7))
    (True, False)
    """
    return _OPERATORS[slo.op](value, slo.bound)


def persistent_drop(db: sqlite3.Connection, model: Model, name: str, now: datetime) -> tuple[Drop, datetime | None]:
    """Whether a metric has worsened a little and stayed so, on mature windows; and when that began.

    Raises:
        UsageError: the model has no such metric.
    """
    spec = spec_of(model.file, name)
    good = direction(spec, model.file)
    if good == "none":
        return Drop("no_data", f"neither way is better for {name}"), None
    points: list[TrendPoint] = []
    values: list[float] = []
    for point in trend(db, model, name, DROP_WINDOWS, now=now):
        if point.value is not None and not point.immature:
            points.append(point)
            values.append(point.value)
    errors = [None if p.low is None or p.high is None else (p.high - p.low) / (2 * Z95) for p in points]
    verdict = drop(values, good=good, errors=errors)
    return verdict, None if verdict.onset is None else points[verdict.onset].window_start


def _sentence(spec: MetricSpec, burned: Burn) -> str:
    left = f"{burned.budget_left:.0%} of the error budget left"
    if burned.budget_left < 0:
        left = f"the error budget is spent {1 - burned.budget_left:.1f} times over"
    missed = f"{burned.missed} of {burned.windows} windows missed {spec.name} {spec.slo}"
    return f"{missed}; {left}"
