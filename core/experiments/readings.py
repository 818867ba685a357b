"""Results that are read, not typed: from offline evaluations and rollouts of the version that carries an experiment.

Numbers come in the registered metric and, once the primary metric has rotated, in the one that is primary now: gates
keep what was registered, people see both.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime

from core.experiments import look_gains
from core.experiments.lives import Life
from core.experiments.results import Measured, offline_stage, record
from core.suites.rotation import effective_primary
from core.suites.verdict import oriented
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.experiments import Experiment, ExperimentResult
from storage.records.models import Model
from storage.records.suites import Evaluation
from storage.tables import experiments, models, rollouts, suites


@dataclass(frozen=True, slots=True)
class Reread:
    """A running experiment under the metric that is primary now; None where nobody has measured it by that yet.

    Attributes:
        registered, now: the two metrics.
        under_registered, under_now: the newest result of the farthest stage by each.
    """

    registered: str
    now: str
    under_registered: Measured | ExperimentResult | None
    under_now: Measured | ExperimentResult | None


def read_new(
    db: sqlite3.Connection, experiment_id: int, *, version: str | None = None, actor: Actor, now: datetime
) -> tuple[ExperimentResult, ...]:
    """Record every evaluation and every stage of a rollout that was not read yet; all of them or none.

    Raises:
        UsageError: no version is known to carry the experiment.
        RefusedError: as :func:`core.experiments.results.record`; a number that is older than the registration.
    """
    with transaction(db):
        found = experiments.get(db, experiment_id)
        carrier = version or found.version
        if carrier is None:
            raise UsageError(
                f"no version carries experiment {experiment_id} yet",
                "name it with --version, or type the result: --gain and --interval",
            )
        model = models.get_by_id(db, found.model_id)
        known = {(one.stage, one.metric, one.source_ref) for one in experiments.results(db, experiment_id)}
        metrics = dict.fromkeys((found.registration.metric, primary_now(db, model, now)))
        told = [one for metric in metrics for one in available(db, model, carrier, metric)]
        fresh = [one for one in told if (one.stage, one.metric, one.source_ref) not in known and one.at >= found.at]
        if not fresh and any(one.at < found.at for one in told):
            fresh = [one for one in told if one.at < found.at][:1]  # refused there, with both moments in the sentence
        # The clock of the data may run ahead of this one; nothing is dated after the moment it was written down.
        dated = [replace(one, at=min(one.at, now)) for one in fresh]
        return tuple(record(db, experiment_id, one, actor=actor, now=now) for one in dated)


def available(db: sqlite3.Connection, model: Model, version: str, metric: str) -> list[Measured]:
    """What is in the store about a version by one metric: its newest evaluation, and each stage of its rollout."""
    found = []
    evaluation = next((one for one in suites.listing(db, model.id, version) if one.verified), None)
    if evaluation is not None and (told := of_evaluation(model, evaluation, metric)) is not None:
        found.append(told)
    return found + of_rollout(db, model, version, metric)


def of_evaluation(model: Model, evaluation: Evaluation, metric: str) -> Measured | None:
    """The gain of an evaluation over all rows by a metric; None where it has none, or no interval."""
    whole = evaluation.whole
    compared = next((one for one in whole.metrics if one.metric == metric), None) if whole else None
    edges = oriented(compared)
    if compared is None or edges is None or compared.difference is None or compared.difference.value is None:
        return None
    value = compared.difference.value if compared.direction == "up" else -compared.difference.value
    if not edges[0] <= value <= edges[1] or edges[0] == edges[1]:
        return None
    return Measured(
        stage=offline_stage(model.file),
        gain=value,
        low=edges[0],
        high=edges[1],
        metric=metric,
        at=evaluation.at,
        n=compared.difference.n or None,
        version=evaluation.version,
        baseline=evaluation.baseline,
        source="evaluation",
        source_ref=f"evaluations {evaluation.id}",
        note=compared.method,
    )


def of_rollout(db: sqlite3.Connection, model: Model, version: str, metric: str) -> list[Measured]:
    """The gain of each stage of a version's last rollout by a metric, where a guardrail measures that."""
    rollout = rollouts.find(db, model.id, version)
    found = []
    for stage in rollout.rule.stages if rollout else ():
        rule = look_gains.guardrail_of(stage, metric)
        if rollout is None or rule is None:
            continue
        every = rollouts.looks(db, rollout.id, stage.stage, rollout.baseline)
        looks = [one for one in every if one.guardrail == rule.name]
        told = look_gains.gain(looks, rule)
        if told is None:
            continue
        found.append(
            Measured(
                stage=stage.stage,
                gain=told.gain,
                low=told.low,
                high=told.high,
                metric=metric,
                at=max(look.counted_at for look in looks),
                n=told.n,
                version=version,
                baseline=rollout.baseline,
                source="rollout",
                source_ref=f"rollouts {rollout.id}, {len(looks)} looks",
                note=f"guardrail {rule.name}" + (f", values over {rule.cap:g} cut" if rule.cap is not None else ""),
            )
        )
    return found


def primary_now(db: sqlite3.Connection, model: Model, now: datetime) -> str:
    """The metric that everybody is held to now."""
    return effective_primary(db, model, now).metric.name


def reread(db: sqlite3.Connection, one: Life, *, now: datetime) -> Reread | None:
    """An open experiment under the metric that is primary now; None while that is the registered one."""
    found = one.experiment
    if found.state not in ("registered", "running", "held"):
        return None
    model = models.get_by_id(db, found.model_id)
    metric = primary_now(db, model, now)
    if metric == found.registration.metric:
        return None
    return Reread(
        registered=found.registration.metric,
        now=metric,
        under_registered=one.latest or _found(db, model, found, found.registration.metric),
        under_now=_recorded(one, metric) or _found(db, model, found, metric),
    )


def _recorded(one: Life, metric: str) -> ExperimentResult | None:
    at_stage = [result for result in one.results if result.metric == metric and result.kind == one.stage]
    return max(at_stage, key=lambda result: (result.at, result.id), default=None)


def _found(db: sqlite3.Connection, model: Model, found: Experiment, metric: str) -> Measured | None:
    told = available(db, model, found.version, metric) if found.version else []
    told = [one for one in told if one.at >= found.at]
    return told[-1] if told else None
