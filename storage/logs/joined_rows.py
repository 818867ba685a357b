"""A batch's rows with their newest labels, as :mod:`storage.logs.join` leaves them: a database file of one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from storage.business_sql import TABLE
from storage.logs.engine import in_words
from storage.records.labels import JoinCounts

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

PIECE = 500_000
"""Rows that are held as arrays at once."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A batch's rows with their newest labels, in a database file.

    Attributes:
        path: of the database file; its table is ``log_rows``. The label column holds 0 and 1 in a binary task.
        columns: the columns of that table that a person knows.
    """

    path: Path
    columns: tuple[str, ...]
    counts: JoinCounts

    def pieces(self) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
        """Predictions, classes, labels and latencies as float64, NaN where missing, :data:`PIECE` rows at a time.

        Classes are what the serving system decided (``columns.predicted_class`` of a binary log). A multiclass
        prediction or label is a number that stands for its class.
        """
        with duckdb.connect(str(self.path), read_only=True) as db, in_words("the joined rows"):
            for first in range(0, self.counts.rows, PIECE):
                found = db.execute(
                    f"SELECT __score, __class, __truth, __latency FROM {TABLE} WHERE rowid >= ? AND rowid < ?",
                    [first, first + PIECE],
                ).fetchnumpy()
                score, decided, truth, latency = (
                    _floats(found[column]) for column in ("__score", "__class", "__truth", "__latency")
                )
                yield score, decided, truth, latency

    def coded(self, codes: Sequence[str], most: int) -> tuple[Floats, Floats, Floats, Codes]:
        """Predictions, classes and labels as :meth:`pieces` gives them, and one line of codes an expression.

        Args:
            codes: SQL over the columns of the table, of values 0 to 255.
            most: rows read; of more than that, every so-manieth.
        """
        step = max(1, -(-self.counts.rows // most))
        listed = "".join(f", ({code})::UTINYINT AS k{i}" for i, code in enumerate(codes))
        with duckdb.connect(str(self.path), read_only=True) as db, in_words("the joined rows"):
            found = db.execute(
                f"SELECT __score, __class, __truth{listed} FROM {TABLE} WHERE rowid % {step} = 0 ORDER BY rowid"
            ).fetchnumpy()
        score, decided, truth = (_floats(found[column]) for column in ("__score", "__class", "__truth"))
        lines = [np.asarray(found[f"k{i}"], dtype=np.uint8) for i in range(len(codes))]
        return score, decided, truth, np.array(lines, dtype=np.uint8).reshape(len(codes), len(score))


def _floats(found: object) -> Floats:
    if isinstance(found, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(found), np.nan, np.asarray(found.data, dtype=np.float64))
    return np.asarray(found, dtype=np.float64)
