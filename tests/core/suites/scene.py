"""A regression model with two versions: the second better on the mean, and broken for one origin."""

import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from core.suites.evaluate import evaluate
from core.suites.rows import RowsAsked
from storage.records.kept_slices import SliceKind
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.records.suites import Evaluation
from storage.tables import kept_slices
from tests.conftest import ADA, NOW

START = datetime(2026, 11, 1)  # noqa: DTZ001 - Parquet keeps UTC without saying so
ROWS = 500
TEXT = """
name = "delay"
task = "regression"
[columns]
time = "at"
id = "flight"
prediction = "predicted"
label = "delay"
version = "version"
[labels]
minimum = 20
tolerance = 10.0
[[metrics]]
name = "mae"
primary = true
[[metrics]]
name = "rmse"
"""
BUSINESS = """
[[metrics]]
name = "cost"
kind = "business"
direction = "down"
sql = "avg(abs(predicted - delay) * weight)"
[[metrics]]
name = "long_delays"
kind = "business"
direction = "down"
sql = "sum(case when delay > 30 then 1 else 0 end) / count(*)"
"""


def flights(rows: int = ROWS, seed: int = 5) -> pd.DataFrame:
    """Flights with their delay, and what two versions say of it."""
    rng = np.random.default_rng(seed)
    origin = rng.choice(["EWR", "JFK", "LGA"], rows)
    distance = rng.integers(200, 2_500, rows)
    truth = 10 + 0.03 * distance + rng.normal(0, 12, rows)
    first = 10 + 0.03 * distance + rng.normal(0, 18, rows)
    second = 10 + 0.03 * distance + rng.normal(0, 1, rows) + np.where(origin == "LGA", 22.0, 0.0)
    return pd.DataFrame(
        {
            "at": [START + timedelta(minutes=i) for i in range(rows)],
            "flight": [f"F{i:05d}" for i in range(rows)],
            "origin": origin,
            "distance": distance,
            "weight": rng.integers(1, 4, rows),
            "delay": truth.round(3),
            "v1": first.round(3),
            "v2": second.round(3),
        }
    )


def write(table: pd.DataFrame, path: Path) -> str:
    """A table as Parquet, which is the quickest to open."""
    with duckdb.connect() as con:
        con.register("t", table)
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return str(path)


FILES = tempfile.TemporaryDirectory(prefix="midwatch-scene-")
"""What no test changes is written once: the rows, and the scores of both versions."""


@cache
def flights_on_disk() -> pd.DataFrame:
    table, folder = flights(), Path(FILES.name)
    write(table.drop(columns=["v1", "v2"]), folder / "rows.parquet")
    for version in ("v1", "v2"):
        write(scores_of(table, version), folder / f"{version}.parquet")
    return table


def scores_of(table: pd.DataFrame, version: str) -> pd.DataFrame:
    return table[["flight", version]].rename(columns={"flight": "id", version: "prediction"})


@dataclass
class Scene:
    """A registered model, its rows on disk, and scores of both versions."""

    db: sqlite3.Connection
    model: Model
    folder: Path
    table: pd.DataFrame
    rows: str

    @property
    def asked(self) -> RowsAsked:
        return RowsAsked(files=(self.rows,))

    def own_rows(self, table: pd.DataFrame) -> None:
        """Other rows than those of every test."""
        self.rows = write(table.drop(columns=["v1", "v2"]), self.folder / "rows.parquet")

    def scores(self, version: str, table: pd.DataFrame | None = None) -> str:
        if table is None:
            return f"{FILES.name}/{version}.parquet"
        return write(scores_of(table, version), self.folder / f"{version}.parquet")

    def keep(self, name: str, origin: str, floor: float | None, kind: SliceKind = "critical") -> None:
        where = [Predicate("origin", "=", origin)]
        kept_slices.insert(self.db, self.model.id, name, where, kind, floor, None, by="ada", now=NOW)

    def suite(self, **changes: object) -> None:
        self.change(suite=replace(self.model.file.suite, **changes))

    def change(self, **changes: object) -> None:
        self.model = replace(self.model, file=replace(self.model.file, **changes))

    def evaluate(self, version: str = "v2", **options: object) -> Evaluation:
        given = {
            "data": self.asked,
            "scores": self.scores(version) if version in self.table else None,
            "baseline": "v1",
            "baseline_scores": self.scores("v1"),
            **options,
        }
        return evaluate(self.db, self.model, version, actor=ADA, now=NOW, **given)  # type: ignore[arg-type]


def make(db: sqlite3.Connection, register: Callable[..., Model], folder: Path, text: str = TEXT) -> Scene:
    table = flights_on_disk().copy()
    return Scene(db, register(text), folder, table, f"{FILES.name}/rows.parquet")
