"""Arrays of numbers into mergeable profiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.stats.profile import NumberProfile
from core.stats.sketch_numbers import Floats, Histogram, Moments

_BLOCK = 65536
_MOST_CODES = 50_000


def number_profile(values: Floats) -> NumberProfile:
    """Profile of ``values`` (float64, NaN is missing).

    >>> number_profile(np.array([1.0, 2.5, np.nan])).integers
    1
    """
    present = values[~np.isnan(values)]
    missing = int(values.size - present.size)
    finite = present if bool(np.isfinite(present).all()) else present[np.isfinite(present)]
    infinite = int(present.size - finite.size)
    if not finite.size:
        return NumberProfile(int(values.size), missing, infinite)
    low, high = float(finite.min()), float(finite.max())
    at_low = at_high = zeros = negatives = integers = 0
    for start in range(0, finite.size, _BLOCK):  # blocks stay in the processor's cache
        block = finite[start : start + _BLOCK]
        at_low += int(np.count_nonzero(block == low))
        at_high += int(np.count_nonzero(block == high))
        zeros += int(np.count_nonzero(block == 0))
        integers += int(np.count_nonzero(np.floor(block) == block))
        if low < 0:
            negatives += int(np.count_nonzero(block < 0))
    return NumberProfile(
        rows=int(values.size),
        missing=missing,
        infinite=infinite,
        moments=Moments.of(finite),
        minimum=low + 0.0,
        maximum=high + 0.0,
        at_minimum=at_low,
        at_maximum=at_high,
        zeros=zeros,
        negatives=negatives,
        integers=integers,
        histogram=Histogram.of(finite),
    )


@dataclass(frozen=True, slots=True)
class SliceCodes:
    """The values of several slice columns, joined into one code per row, so that one pass serves all of them.

    Attributes:
        columns: the slice columns.
        values: the values of each, in the order of their codes.
        codes: per row the mixed-radix number of its values' codes, below the product of the sizes.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: npt.NDArray[np.uint16]

    def moments(self, numbers: Floats, offset: int = 0) -> dict[str, dict[str, tuple[int, Moments]]]:
        """Per column and value the rows without a number and the moments of the finite ones.

        ``numbers`` are those of the rows from ``offset`` on.
        """
        shape = tuple(len(values) for values in self.values)
        size = math.prod(shape)
        finite = np.isfinite(numbers)
        centre = float(np.clip(numbers[finite][:_BLOCK], -1e150, 1e150).mean()) if finite.any() else 0.0
        sums = np.zeros((4, size))
        for start in range(0, numbers.size, _BLOCK):
            block, good = numbers[start : start + _BLOCK], finite[start : start + _BLOCK]
            codes = self.codes[offset + start : offset + start + block.size].astype(np.intp)
            if not good.all():
                sums[0] += np.bincount(codes[np.isnan(block)], minlength=size)
                codes, block = codes[good], block[good]
            shifted = np.clip(block, -1e150, 1e150) - centre
            sums[1] += np.bincount(codes, minlength=size)
            sums[2] += np.bincount(codes, weights=shifted, minlength=size)
            sums[3] += np.bincount(codes, weights=shifted * shifted, minlength=size)
        cells = [part.reshape(shape) for part in sums]
        found: dict[str, dict[str, tuple[int, Moments]]] = {}
        for axis, column in enumerate(self.columns):
            others = tuple(i for i in range(len(shape)) if i != axis)
            lost, n, total, squares = (cell.sum(axis=others) for cell in cells)
            found[column] = {
                value: (int(lost[i]), _moments(int(n[i]), float(total[i]), float(squares[i]), centre))
                for i, value in enumerate(self.values[axis])
            }
        return found


def join_codes(
    coded: Sequence[tuple[str, tuple[str, ...], npt.NDArray[np.uint8]]],
) -> tuple[SliceCodes, ...]:
    """Join coded columns (name, values, code per row) into as few passes as fit 16 bits."""
    groups: list[SliceCodes] = []
    for column, values, codes in coded:
        last = groups[-1] if groups else None
        if last and math.prod(len(v) for v in last.values) * len(values) <= _MOST_CODES:
            joined = (last.codes * np.uint16(len(values)) + codes).astype(np.uint16)
            groups[-1] = SliceCodes((*last.columns, column), (*last.values, values), joined)
        else:
            groups.append(SliceCodes((column,), (values,), codes.astype(np.uint16)))
    return tuple(groups)


def moments_by_code(
    codes: npt.NDArray[np.uint8], numbers: Mapping[str, Floats]
) -> dict[int, dict[str, tuple[int, Moments]]]:
    """Per code and column the rows without a number and the moments of the finite ones: for few rows, all at once.

    >>> moments_by_code(np.array([1, 1], dtype=np.uint8), {"x": np.array([2.0, 4.0])})[1]["x"][1].mean
    3.0
    """
    if not numbers or not codes.size:
        return {}
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    cells = np.stack(list(numbers.values()), axis=1)[order]
    finite = np.isfinite(cells)
    known = np.clip(np.where(finite, cells, 0.0), -1e150, 1e150)
    centres = known.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    shifted = np.where(finite, known - centres, 0.0)
    n, lost = (np.add.reduceat(part.astype(np.int64), starts) for part in (finite, np.isnan(cells)))
    total, squares = (np.add.reduceat(part, starts) for part in (shifted, shifted * shifted))
    return {
        int(ordered[start]): {
            column: (int(lost[i, j]), _moments(int(n[i, j]), total[i, j].item(), squares[i, j].item(), centre))
            for j, (column, centre) in enumerate(zip(numbers, centres.tolist(), strict=True))
        }
        for i, start in enumerate(starts)
    }


def merge_moments(
    left: Mapping[str, tuple[int, Moments]], right: Mapping[str, tuple[int, Moments]]
) -> dict[str, tuple[int, Moments]]:
    """Two answers of :meth:`SliceCodes.moments` for one column, of different rows, together."""
    both = dict(left)
    for value, (missing, moments) in right.items():
        lost, found = both.get(value, (0, Moments()))
        both[value] = (lost + missing, found.merge(moments))
    return both


def _moments(n: int, total: float, squares: float, centre: float) -> Moments:
    """Moments from sums of numbers shifted by ``centre``."""
    if n == 0:
        return Moments()
    return Moments(n, centre + total / n, max(0.0, squares - total * total / n))
