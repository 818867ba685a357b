"""The newest batch whose labels are not in, and what is expected of it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from core.served_rows import hidden_stages
from storage.records.estimates import Estimate
from storage.records.models import Model
from storage.tables import batches, estimates

_LOOKED_AT = 20


def waiting(db: sqlite3.Connection, model: Model, now: datetime) -> tuple[Estimate, ...]:
    """Estimates of the newest batch that users saw, per metric, while its labels are not in; else none.

    Once the labels have had their time they are overdue, and the estimates say so, until as many came as a metric asks.
    """
    if model.file.columns.label is None:
        return ()
    hidden = hidden_stages(model.file)
    for batch in batches.page(db, model_id=model.id, limit=_LOOKED_AT):
        if batch.role == "serving" and batch.stage not in hidden:
            told = tuple(estimates.current(db, batch.id))
            if (batch.window_end or batch.arrived_at) + model.file.labels.lag > now:
                return told
            came = batches.coverage(db, batch.id)
            if came is not None and came.labelled >= model.file.labels.minimum:
                return ()
            return tuple(replace(one, overdue=True) for one in told)
    return ()
