"""Columns as bytes: numbers cut at quantiles of the reference, categories by their frequent values.

Code 0 is a missing value, codes 1..n are the literals of the column, and code n + 1, of categories only, is the rest:
values too rare to be a literal. A minimum support ``s`` leaves at most ``1 / s`` values of a column, so a byte
suffices; a smaller support is cut at :data:`MOST` values, the most frequent first.

Edges and values are stored: both sides of a comparison, and every block of rows, are coded alike whatever they hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as Choice

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]

MISSING = 0
MOST = 253
"""Literals of one column besides the missing value: one code remains for it and one for the rest."""
SAMPLE = 1 << 17
"""Values that quantiles are taken from; beyond it, as many spread evenly over the rows."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Coding:
    """How one column becomes bytes; fitted on the reference, used for both sides.

    Attributes:
        kind: ``number`` reads ``edges``, ``category`` reads ``values``.
        edges: finite, strictly ascending. Code ``i`` is the bin ``(edges[i - 2], edges[i - 1]]``, the first bin is open
            below and the last, code ``len(edges) + 1``, above; infinities fall into these outer bins.
        values: code ``i`` is ``values[i - 1]``, the most frequent first.
    """

    column: str
    kind: Choice["number", "category"]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Codes that are literals, the missing value among them: 0 .. size - 1.

        >>> Coding("origin", "category", values=("JFK", "EWR")).size
        3
        """
        return len(self.values) + 1 if self.kind == "category" else len(self.edges) + 2

    @property
    def rest(self) -> int | None:
        """The code of values that are no literal; None for numbers, which all have a bin."""
        return self.size if self.kind == "category" else None

    def bin(self, code: int) -> tuple[float, float]:
        """The bin ``(low, high]`` of a number's code >= 1.

        >>> Coding("age", "number", edges=(20.0, 40.0)).bin(2)
        (20.0, 40.0)
        """
        ends = (-math.inf, *self.edges, math.inf)
        return ends[code - 1], ends[code]

    def encode_numbers(self, values: NDArray[np.float64]) -> Codes:
        """One code a row; NaN is missing.

        >>> Coding("age", "number", edges=(20.0, 40.0)).encode_numbers(np.array([20.0, 20.5, np.inf, np.nan])).tolist()
        [1, 2, 3, 0]
        """
        edges = np.asarray(self.edges, dtype=values.dtype if values.dtype == np.float64 else np.float64)
        if len(edges) > 24:
            found = (np.searchsorted(edges, values, side="left") + 1).astype(np.uint8)
            found[np.isnan(values)] = MISSING
            return found
        codes = np.empty(len(values), np.uint8)
        above = np.empty(_BLOCK, bool)
        for at in range(0, len(values), _BLOCK):  # a block stays in the nearest cache while every edge passes over it
            block = values[at : at + _BLOCK]
            over, out = above[: len(block)], codes[at : at + _BLOCK]
            np.equal(block, block, out=over)
            out[:] = over.view(np.uint8)
            for edge in edges:
                np.greater(block, edge, out=over)
                np.add(out, over.view(np.uint8), out=out)
        return codes

    def encode_values(self, values: Sequence[str | None]) -> Codes:
        """One code a value; None is missing, a value without a code is the rest.

        Give the distinct values of a dictionary-coded column and index the result with its indices.

        >>> Coding("origin", "category", values=("JFK",)).encode_values(["JFK", None, "LGA"]).tolist()
        [1, 0, 2]
        """
        known: dict[str | None, int] = {value: code for code, value in enumerate(self.values, 1)}
        known[None] = MISSING
        return np.fromiter((known.get(value, self.size) for value in values), np.uint8, len(values))


def fit_numbers(column: str, values: NDArray[np.float64], *, bins: int = 8, support: float = 0.01) -> Coding:
    """Bins of about equal numbers of rows of the reference.

    Quantiles are taken from the finite values, or from :data:`SAMPLE` of them at places of a golden-ratio sequence: the
    same rows give the same edges, and no period of the rows is met in step. Equal quantiles collapse, so that a value
    more frequent than a bin is one; without finite values, or with a single one, there are no edges and one bin.

    Args:
        values: the column on the reference; NaN is missing.
        bins: at least 1; never more than ``1 / support`` nor :data:`MOST`.
    """
    bins = max(1, min(bins, MOST, math.floor(1 / support) if support > 0 else MOST))
    if len(values) > SAMPLE:
        places = (np.arange(1, SAMPLE + 1, dtype=np.float64) * _GOLDEN) % 1.0
        values = values[(places * len(values)).astype(np.int64)]
    finite = np.sort(values[np.isfinite(values)])
    if len(finite) == 0:
        return Coding(column, "number")
    cuts = finite[(np.arange(1, bins) * len(finite) - 1) // bins] if bins > 1 else finite[:0]
    edges = np.unique(cuts)
    return Coding(column, "number", edges=tuple(float(edge) for edge in edges if edge < finite[-1]))


def fit_categories(column: str, counts: Sequence[tuple[str | None, int]], *, support: float = 0.01) -> Coding:
    """The values of at least ``support`` of the rows of the reference, the most frequent first.

    Args:
        counts: distinct values with their rows; None, if there, is missing and counts as rows.

    >>> fit_categories("origin", [("a", 50), ("b", 49), ("c", 1), (None, 5)], support=0.02).values
    ('a', 'b')
    """
    rows = sum(count for _, count in counts)
    frequent = [(-count, value) for value, count in counts if value is not None and count >= max(1.0, support * rows)]
    return Coding(column, "category", values=tuple(value for _, value in sorted(frequent)[:MOST]))
