"""Every conjunction counted row by row: what the search must equal."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.bound import Score
from core.stats.slices.sums import sum_exactly

Line = tuple[float, int, tuple[tuple[int, int], ...]]


def conjunctions(sizes: Sequence[int], depth: int) -> list[tuple[tuple[int, int], ...]]:
    """All of 1 to ``depth`` literals (column, code)."""
    found: list[tuple[tuple[int, int], ...]] = []
    for length in range(1, depth + 1):
        for columns in itertools.combinations(range(len(sizes)), length):
            codes = itertools.product(*(range(sizes[column]) for column in columns))
            found += [tuple(zip(columns, some, strict=True)) for some in codes]
    return found


def best(
    codes: Sequence[NDArray[np.uint8]],
    signal: NDArray[Any],
    sizes: Sequence[int],
    *,
    depth: int,
    minimum: int,
    score: Score,
) -> list[Line]:
    """Score, rows and literals of every slice with a score above 0, in the documented order."""
    values = signal.astype(np.float64)
    known = ~np.isnan(values)
    values, codes = values[known], [column[known] for column in codes]
    peak, whole = float(np.abs(values).max(initial=0.0)), (len(values), sum_exactly([values]))
    found: list[Line] = []
    if not len(values) or (score.alpha is not None and whole[1] == 0):
        return found
    for literals in conjunctions(sizes, depth):
        inside = np.ones(len(values), np.bool_)
        for column, code in literals:
            inside &= codes[column] == code
        rows = int(inside.sum())
        if rows >= minimum:
            total = sum_exactly([values[inside]], peak=peak, rows=len(values))
            value = float(score.of(np.array([rows]), np.array([total]), whole)[0])
            if value > 0:
                found.append((value, rows, literals))
    return sorted(found, key=lambda line: (-line[0], -line[1], len(line[2]), line[2]))
