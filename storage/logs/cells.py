"""Columns of DuckDB as arrays and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """All cells of some columns of a log, by name of the column.

    Attributes:
        texts: of text columns, None where missing.
        numeric: of text columns, whether each cell parses as a number.
        numbers: of the other columns, NaN where missing; booleans 0 and 1, finite times in seconds since 1970 UTC.
    """

    texts: Mapping[str, list[str | None]]
    numeric: Mapping[str, npt.NDArray[np.bool_]]
    numbers: Mapping[str, Floats]


def floats(found: object) -> Floats:
    """A column from DuckDB as float64, NaN where masked."""
    if isinstance(found, np.ma.MaskedArray):
        values = np.asarray(found.data, dtype=np.float64)
        mask = np.ma.getmaskarray(found)
        if mask.any():
            values = values if values.flags.writeable and values is not found.data else values.copy()
            values[mask] = np.nan
        return values
    return np.asarray(found, dtype=np.float64)


def words(found: object) -> list[str | None]:
    """A text column from DuckDB, None where masked."""
    masked = np.ma.getmaskarray(found) if isinstance(found, np.ma.MaskedArray) else None
    values: list[str | None] = list(np.asarray(found, dtype=object))
    if masked is not None:
        for place in np.flatnonzero(masked):
            values[place] = None
    return values
