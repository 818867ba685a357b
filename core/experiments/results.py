"""Results of experiments: typed, or read from an evaluation or a rollout of the version that carries one."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.metrics.registry import spec_of
from storage.clock import to_text
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.experiments import STAGE_KINDS, Experiment, ExperimentResult, ResultSource
from storage.records.models import ModelFile, StageKind
from storage.tables import audit, experiments, models

TAKES = ("running", "held", "launched")
"""States in which results are taken."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One gain of one stage; positive is better, in the unit of the metric.

    Attributes:
        low, high: its 95 % interval.
        at: when it was measured.
    """

    stage: str
    gain: float
    low: float
    high: float
    metric: str
    at: datetime
    n: int | None = None
    version: str | None = None
    baseline: str | None = None
    source: ResultSource = "typed"
    source_ref: str | None = None
    note: str | None = None


def stage_kind(file: ModelFile, stage: str) -> StageKind:
    """The kind of a stage of the model file; a kind's own name will do where the file has no such stage.

    Raises:
        UsageError: it is neither.
    """
    named = next((one.kind for one in file.stages if one.name == stage), None)
    if named is not None:
        return named
    kind = next((kind for kind in STAGE_KINDS if kind == stage), None)
    if kind is None:
        known = [one.name for one in file.stages]
        raise UsageError(
            f"{file.name} has no stage {stage!r}", f"one of {', '.join(dict.fromkeys([*known, *STAGE_KINDS]))}"
        )
    return kind


def offline_stage(file: ModelFile) -> str:
    """The name of the stage that is offline: the model file's own of kind ``test``, else that word."""
    return next((one.name for one in file.stages if one.kind == "test"), "test")


def record(
    db: sqlite3.Connection, experiment_id: int, measured: Measured, *, actor: Actor, now: datetime
) -> ExperimentResult:
    """Append a result.

    Raises:
        RefusedError: it is older than the registration, or the experiment was not started or has ended.
        UsageError: the interval does not hold the gain, a number is none, stage or metric are unknown.
    """
    with transaction(db):
        found = experiments.get(db, experiment_id)
        file = models.get_by_id(db, found.model_id).file
        kind = stage_kind(file, measured.stage)
        _check(found, file, measured, now)
        number = experiments.add_result(
            db, experiment_id, stage=measured.stage, kind=kind, metric=measured.metric, gain=measured.gain,
            low=measured.low, high=measured.high, n=measured.n, version=measured.version, baseline=measured.baseline,
            source=measured.source, source_ref=measured.source_ref, note=measured.note, by=actor.name,
            at=measured.at, now=now,
        )  # fmt: skip
        if measured.version is not None and measured.version != found.version:
            experiments.add_event(db, experiment_id, "version", version=measured.version, by=actor.name, now=now)
        after = {
            "stage": measured.stage, "metric": measured.metric, "gain": measured.gain, "low": measured.low,
            "high": measured.high, "source": measured.source, "ref": measured.source_ref,
        }  # fmt: skip
        audit.record(
            db, "experiment.result", actor=actor, now=now, object_kind="experiment", object_id=experiment_id,
            after=after,
        )  # fmt: skip
        return next(one for one in experiments.results(db, experiment_id) if one.id == number)


def _check(found: Experiment, file: ModelFile, measured: Measured, now: datetime) -> None:
    if measured.at < found.at:
        raise RefusedError(
            f"the result is of {to_text(measured.at)}, experiment {found.id} was registered at {to_text(found.at)}: "
            "what was known before can't be predicted",
            "measure again, or register what is expected of the next one",
        )
    if found.state not in TAKES:
        raise RefusedError(
            f"experiment {found.id} is {found.state}: it takes no result",
            f"start it first: midwatch experiments start {found.id}",
        )
    if measured.at > now:
        raise UsageError(f"the result is of {to_text(measured.at)}, which is still to come", "leave --at out for now")
    spec_of(file, measured.metric)
    if not all(math.isfinite(x) for x in (measured.gain, measured.low, measured.high)):
        raise UsageError("a gain and its interval are finite numbers", "as in --gain 0.004 --interval 0.001..0.007")
    if not measured.low <= measured.gain <= measured.high or measured.low == measured.high:
        told = f"{measured.low:g} to {measured.high:g}"
        raise UsageError(f"the interval {told} is none of the gain {measured.gain:g}", "the lower end stands first")
    if measured.n is not None and measured.n < 1:
        raise UsageError(f"n = {measured.n} rests on nothing", "leave -n out when it is not known")
