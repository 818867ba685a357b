"""An early stage that is no good sample of the traffic beside it is told, with what it lacks."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.ingest import ingest
from core.slices.compare import compare
from core.slices.request import SliceRequest
from storage.records.models import Model
from storage.records.slices import Predicate
from tests.conftest import ADA
from tests.core.slices.kit import NOW, of, parquet
from tests.rows import MODEL

STAGES = """
[[stages]]
name = "canary"
kind = "canary"
[[stages]]
name = "full"
kind = "full"
"""


def traffic(rows: int, canary: int, *, ios_only: bool) -> pd.DataFrame:
    """Rows of two stages; the canary's come last."""
    rng = np.random.default_rng(rows + canary)
    n = rows + canary
    found = pd.DataFrame(
        {
            "prediction": rng.random(n),
            "platform": rng.choice(["android", "ios", "web"], n, p=[0.5, 0.4, 0.1]),
            "age": rng.normal(40, 12, n),
            "hour": rng.integers(0, 24, n),
            "stage": ["full"] * rows + ["canary"] * canary,
            "version": ["v1"] * rows + ["v2"] * canary,
        }
    )
    if ios_only:
        found.loc[found["stage"] == "canary", "platform"] = "ios"
    return found


def test_a_canary_with_ios_only_is_flagged_and_what_it_lacks_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "log.parquet", traffic(8_000, 500, ios_only=True))
    found = compare(None, of(path), sides="stages", now=NOW)
    [canary] = found.samples
    assert (canary.name, canary.rows, canary.rest_rows, canary.good) == ("canary", 500, 8_000, False)
    assert [column.column for column in canary.columns if column.off] == ["platform"]
    assert [thin.predicate for thin in canary.thin] == [
        Predicate("platform", "=", "android"),
        Predicate("platform", "=", "web"),
    ]
    assert "canary: not a good sample of the rest; off in platform (PSI " in canary.verdict
    assert "platform = android 0.0% [0.0% 0.8%] against " in canary.verdict
    assert "stage" not in {column.column for column in canary.columns}
    [v2] = compare(None, of(path), sides="versions", now=NOW).samples
    assert (v2.name, v2.good) == ("v2", False)
    inside = of(path, where=(Predicate("platform", "=", "ios"),))
    assert [one.good for one in compare(None, inside, sides="stages", now=NOW).samples] == [True]


@pytest.mark.parametrize("rows", [40, 120, 600])
def test_a_small_canary_that_was_drawn_well_is_not_flagged(tmp_path: Path, rows: int) -> None:
    path = parquet(tmp_path / "log.parquet", traffic(8_000, rows, ios_only=False))
    [canary] = compare(None, of(path), sides="stages", now=NOW).samples
    assert canary.good is True
    assert f"as far as {rows} rows tell, a good sample" in canary.verdict


def test_a_few_rows_say_that_they_tell_nothing(tmp_path: Path) -> None:
    path = parquet(tmp_path / "log.parquet", traffic(8_000, 4, ios_only=True))
    [canary] = compare(None, of(path), sides="stages", now=NOW).samples
    assert canary.good is None
    assert "4 rows are too few to tell" in canary.verdict


def test_a_stage_with_files_of_its_own_is_held_against_the_same_window(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path
) -> None:
    model = register(MODEL.replace('version = "version"', 'version = "version"\nredact = ["age"]') + STAGES)
    whole = traffic(3_000, 250, ios_only=True).rename(columns={"prediction": "score"}).drop(columns="stage")
    rng = np.random.default_rng(2)
    whole["ts"] = pd.Timestamp("2026-11-22") + pd.to_timedelta(rng.uniform(0, 3600, len(whole)), unit="s")
    whole["request_id"] = [f"r{i}" for i in range(len(whole))]
    for version, stage in (("v1", "full"), ("v2", "canary")):
        path = parquet(tmp_path / f"{stage}.parquet", whole[whole["version"] == version].drop(columns="version"))
        list(ingest(db, model, [path], version=version, stage=stage, actor=ADA, now=NOW))
    found = compare(db, SliceRequest(model="churn", batch=2), sides="stages", now=NOW)
    assert [line.name for line in found.lines] == ["full", "canary"]
    assert found.window is not None
    [canary] = found.samples
    assert canary.good is False
    assert canary.thin[0].words == "platform = android"
    assert "age" not in {column.column for column in canary.columns}
