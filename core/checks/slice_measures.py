"""The statistics of slices: shares, missing values, levels and what labels say against predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from core.checks.statistics import Key, Reading, share_reading
from core.checks.traits import Trait
from core.stats.profile import AGREEMENT, BatchProfile, SliceProfile
from core.stats.sketch_numbers import Moments
from storage.records.logs import Roles

SLICE_ROWS = 20


def slice_readings(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> Iterator[tuple[Key, Reading]]:
    """Every statistic of every slice that both sides are cut by."""
    for by, values in profile.slices.items():
        if by in roles.ignore or not values or by not in reference.columns or traits[by].kind == "calendar":
            continue
        total = sum(part.rows for part in values.values())
        known = reference.slices.get(by, {})
        known_total = sum(part.rows for part in known.values())
        whole = _whole({v: _labelled(part, roles) for v, part in values.items()})
        for value in {**values, **known}:
            name = f"{by}={value}"
            part, before = values.get(value), known.get(value)
            usual = before.rows / known_total if before and known_total else None
            yield Key(by, "slice_share", name), share_reading(part.rows if part else 0, total, usual)
            if part is None or part.rows < SLICE_ROWS:
                continue
            yield from _missing(profile, reference, roles, by, name, part)
            yield from _levels(profile, reference, traits, by, name, part)
            residual = _residual(part.moments, whole, roles.label or "", roles.prediction or "")
            if residual is not None and roles.label is not None:
                yield Key(roles.label, "residual", name), residual
            agreement = _agreement(part.moments, roles.label or "", roles.prediction or "")
            if agreement is not None and roles.label is not None:
                yield Key(roles.label, "agreement", name), agreement


def _missing(
    profile: BatchProfile,
    reference: BatchProfile,
    roles: Roles,
    by: str,
    name: str,
    part: SliceProfile,
) -> Iterator[tuple[Key, Reading]]:
    """What lacks nothing needs no reading: most columns, in most slices.

    Values go missing in clumps (one join, one hour), so in so few rows the noise is that of the share as it is.
    """
    for column, lost in part.missing.items():
        if column == by or column in roles.ignore or column not in reference.columns or not lost:
            continue
        if column not in profile.columns:
            continue
        yield Key(column, "slice_missing", name), share_reading(lost, part.rows)


def _levels(
    profile: BatchProfile, reference: BatchProfile, traits: Mapping[str, Trait], by: str, name: str, part: SliceProfile
) -> Iterator[tuple[Key, Reading]]:
    for column, moments in part.moments.items():
        base, whole = reference.columns.get(column), profile.columns.get(column)
        if column == by or moments.n < SLICE_ROWS or base is None or base.number is None:
            continue
        if whole is None or whole.number is None or traits[column].kind not in ("feature", "prediction", "clock"):
            continue
        deviation = base.number.moments.deviation or 1.0
        level = (moments.mean - whole.number.moments.mean) / deviation
        yield Key(column, "slice_mean", name), Reading(level, 1 / math.sqrt(moments.n))


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


def _labelled(part: SliceProfile, roles: Roles) -> SliceProfile:
    """Only label and prediction of it."""
    return SliceProfile(part.rows, {}, {c: m for c, m in part.moments.items() if c in (roles.label, roles.prediction)})


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
