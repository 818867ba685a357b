"""The statistics that a batch is watched by, column by column, slice by slice and as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from core.checks.traits import Trait
from core.stats import drift
from core.stats.effect import share_noise
from core.stats.profile import BatchProfile, ColumnProfile, NumberProfile, TextProfile
from core.stats.sketch_numbers import Floats, Moments
from core.stats.sketch_values import ValueCounts, value_hash
from storage.records.logs import Roles

SLICE_ROWS = 20
FURTHEST = 5.0


class Key(NamedTuple):
    """Which statistic: ``column`` is empty for the whole table, ``slice`` for all rows."""

    column: str
    stat: str
    slice: str = ""


class Reading(NamedTuple):
    """A statistic's value and its standard error from sampling alone."""

    value: float
    noise: float


@dataclass(frozen=True, slots=True)
class Stat:
    """How a statistic is judged.

    Attributes:
        family: statistics that share one threshold.
        floor: the smallest departure worth a word where the past is known.
        alone: the same where there is only a reference.
        group: statistics of one group say the same thing twice.
    """

    family: str
    floor: float
    alone: float
    group: str


STATS: Mapping[str, Stat] = {
    "missing": Stat("null", 0.005, 0.02, "missing"),
    "empty": Stat("null", 0.005, 0.02, "missing"),
    "infinite": Stat("null", 0.002, 0.01, "missing"),
    "padded": Stat("pattern", 0.005, 0.02, "pattern"),
    "patterns": Stat("pattern", 0.005, 0.03, "pattern"),
    "numeric": Stat("pattern", 0.01, 0.05, "pattern"),
    "unseen": Stat("unseen", 0.005, 0.02, "values"),
    "new_numbers": Stat("unseen", 0.005, 0.02, "range"),
    "lost": Stat("unseen", 0.01, 0.03, "point"),
    "outside": Stat("unseen", 0.005, 0.02, "range"),
    "overshoot": Stat("far", 0.02, 0.1, "far"),
    "mean": Stat("level", 0.05, 0.5, "level"),
    "spread": Stat("level", 0.05, 0.5, "spread"),
    "zeros": Stat("share", 0.01, 0.1, "point"),
    "negatives": Stat("share", 0.01, 0.1, "sign"),
    "integers": Stat("share", 0.01, 0.1, "point"),
    "at_minimum": Stat("share", 0.01, 0.1, "point"),
    "at_maximum": Stat("share", 0.01, 0.1, "point"),
    "peak": Stat("distance", 0.01, 0.1, "point"),
    "distance": Stat("distance", 0.02, 0.15, "distance"),
    "distinct": Stat("level", 0.1, 0.7, "distinct"),
    "rows": Stat("table", 0.1, 0.7, "rows"),
    "duplicates": Stat("table", 0.002, 0.01, "rows"),
    "rejected": Stat("table", 0.001, 0.005, "rows"),
    "hours": Stat("table", 1.5, 2.0, "rows"),
    "last_hour": Stat("table", 1.5, 2.0, "rows"),
    "gap": Stat("table", 1.5, 3.0, "rows"),
    "lost_ids": Stat("table", 0.001, 0.002, "rows"),
    "slice_share": Stat("slice_share", 0.02, 0.1, "slice"),
    "slice_missing": Stat("slice_null", 0.004, 0.01, "slice"),
    "slice_mean": Stat("slice", 0.05, 0.5, "slice"),
    "residual": Stat("residual", 0.01, 0.1, "residual"),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What counts as seen: the lowest and highest number of the other batches, and the patterns of texts."""

    low: Mapping[str, float]
    high: Mapping[str, float]
    patterns: Mapping[str, ValueCounts]


def readings(
    profile: BatchProfile,
    reference: BatchProfile,
    traits: Mapping[str, Trait],
    roles: Roles,
    bounds: Bounds,
    *,
    member: bool,
) -> dict[Key, Reading]:
    """Every statistic of ``profile``; ``member`` says that its rows are among the reference's."""
    found: dict[Key, Reading] = dict(_table(profile, roles))
    for name, column in profile.columns.items():
        if name in roles.ignore or name not in reference.columns:
            continue
        kind = traits[name].kind
        found[Key(name, "missing")] = _share(column.missing, column.rows)
        if kind in ("calendar", "identifier", "constant", "marker"):
            continue
        for stat, reading in _column(column, reference.columns[name], bounds, member):
            if math.isfinite(reading.value):
                found[Key(name, stat)] = reading
    found.update(_slices(profile, reference, roles, traits))
    return found


def _share(part: float, rows: float) -> Reading:
    share = part / rows if rows else 0.0
    return Reading(share, share_noise(share, rows))


def _table(profile: BatchProfile, roles: Roles) -> Iterator[tuple[Key, Reading]]:
    rows = max(profile.rows, 1)
    yield Key("", "rows"), Reading(math.log(rows), 1 / math.sqrt(rows))
    yield Key("", "duplicates"), _share(profile.duplicates, profile.rows)
    yield Key("", "rejected"), _share(profile.rejected, profile.rows + profile.rejected)
    if (
        roles.id is not None
        and roles.id in profile.columns
        and (number := profile.columns[roles.id].number)
        and number.finite > 1
    ):
        span = number.maximum - number.minimum + 1
        if number.integers == number.finite and span <= 1.5 * (number.finite + profile.duplicates):
            lost = max(0.0, span - (number.finite - profile.duplicates))
            yield Key("", "lost_ids"), Reading(lost / span, 1 / span)
    time = profile.columns[roles.time].time if roles.time is not None and roles.time in profile.columns else None
    if time is not None and time.hours.unit == 3600 and time.hours.counts:
        stretches = np.array(sorted(time.hours.counts))
        yield Key("", "hours"), Reading(float(stretches.size), _empty_hours(time.hours.counts.values()))
        if stretches[-1] // 24 == stretches[0] // 24:
            yield Key("", "last_hour"), Reading(float(stretches[-1] % 24), 0.0)
        yield Key("", "gap"), Reading(float(np.diff(stretches).max()) if stretches.size > 1 else 0.0, 0.0)


def _empty_hours(rows: Iterable[int]) -> float:
    """By how many hours chance may leave empty: one deviation, from the rows of each hour as Poisson means."""
    chances = [math.exp(-count) for count in rows]
    return math.sqrt(sum(chance * (1 - chance) for chance in chances))


def _column(
    column: ColumnProfile, reference: ColumnProfile, bounds: Bounds, member: bool
) -> Iterator[tuple[str, Reading]]:
    if column.text is not None and column.kind == "text":
        if reference.text is not None and column.text.rows > column.text.missing:
            yield from _text(column.text, reference.text, bounds.patterns[column.name], member)
    elif column.number is not None and reference.number is not None and column.number.finite:
        yield from _number(column.name, column.number, reference.number, bounds, member)


def _number(
    name: str, now: NumberProfile, before: NumberProfile, bounds: Bounds, member: bool
) -> Iterator[tuple[str, Reading]]:
    n, m = now.finite, max(before.finite, 1)
    rest = 1 - n / m if member and n < m else 1.0
    deviation = before.moments.deviation or 1.0
    spread = now.moments.deviation
    yield "infinite", _share(now.infinite, now.rows)
    yield "mean", Reading((now.moments.mean - before.moments.mean) / deviation, 1 / math.sqrt(n))
    if spread > 0 and n >= 10:
        yield "spread", Reading(math.log(spread / deviation), 1 / math.sqrt(n))
    for stat, rows in (("zeros", now.zeros), ("negatives", now.negatives), ("integers", now.integers)):
        yield stat, _share(rows, n)
    yield "at_minimum", _share(now.at_minimum, n)
    yield "at_maximum", _share(now.at_maximum, n)
    low, high = bounds.low.get(name, before.minimum), bounds.high.get(name, before.maximum)
    yield "outside", _share(outside_rows(now, low, high), n)
    yield "overshoot", Reading(_overshoot(now, low, high), 1 / n)
    noise = math.sqrt(1 / n + 1 / m)
    _, a, b = drift.aligned(now.histogram, before.histogram, min(now.histogram.bits, before.histogram.bits))
    if not b.sum():
        return
    gain = a / a.sum() - b / b.sum()
    apart = float(np.abs(np.cumsum(gain)).max())  # Kolmogorov's distance
    yield "distance", Reading(max(0.0, apart / rest - 0.87 * noise), noise / 2)
    if now.histogram.exact and before.histogram.exact:
        yield "new_numbers", _share(float(a[(b <= (a if member else 0)) & (a > 0)].sum()), n)
        yield "lost", _lost(a, b)
    peak = float(gain.max()) / rest  # the largest gain in share of a single bin
    yield "peak", Reading(peak, share_noise(max(peak, 0.0), n))


def outside_rows(number: NumberProfile, low: float, high: float) -> float:
    """Rows below ``low`` or above ``high``: exact while value counts are, else to a bin's width."""
    if number.minimum >= low and number.maximum <= high:
        return 0.0
    lows, highs = number.histogram.edges()
    return float(number.histogram.counts[(highs < low) | (lows > high)].sum()) or float(
        (number.at_minimum if number.minimum < low else 0) + (number.at_maximum if number.maximum > high else 0)
    )


def _overshoot(number: NumberProfile, low: float, high: float) -> float:
    """Mean distance beyond the range, in widths of the range, ``FURTHEST`` at most for each row."""
    width = high - low
    if width <= 0 or (number.minimum >= low and number.maximum <= high):
        return 0.0
    lows, highs = number.histogram.edges()
    with np.errstate(over="ignore"):
        beyond = np.maximum(np.maximum(low - highs, lows - high), 0.0) / width
    return float(np.dot(np.minimum(beyond, FURTHEST), number.histogram.counts)) / number.finite


def _lost(a: Floats, b: Floats) -> Reading:
    """Share that values had before which are gone, those only that sampling could not have lost (10 expected)."""
    share = b / b.sum() if b.sum() else b
    gone = share[(a == 0) & (share * a.sum() >= 10)]
    return Reading(float(gone.sum()), 1 / max(float(a.sum()), 1.0))


def _text(now: TextProfile, before: TextProfile, patterns: ValueCounts, member: bool) -> Iterator[tuple[str, Reading]]:
    n = now.rows - now.missing
    yield "empty", _share(now.empty, n)
    yield "padded", _share(now.padded, n)
    yield "numeric", _share(now.numeric, n)
    left, right = comparable(now.values, before.values)
    a, b, names = drift.value_counts(left, right)
    if a.sum() and b.sum():
        rest = 1 - a.sum() / b.sum() if member and a.sum() < b.sum() else 1.0
        noise = drift.variation_noise(b, float(a.sum()), float(b.sum()))
        distance = max(0.0, drift.total_variation(a, b) / rest - noise)
        yield "distance", Reading(distance, 1 / math.sqrt(2 * a.sum()))
        yield "unseen", _share(float(a[(b <= (a if member else 0)) & (a > 0)].sum()), float(a.sum()))
        yield "lost", _lost(a, b)
        gain = float((a / a.sum() - b / b.sum()).max()) / rest
        yield "peak", Reading(gain, share_noise(max(gain, 0.0), float(a.sum())))
    if now.values.complete:
        yield "distinct", Reading(math.log(max(now.values.distinct, 1.0)), 1 / math.sqrt(max(now.values.distinct, 1.0)))
    p, q, names = drift.value_counts(now.patterns.counts, patterns.counts)
    if p.sum() and names and len(patterns.counts) < patterns.limit:
        yield "patterns", _share(float(p[(q <= (p if member else 0)) & (p > 0)].sum()), float(p.sum()))


def comparable(left: ValueCounts, right: ValueCounts) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Counts of both over the values that neither side has left out: those of hash up to the lower last one kept."""
    if left.complete and right.complete:
        return left.counts, right.counts
    last = min(value_hash(list(side.counts)[-1]) for side in (left, right) if not side.complete)
    return tuple({v: c for v, c in side.counts.items() if value_hash(v) <= last} for side in (left, right))  # type: ignore[return-value]


def _residual(part: Mapping[str, Moments], label: str, prediction: str) -> Reading | None:
    """Label minus prediction on average, where every row has both."""
    truth, told = part.get(label), part.get(prediction)
    if truth is None or told is None or truth.n < SLICE_ROWS or told.n != truth.n:
        return None
    return Reading(truth.mean - told.mean, math.sqrt(truth.variance / truth.n))


def _slices(
    profile: BatchProfile, reference: BatchProfile, roles: Roles, traits: Mapping[str, Trait]
) -> Iterator[tuple[Key, Reading]]:
    for by, values in profile.slices.items():
        if by in roles.ignore or not values or by not in reference.columns or traits[by].kind == "calendar":
            continue
        total = sum(part.rows for part in values.values())
        for value in {**values, **reference.slices.get(by, {})}:
            name = f"{by}={value}"
            part = values.get(value)
            share = part.rows / total if part and total else 0.0
            yield Key(by, "slice_share", name), Reading(share, share_noise(share, total))
            if part is None or part.rows < SLICE_ROWS:
                continue
            for column in profile.columns:
                if column == by or column in roles.ignore or column not in reference.columns:
                    continue
                if part.missing.get(column, 0):  # what lacks nothing needs no reading: most columns, in most slices
                    yield Key(column, "slice_missing", name), _share(part.missing[column], part.rows)
            for column, moments in part.moments.items():
                base, whole = reference.columns.get(column), profile.columns[column].number
                if column == by or moments.n < SLICE_ROWS or base is None or base.number is None or whole is None:
                    continue
                if traits[column].kind not in ("feature", "prediction", "clock"):
                    continue
                deviation = base.number.moments.deviation or 1.0
                level = (moments.mean - whole.moments.mean) / deviation
                yield Key(column, "slice_mean", name), Reading(level, 1 / math.sqrt(moments.n))
            residual = _residual(part.moments, roles.label or "", roles.prediction or "")
            if residual is not None and roles.label is not None:
                yield Key(roles.label, "residual", name), residual
