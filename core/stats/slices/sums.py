"""Sums of floats that do not depend on the order of the terms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PIECE = 1 << 13
"""Terms looked at in one go: they stay in the nearest cache."""


def sum_exactly(
    parts: Sequence[NDArray[np.float64]], *, peak: float | None = None, rows: int | None = None, squared: bool = False
) -> float:
    """The sum of all parts, the same for every order and every cut of the rows.

    Each value is split at a grid of ``2**(e - 52)`` with ``2**e`` at least ``2 * rows * peak``: sums of multiples of
    the grid up to ``rows * peak`` are exact in 53 bits, and so in any order. What is left of each value is split and
    summed likewise on a grid finer by as many bits, and what is left then, below 2**-52 of the peak for up to 2**25
    rows, is dropped. Reproducible summation by pre-rounding: Demmel and Nguyen, ARITH 2013.

    Args:
        peak, rows: greatest absolute value and number of rows of the whole; by default those of ``parts``.
        squared: the sum of the squares.
    """
    if peak is None:
        peak = max((float(np.abs(part).max(initial=0.0)) for part in parts), default=0.0)
    if rows is None:
        rows = sum(len(part) for part in parts)
    if squared:
        peak *= peak
    if peak == 0.0 or rows == 0:
        return 0.0
    exponent = math.frexp(2.0 * rows * peak)[1]
    coarse = math.ldexp(1.5, exponent)
    fine = math.ldexp(1.5, exponent - 52 + math.frexp(2.0 * rows)[1])
    high = low = 0.0
    rounded, left, terms = np.empty(_PIECE), np.empty(_PIECE), np.empty(_PIECE)
    for part in parts:
        for start in range(0, len(part), _PIECE):
            piece = part[start : start + _PIECE]
            if squared:
                piece = np.multiply(piece, piece, out=terms[: len(piece)])
            whole, rest = rounded[: len(piece)], left[: len(piece)]
            np.add(piece, coarse, out=whole)
            whole -= coarse
            high += float(whole.sum())
            np.subtract(piece, whole, out=rest)
            rest += fine
            rest -= fine
            low += float(rest.sum())
    return high + low
