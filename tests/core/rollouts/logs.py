"""Logs of two versions written by hand, and a model whose candidates go through shadow and canary."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from core.ingest import ingest
from core.labels import ingest_labels
from core.rollouts.opening import open_rollout
from core.versions import Sources, add, deploy
from storage.records.looks import Look
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.tables import looks
from tests.conftest import ADA

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)
OPENED = START + 20 * DAY

MODEL = """
name = "churn"
task = "binary"
[columns]
time = "scored_at"
id = "request_id"
prediction = "score"
label = "churned"
version = "model_version"
stage = "stage"
latency = "latency_ms"
[labels]
lag = "2d"
minimum = 10
[[metrics]]
name = "auc"
primary = true
[[stages]]
name = "shadow"
[[stages]]
name = "canary"
traffic = 0.2
[[stages]]
name = "full"
"""
ALL = """
[[guardrails]]
name = "error"
signal = "error"
[[guardrails]]
name = "loss"
signal = "loss"
cap = 0.99
covariate = "tenure"
[[guardrails]]
name = "latency"
signal = "latency"
[[guardrails]]
name = "money"
signal = "sql"
sql = "price * (1 - churned)"
harm = "down"
stages = ["canary"]
"""


def requests(
    day: int, arms: Iterable[tuple[str, str, int]], *, shared: bool = False, labels: bool = True
) -> pd.DataFrame:
    """One day's rows: of each (version, stage) so many; with ``shared`` every version answers the same requests."""
    rng = np.random.default_rng(day)
    parts = []
    for place, (version, stage, rows) in enumerate(arms):
        truth = (np.random.default_rng(1000 + day).random(rows) < 0.4 if shared else rng.random(rows) < 0.4).astype(int)
        logits = 1.5 * (2 * truth - 1) + rng.normal(0, 1.5, rows)
        frame = pd.DataFrame({
            "scored_at": [START + day * DAY + timedelta(seconds=86000 * i / rows) for i in range(rows)],
            "request_id": [f"r{day}-{0 if shared else place}-{i}" for i in range(rows)],
            "score": 1 / (1 + np.exp(-logits)),
            "latency_ms": rng.gamma(2.0, 10.0, rows).round(1),
            "tenure": rng.integers(1, 60, rows),
            "price": rng.gamma(2.0, 10.0, rows).round(2),
            "plan": rng.choice(["free", "pro"], rows),
            "model_version": version,
            "stage": stage,
            "churned": truth,
        })  # fmt: skip
        parts.append(frame)
    frame = pd.concat(parts, ignore_index=True)
    frame["scored_at"] = pd.to_datetime(frame["scored_at"]).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return frame if labels else frame.drop(columns="churned")


MIXED = (("v7", "full", 160), ("v8", "canary", 40))


def write(folder: Path, name: str, frame: pd.DataFrame) -> str:
    """A log file, CSV or Parquet by its name."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return str(path)


def take_in(
    db: sqlite3.Connection, model: Model, path: str, now: datetime, *, version: str | None = None,
    stage: str | None = None, role: str = "serving",
) -> int:  # fmt: skip
    """Ingest one file; the batch's id."""
    options = {"version": version, "stage": stage, "role": role, "actor": ADA, "now": now}
    [done] = ingest(db, model, [path], **options)  # type: ignore[arg-type]
    return done.batch.id


def label(db: sqlite3.Connection, model: Model, path: str, now: datetime) -> None:
    """Join a label file."""
    assert not ingest_labels(db, model, path, actor=ADA, now=now).failures


def candidate(db: sqlite3.Connection, model: Model, folder: Path, version: str = "v8") -> Rollout:
    """A reference, v7 live in full, the version registered, and its rollout opened."""
    reference = requests(0, [("v7", "full", 300)])
    take_in(db, model, write(folder, "reference.csv", reference), START, role="reference")
    for name in ("v7", version):
        add(db, model, name, Sources(seed=name), actor=ADA, now=START)
    deploy(db, model, "v7", "full", at=START - DAY, actor=ADA, now=START)
    return open_rollout(db, model, version, actor=ADA, now=OPENED)


def bare(db: sqlite3.Connection, rollout: Rollout, stage: str | None = None) -> list[Look]:
    """The looks of a rollout without the numbers that the store gave them."""
    from dataclasses import replace

    return [replace(one, id=0, rollout_id=0, batches=()) for one in looks.looks(db, rollout.id, stage)]
