"""Error buckets partition the errors, in every task, with late labels too; nothing redacted shows in them."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.evaluation.failure_cases import add_rows
from core.ingest import ingest
from core.slices.buckets import Buckets, buckets, places
from core.slices.error_kinds import REST
from core.slices.request import SliceRequest
from core.slices.rows import rows
from core.slices.search import search
from core.slices.split import split
from storage.errors import UsageError
from storage.records.models import Model
from storage.records.slices import Predicate
from storage.tables import failure_cases
from tests.conftest import ADA
from tests.core.slices.kit import NOW, of, parquet
from tests.core.slices.test_model import LATER, ROWS, Scene, scene
from tests.rows import MODEL, write_log

__all__ = ["scene"]


def frame(task: str, seed: int, rows: int = 1500) -> pd.DataFrame:
    """Rows of a task with a third of the labels missing a region or wrong."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame({"region": rng.choice(["NA", "EU", None], rows), "hour": rng.integers(0, 24, rows)})
    if task == "regression":
        found["prediction"] = rng.normal(50, 10, rows)
        found["label"] = found["prediction"] + rng.normal(0, 5 + 5 * (seed % 2), rows)
    elif task == "binary":
        found["prediction"] = rng.random(rows)
        found["label"] = (rng.random(rows) < found["prediction"]).astype(int)
    else:
        names = [f"class {i}" for i in range(8 if task == "many" else 3)]
        found["label"] = rng.choice(names, rows)
        found["prediction"] = np.where(rng.random(rows) < 0.6, found["label"], rng.choice(names, rows))
    found.loc[rng.random(rows) < 0.1, "label"] = None
    return found


def is_wrong(task: str, now: pd.DataFrame, then: pd.DataFrame) -> pd.Series:
    """In pandas: which current rows are errors."""
    if task == "regression":
        limit = (then["prediction"] - then["label"]).abs().quantile(0.9)
        return (now["prediction"] - now["label"]).abs() > limit
    said = (now["prediction"] >= 0.5).astype(int) if task == "binary" else now["prediction"]
    return (said != now["label"]) & now["label"].notna()


@pytest.mark.parametrize("task", ["binary", "many", "regression"])
def test_buckets_partition_the_errors_and_each_one_is_its_rows(tmp_path: Path, task: str) -> None:
    now, then = frame(task, 1), frame(task, 2)
    request = of(parquet(tmp_path / "now.parquet", now), like=(parquet(tmp_path / "then.parquet", then),))
    wrong = is_wrong(task, now, then)
    whole = buckets(None, request, now=NOW)
    by_region = buckets(None, request, by="region", now=NOW)
    by_hour = buckets(None, request, by="hour", now=NOW)
    for found in (whole, by_region, by_hour):
        assert sum(line.rows for line in found.lines) == found.errors == wrong.sum()
        assert sum(line.reference_rows or 0 for line in found.lines) == found.reference_errors
        assert found.judged == now["label"].notna().sum()
        assert sum(line.share for line in found.lines) == pytest.approx(1)
    assert whole.reference_errors == is_wrong(task, then, then).sum()
    for line in whole.lines[-1:]:
        inside = replace(request, bucket=line.kind, signal="error")
        assert rows(None, inside, now=NOW, limit=1).total == line.rows
        drilled = split(None, inside, by="region", now=NOW)
        parts = {p.predicate: p.rows for p in by_region.lines if p.kind == line.kind}
        assert {one.predicate: one.rows for one in drilled.lines if one.rows} == parts
        narrower = buckets(None, inside.within(Predicate("region", "=", "EU")), now=NOW)
        assert [one.rows for one in narrower.lines] == [parts[Predicate("region", "=", "EU")]]
    assert (REST in {line.kind for line in whole.lines}) == (task == "many")


