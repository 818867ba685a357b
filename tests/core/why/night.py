"""A model whose newest batches can be spoiled: reference, clean batches, then what a test writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.baseline import Baselines
from core.ingest import ingest
from storage.records.models import Model
from tests.conftest import ADA, NOW

MODEL = """
name = "churn"
task = "binary"
[columns]
time = "scored_at"
id = "request_id"
prediction = "score"
label = "churned"
version = "model_version"
[labels]
lag = "0s"
minimum = 100
[[metrics]]
name = "auc"
primary = true
"""
ROWS = 240
CLEAN = 8
START = NOW - timedelta(hours=20)

Columns = dict[str, Any]


def columns(number: int) -> Columns:
    """Clean rows of the batch of that number, an hour each; labels go with the score."""
    rng = np.random.default_rng(number + 100)
    spend, tenure = rng.gamma(4.0, 5.0, ROWS), rng.normal(24.0, 6.0, ROWS)
    region = rng.choice(["EU", "NA", "LATAM"], ROWS)
    score = 1 / (1 + np.exp(-((spend - 20) / 6 - (tenure - 24) / 4) - rng.normal(0.0, 0.2, ROWS)))
    return {
        "spend": spend.round(3),
        "tenure": tenure.round(3),
        "region": region,
        "score": score.round(5),
        "churned": (rng.random(ROWS) < score).astype(int),
        "model_version": np.full(ROWS, "v41"),
    }


def write(path: Path, number: int, spoil: Callable[[Columns], None] | None = None) -> str:
    """The batch of that number as CSV."""
    found = columns(number)
    if spoil is not None:
        spoil(found)
    begun = START + timedelta(hours=number)
    lines = ["request_id,scored_at," + ",".join(found)]
    for row in range(ROWS):
        at = begun + timedelta(seconds=15 * row)
        cells = ["" if v is None or v != v else str(v) for v in (found[name][row] for name in found)]
        lines.append(f"r{number}-{row},{at:%Y-%m-%dT%H:%M:%SZ}," + ",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def begin(db: sqlite3.Connection, model: Model, folder: Path) -> None:
    """Reference and clean batches."""
    baselines = Baselines(db, model)
    reference = [write(folder / f"r{n}.csv", n - 6) for n in range(6)]
    list(ingest(db, model, reference, role="reference", actor=ADA, now=START, baselines=baselines))
    take_in(db, model, folder, range(CLEAN), None, baselines)


def spoiled(
    db: sqlite3.Connection, model: Model, folder: Path, spoil: Callable[[Columns], None] | None, bad: int = 2
) -> None:
    """The ``bad`` batches that follow the clean ones."""
    take_in(db, model, folder, range(CLEAN, CLEAN + bad), spoil, Baselines(db, model))


def take_in(
    db: sqlite3.Connection, model: Model, folder: Path, numbers: range, spoil: Callable[[Columns], None] | None,
    baselines: Baselines,
) -> None:  # fmt: skip
    """Batches of these numbers, each at the end of its hour."""
    for number in numbers:
        path = write(folder / f"b{number:02}.csv", number, spoil)
        list(ingest(db, model, [path], actor=ADA, now=START + timedelta(hours=number + 1), baselines=baselines))


def fill(
    db: sqlite3.Connection, model: Model, folder: Path, spoil: Callable[[Columns], None] | None, bad: int = 2
) -> None:
    """Reference, clean batches, and ``bad`` spoiled ones at the end."""
    begin(db, model, folder)
    spoiled(db, model, folder, spoil, bad)


ONSET = START + timedelta(hours=CLEAN)
