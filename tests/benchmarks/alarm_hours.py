"""Hourly batches of a year, drawn from the rows of real days: the same hour, of the days nearest to the date.

The same weekday within two weeks where that gives enough different rows, else other days too: an hour drawn again and
again from three rows is one that no service ever had.

Nothing is written: a batch is a frame, profiled by the code that profiles a small file, from arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from core.profiles import profile_log
from core.stats.profile import BatchProfile
from storage.logs.cells import Cells
from storage.records.logs import Kind, LogColumn, Roles
from tests.benchmarks.alarm_days import Answers
from tests.benchmarks.alarm_faults import Table

FIRST = datetime(2025, 1, 6, tzinfo=UTC)
LEAST, USUAL, MOST = 60, 150, 400
"""Rows of an hour: half of the hours have more than ``USUAL``."""

WEEKS = (-14, -7, 0, 7, 14)
SPARE = 4
"""Different rows to draw from, for each that is drawn: fewer would make hours repeat each other."""

FURTHER = tuple(sign * step for step in range(1, 181) for sign in (-1, 1) if sign * step not in WEEKS)


@dataclass(slots=True)
class Hours:
    """Batches of one model, hour by hour.

    A table with fewer days than a year has them stretched over it; one without rows at night has its day stretched over
    24 hours.
    """

    table: Table
    seed: int
    answers: Answers = field(init=False)
    _cells: dict[tuple[int, int], np.ndarray] = field(init=False)
    _days: int = field(init=False)
    _scale: float = field(init=False)
    _alike: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rows = self.table.rows
        self.answers = Answers(self.table, sorted(rows["day"].unique())[:60], self.seed)
        rows = rows.assign(prediction=self.answers(rows))
        self.table = Table(self.table.name, rows, self.table.numbers, self.table.texts)
        found = rows["ts"].dt.hour
        low, high = int(found.quantile(0.002)), int(found.quantile(0.998))
        stretched = ((found.clip(low, high) - low) * 24 // (high - low + 1)).to_numpy()
        places = pd.Series(np.arange(len(rows)))
        self._cells = {
            (int(d), int(h)): part.to_numpy() for (d, h), part in places.groupby([rows["day"].to_numpy(), stretched])
        }
        told = rows[[*self.table.texts, *self.table.numbers]]
        self._alike = told.groupby(list(told), dropna=False, observed=True).ngroup().to_numpy()
        self._days = int(rows["day"].max()) + 1
        self._scale = USUAL / float(np.median([part.size for part in self._cells.values()]))

    def batch(self, hour: int) -> pd.DataFrame:
        """The rows of the ``hour``-th hour of the year; the same hour gives the same rows."""
        draw = np.random.default_rng([self.seed, hour])
        day, of_day = divmod(hour, 24)
        here = day * self._days // 371 if self._days < 340 else day
        near = self._rows(here, of_day, WEEKS)
        rows = int(np.clip(draw.poisson(self._scale * len(near) / len(WEEKS)), LEAST, MOST))
        pool = self._widened(near, here, of_day, rows)
        chosen = draw.choice(pool, rows, replace=len(pool) < rows)
        drawn = self.table.rows.iloc[np.sort(chosen)].drop(columns="day")
        start = pd.Timestamp((FIRST + timedelta(hours=hour)).replace(tzinfo=None))
        seconds = np.sort(draw.integers(0, 3600, rows))
        return drawn.assign(ts=start + pd.to_timedelta(seconds, unit="s"), request_id=hour * 1000 + np.arange(rows))

    def _rows(self, here: int, of_day: int, steps: Sequence[int]) -> np.ndarray:
        """Places of the rows of one hour of the day, so many days away."""
        parts = [self._cells.get(((here + step) % self._days, of_day)) for step in steps]
        return np.concatenate([part for part in parts if part is not None] or [np.zeros(0, np.int64)])

    def _widened(self, pool: np.ndarray, here: int, of_day: int, rows: int) -> np.ndarray:
        """With the same hour of further days until there are different rows enough, if there are."""
        for first in range(0, len(FURTHER), 8):
            if np.unique(self._alike[pool]).size >= SPARE * rows:
                break
            pool = np.concatenate([pool, self._rows(here, of_day, FURTHER[first : first + 8])])
        return pool if pool.size else np.arange(100)


@dataclass(frozen=True, slots=True)
class Held:
    """A frame in the shape of an open log, as far as profiling a small one goes."""

    frame: pd.DataFrame

    @property
    def columns(self) -> Sequence[LogColumn]:
        """Name and kind of each column."""
        return [LogColumn(str(c), _kind(self.frame[c]), "") for c in self.frame]

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.frame)

    @property
    def rejected(self) -> int:
        """None is."""
        return 0

    def cells(self, wanted: Sequence[str]) -> Cells:
        """All cells of the columns."""
        texts, numeric, numbers = {}, {}, {}
        for column in wanted:
            kind, values = _kind(self.frame[column]), self.frame[column]
            if kind == "text":
                texts[column] = [None if v is None or v != v else str(v) for v in values.tolist()]
                numeric[column] = np.array([_is_number(v) for v in texts[column]])
            elif kind == "time":
                numbers[column] = values.to_numpy("datetime64[us]").astype(np.int64) / 1e6
            else:
                numbers[column] = values.to_numpy(np.float64)
        return Cells(texts, numeric, numbers)

    def query(self, sql: str) -> list[tuple[int]]:
        """The one question that profiling a small log asks: how many ids are there more than once."""
        ids = self.frame["request_id"]
        return [(int(len(ids) - ids.nunique()),)]


def profile(frame: pd.DataFrame, roles: Roles, sliced: Sequence[str] | None) -> BatchProfile:
    """What ingest would keep of a file with these rows."""
    return profile_log(Held(frame), roles, sliced)  # type: ignore[arg-type]


def tables(data: Path | None) -> list[Table]:
    """Five models: of real data where there is any, else of made rows. At most eight features each."""
    from tests.benchmarks.alarm_tables import TABLES

    names = ("flights", "bikes", "bank", "adult", "employment") if data else ("made",) * 5
    found = [TABLES[name](data or Path(), np.random.default_rng(seed)) for seed, name in enumerate(names)]
    return [_narrow(table) for table in found]


def _narrow(table: Table) -> Table:
    numbers = tuple(c for c in table.numbers if c not in table.minutes)[:5]
    texts = table.texts[:3]
    kept = table.rows[["ts", "request_id", *texts, *numbers, "label", "day"]].reset_index(drop=True)
    return Table(table.name, kept, numbers, texts)


def _kind(values: pd.Series) -> Kind:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"


def _is_number(value: str | None) -> bool:
    try:
        return value is not None and float(value) == float(value)
    except ValueError:
        return False
