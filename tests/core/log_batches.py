"""Batches of prediction logs on disk and in the store, for tests of metrics and labels."""

import hashlib
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)


def predictions(day: int, rows: int = 400, skill: float = 1.0) -> pd.DataFrame:
    """One day's rows with their truth in ``churned``."""
    rng = np.random.default_rng(day)
    truth = (rng.random(rows) < 0.4).astype(int)
    logits = skill * 2.0 * (truth - 0.5) + rng.normal(0, 1, rows)
    times = [START + day * DAY + timedelta(seconds=60 * i) for i in range(rows)]
    return pd.DataFrame(
        {
            "scored_at": [t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in times],
            "request_id": [f"r{day:03d}-{i:05d}" for i in range(rows)],
            "score": 1 / (1 + np.exp(-logits)),
            "plan_price": rng.gamma(2.0, 10.0, rows).round(2),
            "churned": truth,
        }
    )


def add_batch(
    db: sqlite3.Connection, model: Model, path: Path, day: int, rows: int, *, now: datetime, stage: str | None = None
) -> Batch:
    """Record a file as a serving batch of one day."""
    raw = path.read_bytes()
    batch = Batch(
        id=0,
        model_id=model.id,
        role="serving",
        path=str(path),
        sha256=hashlib.sha256(raw).hexdigest(),
        format="csv",
        bytes=len(raw),
        version="v1",
        stage=stage,
        window_start=START + day * DAY,
        window_end=START + (day + 1) * DAY,
        rows=rows,
        quarantined=0,
        columns=(),
        arrived_at=now,
        admitted=False,
    )
    return replace(batch, id=batches.insert(db, batch, [], b""))
