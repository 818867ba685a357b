"""The newest batch whose labels are not in, and what is expected of it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from core.served_rows import hidden_stages
from storage.records.estimates import Estimate
from storage.records.models import Model
from storage.tables import batches, estimates

_LOOKED_AT = 20


def waiting(db: sqlite3.Connection, model: Model, now: datetime) -> tuple[Estimate, ...]:
    """Estimates of the newest batch that users saw, per metric, while its labels have not had their time; else none."""
    if model.file.columns.label is None:
        return ()
    hidden = hidden_stages(model.file)
    for batch in batches.page(db, model_id=model.id, limit=_LOOKED_AT):
        if batch.role == "serving" and batch.stage not in hidden:
            if (batch.window_end or batch.arrived_at) + model.file.labels.lag <= now:
                return ()
            return tuple(estimates.current(db, batch.id))
    return ()
