"""Prediction logs in which two versions answer, as files and in a store."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from storage.records.batches import Batch
from storage.records.models import Model
from storage.tables import batches
from tests.conftest import NOW
from tests.core.slices.kit import parquet

START = datetime(2026, 11, 20, tzinfo=UTC)
TEXT = """
name = "churn"
task = "binary"
[columns]
time = "ts"
id = "rid"
prediction = "score"
label = "label"
version = "version"
stage = "stage"
latency = "ms"
redact = ["email"]
[labels]
minimum = 50
[[metrics]]
name = "accuracy"
threshold = 0.6
[[metrics]]
name = "auc"
[[metrics]]
name = "log_loss"
[[stages]]
name = "shadow"
[[stages]]
name = "canary"
[[stages]]
name = "full"
"""


def moments(rows: int, *, hour: float = 0.0) -> list[str]:
    """Times of rows, evenly over an hour."""
    return [f"{START + timedelta(hours=hour, seconds=3600 * i / rows):%Y-%m-%dT%H:%M:%S.%fZ}" for i in range(rows)]


def requests(rows: int, *, seed: int = 1, hour: float = 0.0) -> pd.DataFrame:
    """What the live version answered: its scores are the chances of its labels."""
    rng = np.random.default_rng(seed)
    score = rng.random(rows).round(4)
    return pd.DataFrame(
        {
            "ts": moments(rows, hour=hour),
            "rid": [f"r{seed}-{i}" for i in range(rows)],
            "region": rng.choice(["NA", "EU", "APAC"], rows),
            "platform": rng.choice(["ios", "android"], rows),
            "spend": rng.gamma(2, 10, rows).round(2),
            "email": [f"user{i}@secret.example" for i in range(rows)],
            "score": score,
            "label": (rng.random(rows) < score).astype(int),
            "version": "v1",
            "stage": "full",
            "ms": rng.gamma(2, 5, rows).round(2),
        }
    )


def shadowed(base: pd.DataFrame, *, flips: dict[str, float], seed: int = 2) -> pd.DataFrame:
    """What the candidate answered to the same requests: another score in a share of each region."""
    rng = np.random.default_rng(seed)
    flipped = rng.random(len(base)) < base["region"].map(flips)
    # To the other side of the threshold of 0.6, so that the decision is another one.
    other = np.where(base["score"] >= 0.6, base["score"] - 0.6, base["score"] * 0.6 + 0.6).round(4)
    score = np.where(flipped, other, base["score"])
    return base.assign(score=score, version="v2", stage="shadow", ms=base["ms"] + 2)


def take(
    db: sqlite3.Connection, model: Model, path: Path, frame: pd.DataFrame, *, version: str | None = None,
    stage: str | None = None,
) -> None:  # fmt: skip
    """Write a frame as Parquet and record it as a serving batch, without the checks of an ingestion."""
    times = pd.to_datetime(frame["ts"], utc=True, format="ISO8601")
    parquet(path, frame.assign(ts=times.dt.tz_localize(None)))
    raw = path.read_bytes()
    batches.insert(
        db,
        Batch(
            0, model.id, "serving", str(path), hashlib.sha256(raw).hexdigest(), "parquet", len(raw), version, stage,
            times.min().to_pydatetime(), times.max().to_pydatetime(), len(frame), 0,
            tuple((column, "text") for column in frame.columns), NOW, True,
        ),
        [],
        b"",
    )  # fmt: skip