def test_kinds_say_what_they_hold(tmp_path: Path) -> None:
    now = frame("binary", 1)
    path = parquet(tmp_path / "now.parquet", now)
    found = {line.kind: line for line in buckets(None, of(path), now=NOW).lines}
    said, known = now["prediction"] >= 0.5, now["label"].notna()
    assert found["said positive though negative"].rows == (said & (now["label"] == 0)).sum()
    assert found["said negative though positive"].rows == (~said & (now["label"] == 1)).sum()
    assert found["said negative though positive"].rate == pytest.approx(
        (~said & (now["label"] == 1)).sum() / known.sum()
    )
    assert found["said negative though positive"].reference_rows is None
    amounts = frame("regression", 1)
    low = buckets(None, of(parquet(tmp_path / "amounts.parquet", amounts)), now=NOW)
    assert "for want of a reference" in low.stated
    limit = (amounts["prediction"] - amounts["label"]).abs().quantile(0.9)
    kinds = {line.kind: line.rows for line in low.lines}
    assert kinds["far too low"] == (amounts["label"] - amounts["prediction"] > limit).sum()
    names = parquet(tmp_path / "names.parquet", frame("few", 1))
    assert buckets(None, of(names), now=NOW).lines[0].kind.startswith('said "class ')
    page = search(None, of(path, bucket="said positive though negative"), now=NOW)
    assert "split it by a column" in str(page.not_answered)


def test_the_floor_of_labels_and_redaction_hold(tmp_path: Path) -> None:
    path = parquet(tmp_path / "now.parquet", frame("binary", 1).drop(columns="label"))
    with pytest.raises(UsageError, match="no kinds of error: no labels"):
        buckets(None, of(path), now=NOW)
    with pytest.raises(UsageError, match="no kind of error 'made up'"):
        rows(None, of(parquet(tmp_path / "l.parquet", frame("binary", 1)), bucket="made up"), now=NOW)


def test_late_labels_make_buckets_and_a_bucket_becomes_cases(scene: Scene) -> None:
    request = SliceRequest(model="churn", batch=5)
    with pytest.raises(UsageError, match="no kinds of error"):
        buckets(scene.db, request, now=LATER)
    scene.labels()
    found = buckets(scene.db, request, by="region", now=LATER)
    last = scene.days[-1]
    assert found.judged == ROWS
    assert found.errors == ((last["score"] >= 0.5).astype(int) != last["churned"]).sum()
    first = found.lines[0]
    assert first.predicate is not None
    inside = replace(request, bucket=first.kind).within(first.predicate)
    [(batch, condition, total)] = places(scene.db, inside, now=LATER)
    assert (batch.id, total) == (5, first.rows)
    added = add_rows(scene.db, scene.model, batch, condition, limit=total, category=first.kind, actor=ADA, now=LATER)
    assert (len(added.cases), added.right) == (first.rows, 0)
    for case in added.cases:
        held = failure_cases.get(scene.db, case)
        assert held.payload["region"] == first.predicate.value
        assert held.category == first.kind


@pytest.mark.parametrize("redacted", ["label", "score"])
def test_a_redacted_class_has_no_kinds(
    db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path, redacted: str
) -> None:
    text = MODEL.replace('version = "version"', f'version = "version"\nredact = ["{redacted}"]')
    model = register(text + "[labels]\nminimum = 50\n")
    list(ingest(db, model, [str(write_log(tmp_path, 0, 120))], actor=ADA, now=NOW))
    with pytest.raises(UsageError, match=f"'{redacted}' is redacted"):
        buckets(db, SliceRequest(model="churn"), now=NOW)


def test_too_few_labels_have_no_kinds(db: sqlite3.Connection, register: Callable[..., Model], tmp_path: Path) -> None:
    model = register(MODEL + "[labels]\nminimum = 50\n")
    path = write_log(tmp_path, 0, 120)
    lines = path.read_text().splitlines()
    blank = [line.rsplit(",", 2)[0] + ",,v41" for line in lines[21:]]
    path.write_text("\n".join([*lines[:21], *blank]) + "\n")
    list(ingest(db, model, [str(path)], actor=ADA, now=NOW))
    asked: list[Callable[[], Buckets | object]] = [
        lambda: buckets(db, SliceRequest(model="churn"), now=NOW),
        lambda: rows(db, SliceRequest(model="churn", signal="error", bucket="far too low"), now=NOW),
    ]
    for ask in asked:
        with pytest.raises(UsageError, match="no kinds of error: 20 labels"):
            ask()
