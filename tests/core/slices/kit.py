"""Small logs on disk, and the slow and obvious way to find slices in them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from core.slices.columns import Columns
from core.slices.request import SliceRequest
from storage.records.slices import Predicate

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)


def parquet(path: Path, frame: pd.DataFrame) -> str:
    """The frame as a Parquet file."""
    with duckdb.connect() as db:
        db.register("frame", frame)
        db.execute(f"copy frame to '{path}' (format parquet)")
    return str(path)


def csv(path: Path, frame: pd.DataFrame) -> str:
    """The frame as a CSV file."""
    frame.to_csv(path, index=False)
    return str(path)


def of(path: str, **options: object) -> SliceRequest:
    """A request over one file."""
    return SliceRequest(files=(path,), **options)  # type: ignore[arg-type]


def fulfils(frame: pd.DataFrame, p: Predicate) -> pd.Series:
    """Which rows fulfil a predicate, in pandas."""
    cells = frame[p.column]
    match p.op:
        case "missing":
            return cells.isna()
        case "=":
            return cells.astype(str).eq(str(p.value)) & cells.notna()
        case "<=":
            return cells <= p.value
        case ">":
            return cells > p.value
        case "between":
            return (cells > p.value[0]) & (cells <= p.value[1])  # type: ignore[index]
        case "!=":
            return cells.notna()
    raise AssertionError(p)


def brute_force(
    frame: pd.DataFrame, errors: pd.Series, columns: Columns, *, depth: int, support: float, k: int, alpha: float = 0.95
) -> list[tuple[frozenset[Predicate], int, float]]:
    """Every conjunction counted: the k best by SliceLine's score with ties, as (predicates, rows, mean)."""
    from core.slices.columns import predicate_of

    literals = [
        (place, p, fulfils(frame, p).to_numpy())
        for place, coding in enumerate(columns.codings)
        for p in (predicate_of(coding, code) for code in range(coding.size))
    ]
    values = errors.to_numpy(dtype=float)
    n, mean, least = len(frame), values.mean(), max(1, math.ceil(support * len(frame) - 1e-9))
    scored = []
    longer = [(-1, frozenset[Predicate](), np.ones(n, bool))]
    for _ in range(depth):
        longer = [
            (at, held | {p}, both)
            for last, held, inside in longer
            for at, p, mask in literals
            if at > last and (both := inside & mask).sum() >= least
        ]
        for _, held, inside in longer:
            rows, here = int(inside.sum()), values[inside].mean()
            score = alpha * (here / mean - 1) - (1 - alpha) * (n / rows - 1)
            if score > 0:
                scored.append((round(score, 9), (held, rows, round(float(here), 9))))
    scored.sort(key=lambda one: -one[0])
    if not scored:
        return []
    cut = scored[min(k, len(scored)) - 1][0]
    return [found for score, found in scored if score >= cut]
