"""The profiles of a column's slices as arrays: what a window of batches merges again and again.

The same monoid as mappings of :class:`core.stats.profile.SliceProfile`, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.stats.profile import SLICE_VALUES, BatchProfile, SliceProfile
from core.stats.sketch_numbers import Floats, Moments

Slices = Mapping[str, SliceProfile]
_COUNT, _MEAN, _SQUARES = 0, 1, 2


@dataclass(frozen=True, eq=False)
class SliceTable(Mapping[str, SliceProfile]):
    """Slices by value, built when asked for.

    Attributes:
        names: the slices' values, ``columns`` their columns.
        rows: per slice its rows, as float64.
        missing: slices x columns, rows without a value.
        moments: count, mean and squares x slices x columns; NaN in all three where a slice does not have the column.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Floats
    missing: Floats
    moments: Floats

    @staticmethod
    def of(slices: Slices) -> SliceTable:
        """The same slices as a table."""
        if isinstance(slices, SliceTable):
            return slices
        parts = slices.values()
        return SliceTable.made(
            list(slices),
            [part.rows for part in parts],
            [part.missing for part in parts],
            [{name: (found.n, found.mean, found.m2) for name, found in part.moments.items()} for part in parts],
        )

    @staticmethod
    def made(
        names: Sequence[str],
        rows: Sequence[int],
        missing: Sequence[Mapping[str, int]],
        moments: Sequence[Mapping[str, Sequence[float]]],
    ) -> SliceTable:
        """A table of per slice its rows, its missing values by column and its moments by column."""
        held = [*dict.fromkeys(name for part in moments for name in part)]
        columns = [*dict.fromkeys([*held, *(name for part in missing for name in part)])]
        cells = np.full((len(names), len(columns), 3), np.nan)
        lost = np.zeros((len(names), len(columns)))
        place = {name: at for at, name in enumerate(columns)}
        for row, (of_missing, of_moments) in enumerate(zip(missing, moments, strict=True)):
            if of_moments:
                at = slice(0, len(held)) if [*of_moments] == held else [place[name] for name in of_moments]
                cells[row, at] = [*of_moments.values()]
            if of_missing:
                lost[row, [place[name] for name in of_missing]] = [*of_missing.values()]
        told = np.ascontiguousarray(cells.transpose(2, 0, 1))
        return SliceTable(tuple(names), tuple(columns), np.array(rows, dtype=np.float64), lost, told)

    def narrowed(self, columns: Sequence[str | None]) -> SliceTable:
        """The same slices with those columns alone, as far as there are."""
        at = [place for place, name in enumerate(self.columns) if name in columns]
        kept = tuple(self.columns[place] for place in at)
        return SliceTable(self.names, kept, self.rows, self.missing[:, at], self.moments[:, :, at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def __getitem__(self, name: str) -> SliceProfile:
        at = self._places[name]
        cells = zip(self.columns, self.moments[:, at].T.tolist(), strict=True)
        missing = zip(self.columns, self.missing[at].tolist(), strict=True)
        return SliceProfile(
            rows=int(self.rows[at]),
            missing={column: int(lost) for column, lost in missing if lost},
            moments={column: Moments(int(n), mean, m2) for column, (n, mean, m2) in cells if n == n},
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def merge(self, other: SliceTable) -> SliceTable:
        """Both sets of rows together."""
        names, columns = self.names, self.columns
        left, right = self, other
        if other.names != names or other.columns != columns:
            names = tuple(dict.fromkeys([*names, *other.names]))
            columns = tuple(dict.fromkeys([*columns, *other.columns]))
            left, right = self._spread(names, columns), other._spread(names, columns)
        return SliceTable(
            names, columns, left.rows + right.rows, left.missing + right.missing, _together(left.moments, right.moments)
        )

    def within(self) -> dict[str, tuple[float, int, int]]:
        """Per column the squares about the means of its slices, the numbers in them, and how many slices have it."""
        known = ~np.isnan(self.moments[_COUNT])
        squares = np.where(known, self.moments[_SQUARES], 0.0).sum(axis=0).tolist()
        counts = np.where(known, self.moments[_COUNT], 0.0).sum(axis=0).tolist()
        groups = known.sum(axis=0).tolist()
        told = zip(self.columns, squares, counts, groups, strict=True)
        return {column: (m2, int(n), slices) for column, m2, n, slices in told if slices}

    def _spread(self, names: Sequence[str], columns: Sequence[str]) -> SliceTable:
        """The same slices among more names and columns."""
        down, across = _at(names, self.names), _at(columns, self.columns)
        rows, missing = np.zeros(len(names)), np.zeros((len(names), len(columns)))
        moments = np.full((3, len(names), len(columns)), np.nan)
        rows[down] = self.rows
        missing[np.ix_(down, across)] = self.missing
        moments[np.ix_(np.arange(3), down, across)] = self.moments
        return SliceTable(tuple(names), tuple(columns), rows, missing, moments)


def _at(among: Sequence[str], names: Sequence[str]) -> npt.NDArray[np.intp]:
    places = {name: place for place, name in enumerate(among)}
    return np.array([places[name] for name in names], dtype=np.intp)


def _together(left: Floats, right: Floats) -> Floats:
    """As :meth:`core.stats.sketch_numbers.Moments.merge`, cell by cell."""
    (n, mean, m2), (m, other, squares) = left, right
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        total = n + m
        delta = other - mean
        both = np.stack([total, (n * mean + m * other) / total, m2 + squares + delta * delta * (n * (m / total))])
    found: Floats = np.where(~(m > 0), np.where(np.isnan(n), right, left), np.where(n > 0, both, right))
    return found


def merge_tabled(left: BatchProfile, right: BatchProfile) -> BatchProfile:
    """As :meth:`core.stats.profile.BatchProfile.merge`, the slices by tables."""
    slices = dict(left.slices)
    for name, values in right.slices.items():
        slices[name] = _merge_slices(slices[name], values) if name in slices else values
    return replace(replace(left, slices={}).merge(replace(right, slices={})), slices=slices)


def _merge_slices(left: Slices, right: Slices) -> Slices:
    if not left or not right:
        return {}
    both = SliceTable.of(left).merge(SliceTable.of(right))
    return both if len(both) <= SLICE_VALUES else {}
