"""Profiles of logs of few rows, from one query: what :mod:`core.profiles` finds, without a query per column."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.stats.bonds import MOST_COLUMNS, MOST_ROWS, Bonds, bonds_of
from core.stats.profile import AGREEMENT, SliceProfile, TextProfile, TimeProfile
from core.stats.profile_numbers import moments_by_code
from core.stats.row_order import OrderProfile, order_profile
from core.stats.sketch_numbers import Moments
from core.stats.sketch_values import HourCounts, ValueCounts
from core.text_profiles import LONGEST
from storage.records.logs import Roles

if TYPE_CHECKING:
    from storage.logs.cells import Cells, Floats

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
    cells: Cells,
    chosen: Sequence[tuple[str, tuple[str, ...]]],
    numeric: Sequence[str],
    others: Sequence[str],
    products: Floats | None = None,
) -> dict[str, dict[str, SliceProfile]]:
    """Profile per value of the ``chosen`` columns; ``numeric`` columns give moments, ``others`` missing rows only.

    ``products`` are label times prediction per row.
    """
    numbers = {column: cells.numbers[column] for column in numeric}
    if products is not None:
        numbers[AGREEMENT] = products
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


def orders_of(
    cells: Cells, numeric: Sequence[str], chosen: Sequence[tuple[str, tuple[str, ...]]], time: str | None
) -> dict[str, OrderProfile]:
    """How the values of number columns and of the ``chosen`` text columns follow each other in the order of time."""
    asked = [(column, cells.numbers[column], True) for column in numeric]
    for column, values in chosen:
        if column in cells.texts:
            codes = _codes(cells, column, ("", *(value for value in values if value))).astype(np.float64)
            codes[codes == 0] = np.nan
            asked.append((column, codes, False))
    moments = cells.numbers.get(time or "")
    if moments is not None and not bool((moments[1:] >= moments[:-1]).all()):
        order = np.argsort(moments, kind="stable")
        asked = [(column, values[order], numbers) for column, values, numbers in asked]
    return {column: order_profile(values, numbers=numbers) for column, values, numbers in asked}


def bonds_in(numbers: Mapping[str, Floats], roles: Roles) -> Bonds:
    """Bonds of the number columns, the prediction and the label among them, of rows evenly spread."""
    first = [column for column in (roles.prediction, roles.label) if column in numbers]
    there = [column for column in numbers if column not in (*first, roles.id, roles.time, *roles.redact)]
    return bonds_of({column: spread_rows(numbers[column]) for column in [*first, *there][:MOST_COLUMNS] if column})


def spread_rows(values: Floats) -> Floats:
    """Rows evenly spread over all of them, about ``MOST_ROWS``.

    >>> spread_rows(np.arange(10_000.0)).size
    2000
    """
    return values[:: max(1, -(-values.size // MOST_ROWS))]


def _slice(
    rows: int, place: int, absent: Mapping[str, npt.NDArray[np.intp]], moments: Mapping[str, tuple[int, Moments]]
) -> SliceProfile:
    missing = {column: int(counts[place]) for column, counts in absent.items() if counts[place]}
    missing |= {column: nothing for column, (nothing, _) in moments.items() if nothing and column != AGREEMENT}
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
