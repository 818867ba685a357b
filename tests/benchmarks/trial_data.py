"""Coded rows with the errors of a simple classifier: three public data sets, or made ones where none are at hand."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from core.stats.slices.coding import Coding, fit_categories, fit_numbers  # noqa: E402
from core.stats.slices.table import Table  # noqa: E402

Bits = NDArray[np.bool_]
Numbers = NDArray[np.float64]
NAMES = ("adult", "employment_MA", "nycflights13")


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows that the classifier was not trained on.

    Attributes:
        codes: (columns, rows).
        errors: whether the classifier was wrong.
        chance: of being wrong, from a boosted model of the errors: what "the same odds everywhere" is made with.
        period: month or year of a row; all 0 without time.
    """

    name: str
    codes: NDArray[np.uint8]
    sizes: tuple[int, ...]
    errors: Bits
    chance: Numbers
    period: NDArray[np.int64]

    def table(self, rows: NDArray[np.int64], errors: Bits | None = None) -> Table:
        """These rows; ``errors`` in place of the real ones, a value a row of ``rows``."""
        return Table.pack(list(self.codes[:, rows]), self.errors[rows] if errors is None else errors, self.sizes)


def load(name: str, folder: Path | None) -> Scored:
    """One data set; a made one of the same shape without a folder."""
    if folder is None:
        return _made(NAMES.index(name))
    import pandas as pd

    frame = pd.read_csv(folder / f"{name}.csv.gz")
    period = np.zeros(len(frame), np.int64)
    prediction = None
    if name == "adult":
        label = (frame.pop("income").astype(str).str.contains(">50K")).to_numpy()
        frame = frame.drop(columns=["split"])
    elif name == "employment_MA":
        label = frame.pop("employed").to_numpy() == 1
        period = frame.pop("year").to_numpy(dtype=np.int64)
        prediction = frame.pop("prediction").to_numpy() == 1
        frame = frame.drop(columns=["id", "predicted_probability", "partition"])
    else:
        frame = frame[frame["arr_delay"].notna()].sort_values("time_hour", kind="stable")
        label = frame["arr_delay"].to_numpy() > 15
        period = frame["month"].to_numpy(dtype=np.int64)
        frame["weekday"] = pd.to_datetime(frame["time_hour"]).dt.dayofweek
        kept = ["carrier", "origin", "dest", "hour", "distance", "weekday", "day", "minute", "dep_delay", "air_time"]
        frame = frame[kept]
    codes, sizes = _coded(frame)
    rng = np.random.default_rng(0)
    used = np.ones(len(label), np.bool_)
    if prediction is None:
        train = rng.random(len(label)) < 0.15
        prediction = _chance(codes[:, train], label[train], codes) > 0.5
        used = ~train
    rows = np.flatnonzero(used)
    errors = (prediction != label)[rows]
    chance = _chance(codes[:, rows], errors, codes[:, rows])
    return Scored(name, codes[:, rows], sizes, errors, chance, period[rows])


def _coded(frame: object) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    import pandas as pd

    assert isinstance(frame, pd.DataFrame)
    codes, sizes = [], []
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column) and column.nunique() > 12:
            values = column.to_numpy(dtype=np.float64)
            coding: Coding = fit_numbers(name, values)
            codes.append(coding.encode_numbers(values))
        else:
            places, distinct = pd.factorize(column.astype("string"))
            named = [str(value) for value in distinct]
            counts = np.bincount(places[places >= 0], minlength=len(named))
            coding = fit_categories(name, list(zip(named, counts.tolist(), strict=True)))
            codes.append(np.concatenate([coding.encode_values(named), [0]]).astype(np.uint8)[places])
        sizes.append(coding.size)
    return np.array(codes), tuple(sizes)


def _chance(codes: NDArray[np.uint8], label: Bits, of: NDArray[np.uint8]) -> Numbers:
    from sklearn.ensemble import HistGradientBoostingClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=12, random_state=0)
        fitted = model.fit(codes.T, label)
        return np.asarray(fitted.predict_proba(of.T)[:, 1], dtype=np.float64)


def _made(which: int) -> Scored:
    rng = np.random.default_rng(which)
    rows = 60_000
    codes, chance = made_rows(rows, 14, rng)
    return Scored(f"made {which}", codes, made_sizes(14), rng.random(rows) < chance, chance, np.zeros(rows, np.int64))


def made_sizes(columns: int) -> tuple[int, ...]:
    """3 to 10 values a column, and the code of a missing value."""
    return tuple(4 + column % 8 for column in range(columns))


def made_rows(rows: int, columns: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Numbers]:
    """Skewed columns, of which neighbours depend on each other, and a chance of an error that some of them move."""
    codes = []
    for column, size in enumerate(made_sizes(columns)):
        weights = np.exp(-0.3 * np.arange(size - 1))
        values = rng.choice(size - 1, rows, p=weights / weights.sum()) + 1
        if column % 3 == 2:
            same = rng.random(rows) < 0.5
            values[same] = np.minimum(codes[-1][same], size - 1)
        codes.append(values.astype(np.uint8))
    chance = 0.05 + 0.1 * (codes[0] == 1) + 0.1 * (codes[3] > 3) + 0.1 * ((codes[5] == 2) & (codes[3] == 2))
    return np.array(codes), chance
