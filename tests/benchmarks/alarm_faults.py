"""Kinds of faults, each planted into one day's rows at random severity.

``BEFORE`` act on what the model is given, so that it answers wrongly; ``AFTER`` act on the finished log. Each takes the
day, the table it is of and a generator, and returns the day, the columns it touched and the severity in words; None
where the day gives it nothing to work on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their days.

    Attributes:
        rows: ``ts``, ``request_id``, the features, ``label`` (0 or 1) and ``day`` (a number, ascending).
        numbers, texts: the features.
        hours, minutes: features that tell the time of day, as hour and as minute of the day; they move with a clock.
        dates: what each day is called.
    """

    name: str
    rows: pd.DataFrame
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    hours: tuple[str, ...] = ()
    minutes: tuple[str, ...] = ()
    dates: Mapping[int, str] | None = None

    @property
    def features(self) -> list[str]:
        """All of them, numbers first."""
        return [*self.numbers, *self.texts]


Planted = tuple[pd.DataFrame, tuple[str, ...], str]
Fault = Callable[[pd.DataFrame, Table, np.random.Generator], Planted | None]
ROWS = ("__rows__",)


def null_burst(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A share of a column's cells is lost."""
    column, share = str(draw.choice(table.features)), _log_uniform(draw, 0.05, 0.6)
    return _cells(day, column, draw.random(len(day)) < share, None), (column,), f"{share:.2f}"


def unit_change(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """Another unit for a share of the rows, or for all."""
    column = str(draw.choice(table.numbers))
    share = 1.0 if draw.random() < 0.4 else draw.uniform(0.4, 1.0)
    hit = draw.random(len(day)) < share
    factor = draw.choice([1.609, 0.3048, 100.0, 0.01, 1000.0, 1 / 60, 2.2046, 0.0])
    values = day[column] * factor if factor else (day[column] - 32) / 1.8
    return _cells(day, column, hit, values), (column,), f"x{factor or 'f2c'} on {share:.2f}"


def swapped(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """Two columns of one type have each other's values."""
    kind = table.texts if draw.random() < 0.3 and len(table.texts) > 1 else table.numbers
    one, other = map(str, draw.choice(kind, 2, replace=False))
    changed = day.copy()
    changed[one], changed[other] = day[other].to_numpy(), day[one].to_numpy()
    return changed, (one, other), "all"


def category(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A value is called otherwise: a new spelling, UNKNOWN, or another known value."""
    found = _slice(day, table, draw, 0.05, 0.4)
    if found is None:
        return None
    column, value, hit = found
    others = [v for v in day[column].dropna().unique() if v != value]
    new = [f"{value}_v2", "UNKNOWN", str(draw.choice(others)) if others else "OTHER"][draw.integers(3)]
    return _cells(day, column, hit, new), (column,), f"{value}->{new} {hit.mean():.3f}"


def encoding(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A share of a text's cells is written in another way."""
    column, share = str(draw.choice(table.texts)), _log_uniform(draw, 0.06, 0.8)
    ways = [
        lambda v: f"{v} ",
        lambda v: v.lower() if v.lower() != v else v.upper(),
        lambda v: f"\u00c2\u00a0{v}",
        lambda v: f'"{v}"',
        lambda v: v.replace("A", "\u00c3\u0080").replace("a", "\u00c3\u00a1").replace("E", "\u00c3\u0089") + "\u00ad",
    ]
    way = ways[draw.integers(len(ways))]
    values = day[column].map(way, na_action="ignore")
    return _cells(day, column, draw.random(len(day)) < share, values), (column,), f"{share:.2f}"


def default_value(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A share of a number's cells is a default."""
    column, share = str(draw.choice(table.numbers)), _log_uniform(draw, 0.08, 0.5)
    value = [0.0, -1.0, -999.0, float(day[column].median())][draw.integers(4)]
    return _cells(day, column, draw.random(len(day)) < share, value), (column,), f"{value:g} on {share:.2f}"


def frozen(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A column repeats one value from some row on, to the end."""
    column, first = str(draw.choice(table.numbers)), draw.uniform(0.1, 0.75)
    place = int(first * len(day))
    known = day[column].iloc[: place + 1].dropna()
    if known.empty:
        return None
    return _cells(day, column, np.arange(len(day)) >= place, known.iloc[-1]), (column,), f"from {first:.2f}"


def clipped(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A number is cut at one of its own quantiles."""
    column, share = str(draw.choice(table.numbers)), draw.uniform(0.6, 0.9)
    upper = draw.random() < 0.7
    edge = day[column].quantile(share if upper else 1 - share)
    values = day[column].clip(upper=edge) if upper else day[column].clip(lower=edge)
    return _cells(day, column, np.ones(len(day), bool), values), (column,), f"q{share if upper else 1 - share:.2f}"


def shift_slice(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A number is moved in the rows of one value of a text."""
    found = _slice(day, table, draw, 0.07, 0.4)
    if found is None:
        return None
    by, value, hit = found
    column = str(draw.choice(table.numbers))
    size = draw.uniform(0.8, 2.0) * draw.choice([-1, 1])
    values = day[column] + size * day[column].std()
    return _cells(day, column, hit, values), (column,), f"{by}={value} {hit.mean():.2f} {size:+.1f}sd"


def timezone(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """The clock is some hours off: in the features that tell the time of day, and often in the time itself."""
    hours = int(draw.choice([-5, -4, 3, 5, 8]))
    too = draw.random() < 0.6 or not table.hours
    changed = day.copy()
    for column in table.hours:
        changed[column] = (day[column] + hours) % 24
    for column in table.minutes:
        changed[column] = (day[column] + 60 * hours) % 1440
    if too:
        changed["ts"] = day["ts"] + pd.Timedelta(hours=hours)
    words = "ts too" if too and table.hours else "ts" if too else "features only"
    return changed, (*table.hours, *table.minutes, *(("ts",) if too else ())), f"{hours:+d}h {words}"


def sign_flip(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A number has the other sign."""
    column = str(draw.choice(table.numbers))
    hit = draw.random(len(day)) < (1.0 if draw.random() < 0.5 else draw.uniform(0.1, 0.9))
    return _cells(day, column, hit, -day[column]), (column,), f"{hit.mean():.2f}"


def rounded(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A number has lost its digits: of its spread only a few steps are left."""
    column = str(draw.choice(table.numbers))
    step = float(day[column].std()) * draw.uniform(0.3, 1.5)
    if not step > 0:
        return None
    return (
        _cells(day, column, np.ones(len(day), bool), (day[column] / step).round() * step),
        (column,),
        f"to {step:.3g}",
    )


def noisy(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """Noise on a number."""
    column, size = str(draw.choice(table.numbers)), draw.uniform(0.3, 1.5)
    values = day[column] + draw.normal(0, size * float(day[column].std() or 0), len(day))
    return _cells(day, column, np.ones(len(day), bool), values), (column,), f"{size:.1f}sd"


def shuffled(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A column's values belong to other rows."""
    column = str(draw.choice(table.features))
    values = pd.Series(draw.permutation(day[column].to_numpy()), index=day.index)
    return _cells(day, column, np.ones(len(day), bool), values), (column,), "all"


def text_cut(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A text is cut after a few characters."""
    column, share = str(draw.choice(table.texts)), draw.uniform(0.3, 1.0)
    length = int(draw.integers(1, 6))
    return (
        _cells(day, column, draw.random(len(day)) < share, day[column].str[:length]),
        (column,),
        f"{length} on {share:.2f}",
    )


def rename(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A column is called otherwise; the model goes without it."""
    column = str(draw.choice(table.features))
    new = str(
        draw.choice([f"{column}_v2", column.upper() if column.upper() != column else column.lower(), f"x_{column}"])
    )
    return day.rename(columns={column: new}), (column, new), new


def label_flip_slice(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """The labels of a slice are turned round."""
    found = _slice(day, table, draw, 0.06, 0.4)
    if found is None:
        return None
    by, value, hit = found
    return _cells(day, "label", hit, 1 - day["label"]), ("label",), f"{by}={value} {hit.mean():.3f}"


def duplicated(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """A share of the rows came twice."""
    share = _log_uniform(draw, 0.04, 0.35)
    again = day[draw.random(len(day)) < share]
    return pd.concat([day, again]).sort_values("ts", kind="stable"), ROWS, f"{share:.2f}"


def truncated(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """The file breaks off."""
    share = draw.uniform(0.3, 0.75)
    return day.iloc[: int(share * len(day))], ROWS, f"keep {share:.2f}"


def hour_missing(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """One to three hours within the day are lost."""
    hours = day["ts"].dt.hour
    first, many = int(draw.choice(hours.unique()[1:-3])), int(draw.integers(1, 4))
    lost = hours.between(first, first + many - 1)
    return day[~lost], ROWS, f"{first}h, {many} h, {lost.mean():.2f}"


def prediction_constant(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """The model answers the same from some row on."""
    first = draw.choice([0.0, draw.uniform(0.2, 0.7)])
    place = int(first * len(day))
    value = float(day["prediction"].iloc[place])
    return _cells(day, "prediction", np.arange(len(day)) >= place, value), ("prediction",), f"from {first:.2f}"


def labels_zero(day: pd.DataFrame, table: Table, draw: np.random.Generator) -> Planted | None:
    """The labels say no throughout."""
    return _cells(day, "label", np.ones(len(day), bool), 0), ("label",), "all"


BEFORE: Mapping[str, Fault] = {
    f.__name__: f
    for f in (null_burst, unit_change, swapped, category, encoding, default_value, frozen, clipped, shift_slice,
              timezone, rename, sign_flip, rounded, noisy, shuffled, text_cut)
}  # fmt: skip
AFTER: Mapping[str, Fault] = {
    f.__name__: f for f in (label_flip_slice, duplicated, truncated, hour_missing, prediction_constant, labels_zero)
}
YESTERDAY = "yesterday"
KNOWN = (
    "null_burst", "unit_change", "swapped", "category", "encoding", "default_value", "frozen", "clipped",
    "shift_slice", "label_flip_slice", "duplicated", "truncated", "timezone",
)  # fmt: skip
FURTHER = ("rename", "sign_flip", "rounded", "prediction_constant", "labels_zero")
UNTUNED = ("noisy", "shuffled", "text_cut", "hour_missing", YESTERDAY)


def _log_uniform(draw: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(draw.uniform(np.log(low), np.log(high))))


def _cells(day: pd.DataFrame, column: str, hit: object, values: object) -> pd.DataFrame:
    """The day with ``values`` in the cells that are hit; None is a missing cell. Missing cells of a unit stay so."""
    changed = day.copy()
    mask = np.asarray(hit, dtype=bool)
    new = values if isinstance(values, pd.Series) else pd.Series([values] * len(day), index=day.index)
    if pd.api.types.is_numeric_dtype(day[column]):
        new = pd.to_numeric(new)
    changed[column] = day[column].where(~mask, new)
    return changed


def _slice(
    day: pd.DataFrame, table: Table, draw: np.random.Generator, low: float, high: float
) -> tuple[str, str, np.ndarray] | None:
    """A text column, a value of it that a share of the rows has, and those rows."""
    for column in draw.permutation(table.texts):
        shares = day[column].value_counts(dropna=True) / len(day)
        fit = shares[(shares >= low) & (shares <= high)].index
        if len(fit):
            value = str(draw.choice(np.asarray(fit, dtype=object)))
            return str(column), value, (day[column] == value).to_numpy(bool)
    return None
