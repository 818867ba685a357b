"""Rows for the slice benchmarks: Adult as coded columns, or rows of the same shape when the file is not there.

The errors and the losses are those of a logistic regression on the codes. More rows than the data has are drawn from
it, and
three random features of every row are replaced by those of other rows: repeated rows would flatter tree miners.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.coding import Coding, fit_categories, fit_numbers

LABEL, SPLIT = "income", "split"
_SHAPE = (8, 7, 9, 15, 7, 7, 13, 7, 4, 3, 3, 3, 6, 3)
"""Codes of the columns of Adult; what the synthetic rows have too."""


@dataclass(frozen=True)
class Coded:
    """Columns of codes (columns x rows), the codes of each that are literals, 0/1 errors and losses of a classifier."""

    codes: NDArray[np.uint8]
    sizes: list[int]
    error: NDArray[np.bool_]
    loss: NDArray[np.float64]


def adult(path: Path | None, rng: np.random.Generator) -> Coded:
    """The rows of ``path`` (CSV, gzip), or 48,842 synthetic ones without it."""
    if path is not None and path.exists():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name not in (LABEL, SPLIT)]
        coded = [_column(name, [row[name] for row in rows]) for name in names]
        codes, sizes = np.array([codes for _, codes in coded]), [coding.size for coding, _ in coded]
        label = np.array([row[LABEL].startswith(">50K") for row in rows])
    else:
        sizes = list(_SHAPE)
        codes = np.array([np.minimum(rng.geometric(2.5 / size, 48_842), size).astype(np.uint8) for size in sizes])
        label = _chance(codes, sizes, rng.normal(0, 1.2, sum(sizes) + len(sizes)), -1.5) > rng.random(codes.shape[1])
    chance = _fitted(codes, sizes, label)
    right = np.where(label, chance, 1 - chance)
    return Coded(codes, sizes, right < 0.5, -np.log(np.clip(right, 1e-12, 1.0)))


def drawn(some: Coded, rows: int, columns: int, rng: np.random.Generator) -> Coded:
    """``rows`` rows and ``columns`` columns drawn from ``some``, three features of every row replaced by another row's.

    Columns beyond those of ``some`` are copies of them for other rows: of the same distribution, independent of the
    signal.
    """
    known = len(some.codes)
    source = [i % known for i in range(columns)]
    error, loss = np.empty(rows, np.bool_), np.empty(rows)
    codes = np.empty((columns, rows), np.uint8)
    for start in range(0, rows, 1 << 20):
        stop = min(rows, start + (1 << 20))
        picked = rng.integers(0, some.codes.shape[1], stop - start)
        error[start:stop], loss[start:stop] = some.error[picked], some.loss[picked]
        replaced = rng.integers(0, columns, (3, stop - start), dtype=np.int16)
        for at, column in enumerate(source):
            values = some.codes[column]
            part = codes[at, start:stop]
            part[:] = values[picked] if at < known else values[rng.permutation(picked)]
            for which in replaced:
                others = np.flatnonzero(which == at)
                part[others] = values[rng.integers(0, len(values), len(others))]
    return Coded(codes, [some.sizes[i] for i in source], error, loss)


def _column(name: str, cells: list[str]) -> tuple[Coding, NDArray[np.uint8]]:
    values: list[str | None] = [None if cell in ("", "?") else cell for cell in cells]
    try:
        numbers = np.array([np.nan if value is None else float(value) for value in values])
    except ValueError:
        coding = fit_categories(name, list(Counter(values).items()))
        return coding, coding.encode_values(values)
    coding = fit_numbers(name, numbers)
    return coding, coding.encode_numbers(numbers)


def _one_hot(codes: NDArray[np.uint8], sizes: list[int]) -> Any:
    return np.concatenate([(codes[i][:, None] == np.arange(size + 1)) for i, size in enumerate(sizes)], axis=1)


def _chance(codes: NDArray[np.uint8], sizes: list[int], weights: NDArray[np.float64], base: float) -> Any:
    return 1 / (1 + np.exp(-(_one_hot(codes, sizes) @ weights + base)))


def _fitted(codes: NDArray[np.uint8], sizes: list[int], label: NDArray[np.bool_]) -> Any:
    """Chances by logistic regression: a dozen Newton steps with a small ridge."""
    columns = np.concatenate([_one_hot(codes, sizes), np.ones((len(label), 1))], axis=1).astype(np.float64)
    weights = np.zeros(columns.shape[1])
    for _ in range(12):
        chance = 1 / (1 + np.exp(-columns @ weights))
        curve = columns.T @ (columns * (chance * (1 - chance))[:, None]) + np.eye(len(weights))
        weights += np.linalg.solve(curve, columns.T @ (label - chance) - weights)
    return 1 / (1 + np.exp(-columns @ weights))
