"""Numbers that somebody brings from a notebook: kept with their source, shown as unverified, never taken by a gate."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.models import Model
from storage.records.suites import ImportedMetric
from storage.tables import audit, suites


def import_metrics(
    db: sqlite3.Connection,
    model: Model,
    version: str,
    values: Mapping[str, float],
    *,
    source: str,
    actor: Actor,
    now: datetime,
) -> tuple[ImportedMetric, ...]:
    """Record metrics that were computed elsewhere, and return all that are known of the version.

    Raises:
        UsageError: there are none, one has no name, or a value is no finite number.
    """
    if not values:
        raise UsageError("there is nothing to import", "as in: --import auc=0.81")
    wrong = next((name for name, value in values.items() if not name.strip() or not math.isfinite(value)), None)
    if wrong is not None:
        raise UsageError(f"{wrong!r} = {values[wrong]} is no metric", "a name and a finite number: auc=0.81")
    with transaction(db):
        suites.add_imported(db, model.id, version, values, source=source, by=actor.name, now=now)
        after = {"model": model.name, "version": version, "metrics": dict(values), "source": source}
        audit.record(db, "metric.import", actor=actor, now=now, object_kind="version", object_id=version, after=after)
    return tuple(suites.imported(db, model.id, version))
