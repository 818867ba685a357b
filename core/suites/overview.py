"""Every metric of a model: who asked for it, its objective, and ML values beside business values."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from core.estimates.waiting import waiting
from core.measure import TrendPoint, trend
from core.metrics.registry import direction, specs
from core.suites.divergence import Divergence, divergences
from core.suites.rotation import EffectivePrimary, effective_primary
from storage.records.estimates import Estimate
from storage.records.models import MetricSpec, Model
from storage.records.suites import Rotation
from storage.tables import suites


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One metric.

    Attributes:
        role: ``primary`` is in force and registered; ``in force`` was rotated in; ``registered`` is what gates keep.
        newest: its newest reading that has a value and whose labels are in; None without any.
    """

    spec: MetricSpec
    kind: str
    direction: str
    role: str
    owner: str | None
    reason: str | None
    newest: TrendPoint | None


@dataclass(frozen=True, slots=True)
class MetricsOverview:
    """The metrics of a model; ``note`` says that nothing ties them to the business, empty when something does.

    ``waiting`` are estimates of the newest batch while its labels are not in.
    """

    primary: EffectivePrimary
    lines: tuple[MetricLine, ...]
    rotations: tuple[Rotation, ...]
    divergences: tuple[Divergence, ...]
    note: str
    waiting: tuple[Estimate, ...] = ()


def overview(db: sqlite3.Connection, model: Model, *, now: datetime) -> MetricsOverview:
    """What ``midwatch metrics`` shows."""
    held = effective_primary(db, model, now)
    known = specs(model.file)
    lines = tuple(_line(db, model, spec, held, now) for spec in known)
    business = any(spec.kind == "business" for spec in known)
    note = "" if business or model.file.waiver else "no business metric and no waiver: nothing ties it to the business"
    rotations, parted = tuple(suites.rotations(db, model.id)), divergences(db, model, now=now)
    return MetricsOverview(held, lines, rotations, parted, note, waiting(db, model, now))


def _line(db: sqlite3.Connection, model: Model, spec: MetricSpec, held: EffectivePrimary, now: datetime) -> MetricLine:
    in_force, registered = spec.name == held.metric.name, spec.name == held.registered.name
    role = "primary" if in_force and registered else "in force" if in_force else "registered" if registered else ""
    owner, reason = (held.owner, held.reason) if in_force else (spec.owner, spec.reason)
    read = [point for point in trend(db, model, spec.name, now=now) if point.value is not None and not point.immature]
    kind = "business" if spec.kind == "business" else spec.kind
    return MetricLine(spec, kind, direction(spec, model.file), role, owner, reason, read[-1] if read else None)
