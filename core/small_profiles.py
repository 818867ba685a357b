"""Profiles of logs of few rows, from one query: what :mod:`core.profiles` finds, without a query per column."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.stats.profile import SliceProfile, TextProfile, TimeProfile
from core.stats.profile_numbers import moments_by_code
from core.stats.sketch_numbers import Moments
from core.stats.sketch_values import HourCounts, ValueCounts
from core.text_profiles import LONGEST

if TYPE_CHECKING:
    from storage.logs.source import Cells, Floats

SMALL_ROWS = 5_000
SMALL_CELLS = 500_000
_WHITE = (" ", "\t", "\r", "\n")


def text_profile_of(
    cells: Sequence[str | None], numeric: npt.NDArray[np.bool_], *, hidden: bool = False, unique: bool = False
) -> TextProfile:
    """Profile of one text column; see :func:`core.text_profiles.text_profile` for ``hidden`` and ``unique``."""
    counted = Counter(cells)
    missing = counted.pop(None, 0)
    kept: dict[str, int] = {}
    padded = characters = 0
    for value, rows in counted.items():
        if value is None:
            continue
        characters += rows * len(value)
        padded += rows * (value[:1] in _WHITE or value[-1:] in _WHITE)
        if not unique:
            told = _hidden(value) if hidden else _shortened(value)
            kept[told] = kept.get(told, 0) + rows
    return TextProfile(
        rows=len(cells),
        missing=missing,
        empty=counted.get("", 0),
        padded=padded,
        numeric=int(np.count_nonzero(numeric)),
        characters=characters,
        values=ValueCounts(complete=False) if unique else ValueCounts.of(kept.items()),
    )


def time_profile_of(seconds: Floats) -> TimeProfile:
    """Profile of one time column, NaN where no finite time is."""
    present = seconds[~np.isnan(seconds)]
    hours, counts = np.unique(np.floor(present / 3600).astype(np.int64), return_counts=True)
    return TimeProfile(
        rows=int(seconds.size),
        missing=int(seconds.size - present.size),
        minimum=float(present.min()) if present.size else float("inf"),
        maximum=float(present.max()) if present.size else float("-inf"),
        hours=HourCounts.of(dict(zip(hours.tolist(), counts.tolist(), strict=True))),
    )


def slices_of(
    cells: Cells, chosen: Sequence[tuple[str, tuple[str, ...]]], numeric: Sequence[str], others: Sequence[str]
) -> dict[str, dict[str, SliceProfile]]:
    """Profile per value of the ``chosen`` columns; ``numeric`` columns give moments, ``others`` missing rows only."""
    numbers = {column: cells.numbers[column] for column in numeric}
    lost = {column: _missing(cells, column) for column in others}
    slices: dict[str, dict[str, SliceProfile]] = {}
    for column, values in chosen:
        known = ("", *(value for value in values if value))
        codes = _codes(cells, column, known)
        rows = np.bincount(codes, minlength=len(known))
        absent = {c: np.bincount(codes[mask], minlength=len(known)) for c, mask in lost.items() if c != column}
        moments = moments_by_code(codes, {c: v for c, v in numbers.items() if c != column})
        slices[column] = {
            value: _slice(int(rows[place]), place, absent, moments.get(place, {}))
            for place, value in enumerate(known)
            if rows[place]
        }
    return slices


def _slice(
    rows: int, place: int, absent: Mapping[str, npt.NDArray[np.intp]], moments: Mapping[str, tuple[int, Moments]]
) -> SliceProfile:
    missing = {column: int(counts[place]) for column, counts in absent.items() if counts[place]}
    missing |= {column: nothing for column, (nothing, _) in moments.items() if nothing}
    return SliceProfile(rows, missing, {column: found for column, (_, found) in moments.items() if found.n})


def _missing(cells: Cells, column: str) -> npt.NDArray[np.bool_]:
    if column in cells.texts:
        return np.array([value is None for value in cells.texts[column]], dtype=bool)
    return np.isnan(cells.numbers[column])


def _codes(cells: Cells, column: str, known: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Per row the place of its text in ``known``, of which the first stands for a missing value."""
    if column in cells.texts:
        place = {value: at for at, value in enumerate(known)}
        return np.array([place.get(value or "", 0) for value in cells.texts[column]], dtype=np.uint8)
    values = cells.numbers[column]
    return np.where(np.isnan(values), 0, np.where(values == 0, known.index("false"), known.index("true"))).astype(
        np.uint8
    )


def _md5(value: str) -> str:
    return hashlib.md5(value.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _hidden(value: str) -> str:
    return "#" + _md5(value)[:16]


def _shortened(value: str) -> str:
    return f"{value[: LONGEST - 20]}…#{_md5(value)[:12]}" if len(value) > LONGEST else value
