"""Which metric everybody is held to, since when, who asked for it and why.

The model file registers one; a rotation puts another in force from a moment on. Running experiments and rollouts are
read again under the one in force, while gates keep the registered one until the model file says otherwise.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.kept.watch import primary
from core.metrics.registry import spec_of, specs
from storage.db import transaction
from storage.errors import RefusedError, UsageError
from storage.host import Actor
from storage.records.models import MetricSpec, Model
from storage.records.suites import Evaluation, MetricCompared, Rotation
from storage.tables import audit, suites


@dataclass(frozen=True, slots=True)
class EffectivePrimary:
    """The primary metric at a moment.

    Attributes:
        metric: the one in force; ``registered`` is that of the model file, which gates keep.
        since: when it was rotated in; None for the registered one.
    """

    metric: MetricSpec
    registered: MetricSpec
    owner: str | None
    reason: str | None
    since: datetime | None

    @property
    def rotated(self) -> bool:
        """Whether another metric is in force than the one that gates keep."""
        return self.metric.name != self.registered.name


@dataclass(frozen=True, slots=True)
class Reread:
    """One evaluation read under both metrics: ``registered`` decides, ``effective`` is shown beside it."""

    registered: MetricCompared | None
    effective: MetricCompared | None


def effective_primary(db: sqlite3.Connection, model: Model, at: datetime) -> EffectivePrimary:
    """The primary metric in force at a moment; a metric that the model no longer has is passed over."""
    registered = primary(model.file)
    known = {spec.name: spec for spec in specs(model.file)}
    told = [one for one in suites.rotations(db, model.id) if one.at <= at and one.metric in known]
    if not told:
        return EffectivePrimary(registered, registered, registered.owner or model.file.owner, registered.reason, None)
    last = told[-1]
    return EffectivePrimary(known[last.metric], registered, last.owner, last.reason, last.at)


def rotate(
    db: sqlite3.Connection, model: Model, metric: str, *, owner: str, reason: str, actor: Actor, now: datetime
) -> Rotation:
    """Put another metric in force from now on.

    Raises:
        UsageError: the model has no such metric, or owner or reason are missing.
        RefusedError: it is in force already.
    """
    spec = spec_of(model.file, metric)
    if not owner.strip() or not reason.strip():
        raise UsageError("a rotation needs an owner and a reason", "name both: --owner, --reason")
    before = effective_primary(db, model, now)
    if before.metric.name == spec.name:
        raise RefusedError(f"{metric} is the primary metric of {model.name} already", "nothing was recorded")
    with transaction(db):
        suites.add_rotation(
            db, model.id, spec.name, before=before.metric.name, owner=owner.strip(), reason=reason.strip(),
            by=actor.name, now=now,
        )  # fmt: skip
        after = {"model": model.name, "metric": spec.name, "owner": owner, "reason": reason}
        audit.record(
            db, "metric.rotate", actor=actor, now=now, object_kind="model", object_id=model.name,
            before={"metric": before.metric.name}, after=after,
        )  # fmt: skip
    return suites.rotations(db, model.id)[-1]


def reread(db: sqlite3.Connection, model: Model, evaluation: Evaluation, at: datetime) -> Reread:
    """An evaluation's comparison over all rows under the registered metric and under the one in force."""
    whole, name = evaluation.whole, effective_primary(db, model, at).metric.name
    told = {metric.metric: metric for metric in whole.metrics} if whole else {}
    return Reread(whole.primary if whole else None, told.get(name))
