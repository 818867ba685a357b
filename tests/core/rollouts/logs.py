"""Logs of two versions written by hand, and a model whose candidates go through shadow and canary."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from core.rollouts.opening import open_rollout
from core.stats.packing import pack
from core.stats.profile import BatchProfile
from core.versions import Sources, add, deploy
from storage import model_file
from storage.clock import from_text
from storage.logs.source import open_log
from storage.records.batches import Batch, LabelCoverage, Role
from storage.records.looks import Look
from storage.records.models import Model
from storage.records.rollouts import Rollout
from storage.tables import batches, labels, looks, metrics, models
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
        if "scored_at" in frame:
            frame = frame.assign(scored_at=pd.to_datetime(frame["scored_at"]).dt.tz_localize(None))
        duckdb.from_df(frame).write_parquet(str(path))
    else:
        frame.to_csv(path, index=False)
    return str(path)


def take_in(
    db: sqlite3.Connection, model: Model, path: str, now: datetime, *, version: str | None = None,
    stage: str | None = None, role: Role = "serving",
) -> int:  # fmt: skip
    """Record one file as a batch, without checks, metrics and alerts; the batch's id."""
    with open_log(path) as source:
        time = [t for (t,) in source.query("select unnest([min(scored_at), max(scored_at)]) from log")]
        [(labelled,)] = (
            source.query("select count(churned) from log") if "churned" in source.names("number") else [(0,)]
        )
        file = source.files[0]
        batch = Batch(
            0, model.id, role, file.path, file.sha256, file.format, file.size, version, stage,
            *(None if t is None else from_text(str(t)) for t in time), source.rows, source.rejected,
            tuple((c.name, c.kind) for c in source.columns), now, True,
        )  # fmt: skip
    stored = batches.insert(db, batch, [], pack(BatchProfile()))
    coverage = LabelCoverage(stored, now, batch.rows, int(str(labelled)), None, None)
    metrics.append_coverage(db, coverage)
    if role == "reference":
        batches.set_baseline(db, stored, admit=True, reason="test", by="ada", now=now)
    return stored


def label(db: sqlite3.Connection, model: Model, path: str, now: datetime, batch_ids: Iterable[int]) -> None:
    """Join a label file with batches that hold its ids, without metrics."""
    import hashlib

    sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    file, _ = labels.register(db, model.id, path=path, sha256=sha256, rows=1, quarantined=0, now=now)
    for batch_id in batch_ids:
        labels.joined(db, file.id, batch_id, 1)
        metrics.append_coverage(db, LabelCoverage(batch_id, now, 1, 1, None, None))


def candidate(
    db: sqlite3.Connection, model: Model, folder: Path, version: str = "v8", *, user: bool = False
) -> Rollout:
    """A reference where a guardrail needs one, v7 live in full, the version registered, and its rollout opened."""
    if model.file.guardrails:
        reference = requests(0, [("v7", "full", 300)])
        if user:
            reference["user"] = [f"u{i % 50}" for i in range(300)]
        take_in(db, model, write(folder, "reference.parquet", reference), START, role="reference")
    for name in ("v7", version):
        add(db, model, name, Sources(seed=name), actor=ADA, now=START)
    deploy(db, model, "v7", "full", at=START - DAY, actor=ADA, now=START)
    return open_rollout(db, model, version, actor=ADA, now=OPENED)


def model_of(db: sqlite3.Connection, folder: Path, text: str = MODEL) -> Model:
    """Register a model in a store of its own."""
    path = folder / "model.toml"
    path.write_text(text)
    parsed, body, sha256 = model_file.read(path)
    models.register(db, parsed.name, path=str(path), text=body, sha256=sha256, actor=ADA, now=START)
    return models.get(db, parsed.name)


def bare(db: sqlite3.Connection, rollout: Rollout, stage: str | None = None) -> list[Look]:
    """The looks of a rollout without the numbers that the store gave them."""
    from dataclasses import replace

    return [replace(one, id=0, rollout_id=0, batches=()) for one in looks.looks(db, rollout.id, stage)]
