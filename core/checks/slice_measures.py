"""The statistics of slices: shares, missing values, levels and what labels say against predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.checks.key_numbers import Numbers, numbers_of
from core.checks.readings_table import ReadingsTable, joined
from core.checks.statistics import Key, Reading, share_reading
from core.checks.traits import Trait
from core.stats.profile import AGREEMENT, BatchProfile, SliceProfile
from core.stats.sketch_numbers import Floats, Moments
from core.stats.slice_table import SliceTable
from storage.records.logs import Roles

SLICE_ROWS = 20


def slice_readings(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> ReadingsTable:
    """Every statistic of every slice that both sides are cut by."""
    found = [ReadingsTable.of({})]
    for by, values in profile.slices.items():
        if by in roles.ignore or not values or by not in reference.columns or traits[by].kind == "calendar":
            continue
        table = SliceTable.of(values)
        rows_now, rows_known = _rows(table), _rows(SliceTable.of(reference.slices.get(by, {})))
        total = sum(rows_now.values())
        known_total = sum(rows_known.values())
        labelled = dict(table.narrowed((roles.label, roles.prediction, AGREEMENT)))
        whole = _whole(labelled)
        lacking, levels = _lacking(table, profile, reference, roles, by), _levels(table, profile, reference, traits, by)
        for value in dict.fromkeys([*rows_now, *rows_known]):
            name = f"{by}={value}"
            rows, before = rows_now.get(value), rows_known.get(value)
            usual = before / known_total if before is not None and known_total else None
            share = Key(by, "slice_share", name), share_reading(rows or 0, total, usual)
            found.append(ReadingsTable.of(dict([share])))
            if rows is None or rows < SLICE_ROWS:
                continue
            found += [told.of_slice(value, name) for told in (lacking, levels)]
            part, by_label = labelled[value], {}
            residual = _residual(part.moments, whole, roles.label or "", roles.prediction or "")
            if residual is not None and roles.label is not None:
                by_label[Key(roles.label, "residual", name)] = residual
            agreement = _agreement(part.moments, roles.label or "", roles.prediction or "")
            if agreement is not None and roles.label is not None:
                by_label[Key(roles.label, "agreement", name)] = agreement
            if by_label:
                found.append(ReadingsTable.of(by_label))
    return joined(found)


@dataclass(frozen=True, slots=True)
class _Grid:
    """One kind of statistic of each slice and column: slices x columns, NaN where there is none."""

    stat: str
    table: SliceTable
    columns: tuple[str, ...]
    values: Floats
    noises: Floats

    def of_slice(self, value: str, name: str) -> ReadingsTable:
        """Those of one slice."""
        at = self.table.names.index(value)
        told = np.flatnonzero(~np.isnan(self.values[at]))
        numbers = _numbers(self.stat, name, self.columns)[told]
        return ReadingsTable(numbers, self.values[at, told], self.noises[at, told])


@lru_cache(maxsize=1 << 11)
def _numbers(stat: str, name: str, columns: tuple[str, ...]) -> Numbers:
    """The numbers of one kind of statistic in one slice, column by column."""
    return numbers_of(Key(column, stat, name) for column in columns)


def _rows(table: SliceTable) -> dict[str, int]:
    """Rows per slice."""
    return dict(zip(table.names, (int(rows) for rows in table.rows), strict=True))


def _lacking(table: SliceTable, profile: BatchProfile, reference: BatchProfile, roles: Roles, by: str) -> _Grid:
    """Shares of missing values. What lacks nothing needs no reading: most columns, in most slices.

    Values go missing in clumps (one join, one hour), so in so few rows the noise is that of the share as it is.
    """
    judged = np.array(
        [
            name != by and name not in roles.ignore and name in reference.columns and name in profile.columns
            for name in table.columns
        ],
        dtype=np.bool_,
    )
    rows = table.rows[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = table.missing / rows
        smooth = (share * rows + 1) / (rows + 2)
        noise = np.sqrt(smooth * (1 - smooth) * (1 / rows))
    return _Grid("slice_missing", table, table.columns, np.where(judged & (table.missing > 0), share, np.nan), noise)


def _levels(
    table: SliceTable, profile: BatchProfile, reference: BatchProfile, traits: Mapping[str, Trait], by: str
) -> _Grid:
    """Means of numbers against those of all rows, in deviations of the reference."""
    means, deviations = np.full(len(table.columns), np.nan), np.ones(len(table.columns))
    for place, column in enumerate(table.columns):
        base, whole = reference.columns.get(column), profile.columns.get(column)
        if column == by or base is None or base.number is None or whole is None or whole.number is None:
            continue
        if traits[column].kind in ("feature", "prediction", "clock"):
            means[place], deviations[place] = whole.number.moments.mean, base.number.moments.deviation or 1.0
    n, mean, _ = table.moments
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.where(n >= SLICE_ROWS, (mean - means) / deviations, np.nan)
        noise = 1 / np.sqrt(n)
    return _Grid("slice_mean", table, table.columns, level, noise)


def _residual(part: Mapping[str, Moments], whole: Mapping[str, Moments], label: str, prediction: str) -> Reading | None:
    """Label minus prediction on average, where every row has both, less the same of the other rows.

    A day on which everything went worse than foretold is a day; a slice on which labels went their own way is not.
    """
    truth, told = part.get(label), part.get(prediction)
    every, foretold = whole.get(label), whole.get(prediction)
    if truth is None or told is None or truth.n < SLICE_ROWS or told.n != truth.n:
        return None
    if every is None or foretold is None or every.n != foretold.n:
        return None
    others = every.n - truth.n
    if others < SLICE_ROWS:
        return Reading(truth.mean - told.mean, math.sqrt(truth.variance / truth.n))
    rest = ((every.total - foretold.total) - (truth.total - told.total)) / others
    return Reading(truth.mean - told.mean - rest, math.sqrt(truth.variance / truth.n + every.variance / others))


def _whole(values: Mapping[str, SliceProfile]) -> dict[str, Moments]:
    """Moments of the rows of all values of one column together."""
    found: dict[str, Moments] = {}
    for part in values.values():
        for column, moments in part.moments.items():
            found[column] = found[column].merge(moments) if column in found else moments
    return found


def _agreement(part: Mapping[str, Moments], label: str, prediction: str) -> Reading | None:
    """The correlation of label and prediction, where every row has both: flipped labels turn its sign.

    It says what the residual can't where about half of the labels are true.
    """
    truth, told, both = part.get(label), part.get(prediction), part.get(AGREEMENT)
    if truth is None or told is None or both is None or truth.n < SLICE_ROWS or not truth.n == told.n == both.n:
        return None
    if truth.m2 <= 0 or told.m2 <= 0:
        return None
    together = both.n * (both.mean - truth.mean * told.mean)
    correlation = min(1.0, max(-1.0, together / math.sqrt(truth.m2 * told.m2)))
    return Reading(correlation, 1 / math.sqrt(truth.n))
