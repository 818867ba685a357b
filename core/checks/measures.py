"""The statistics that a batch is watched by, column by column, slice by slice and as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.checks.order_measures import bond_readings, order_readings
from core.checks.readings_table import ReadingsTable, joined
from core.checks.slice_measures import slice_readings
from core.checks.statistics import Key, Reading
from core.checks.statistics import share_reading as _share
from core.checks.traits import Trait
from core.stats import drift
from core.stats.effect import share_noise
from core.stats.profile import BatchProfile, ColumnProfile, NumberProfile, TextProfile
from core.stats.sketch_numbers import Floats
from core.stats.sketch_values import ValueCounts, value_hash
from storage.records.logs import Roles

FURTHEST = 5.0
MOST_DECIMALS = 5


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
) -> ReadingsTable:
    """Every statistic of ``profile``; ``member`` says that its rows are among the reference's."""
    found: dict[Key, Reading] = dict(_table(profile, reference, roles))
    for name, column in profile.columns.items():
        if name in roles.ignore or name not in reference.columns:
            continue
        kind = traits[name].kind
        base = reference.columns[name]
        found[Key(name, "missing")] = _missing(profile, name, base.missing / base.rows if base.rows else None)
        if kind in ("calendar", "identifier", "constant", "marker"):
            continue
        for stat, reading in _column(column, base, bounds, member):
            if math.isfinite(reading.value):
                found[Key(name, stat)] = reading
    orders = dict(order_readings(profile, reference, roles, traits))
    bonds = dict(bond_readings(profile, reference, roles, traits))
    slices = slice_readings(profile, reference, roles, traits)
    return joined([ReadingsTable.of(found), slices, ReadingsTable.of(orders), ReadingsTable.of(bonds)])


def _missing(profile: BatchProfile, name: str, usual: float | None) -> Reading:
    """Missing values; where they came in clumps, a clump counts as one: the design effect of clustered rows."""
    column, order = profile.columns[name], profile.orders.get(name)
    reading = _share(column.missing, column.rows, usual)
    clump = max(1, order.lost) if order is not None else 1
    return Reading(
        reading.value,
        min(reading.noise * math.sqrt(clump), max(reading.noise, share_noise(reading.value, column.rows))),
    )


def _table(profile: BatchProfile, reference: BatchProfile, roles: Roles) -> Iterator[tuple[Key, Reading]]:
    rows = max(profile.rows, 1)
    yield Key("", "rows"), Reading(math.log(rows), 1 / math.sqrt(rows))
    yield Key("", "duplicates"), _share(profile.duplicates, profile.rows, reference.duplicates / max(reference.rows, 1))
    usual = reference.rejected / max(reference.rows + reference.rejected, 1)
    yield Key("", "rejected"), _share(profile.rejected, profile.rows + profile.rejected, usual)
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
    yield "infinite", _share(now.infinite, now.rows, before.infinite / before.rows if before.rows else None)
    yield "mean", Reading((now.moments.mean - before.moments.mean) / deviation, 1 / math.sqrt(n))
    if spread > 0 and n >= 10:
        yield "spread", Reading(math.log(spread / deviation), 1 / math.sqrt(n))
    for stat, rows, usual in (
        ("zeros", now.zeros, before.zeros),
        ("negatives", now.negatives, before.negatives),
        ("integers", now.integers, before.integers),
    ):
        yield stat, _share(rows, n, usual / m)
    yield "at_minimum", _share(now.at_minimum, n)
    yield "at_maximum", _share(now.at_maximum, n)
    low, high = bounds.low.get(name, before.minimum), bounds.high.get(name, before.maximum)
    yield "outside", _share(outside_rows(now, low, high), n)  # what is new comes in clumps: its own noise
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
        off = _off_grid(now, before)
        if off is not None:
            yield "off_grid", _share(off, n, 0.0)
    at = int(np.argmax(gain))  # the largest gain in share of a single bin
    yield "peak", Reading(float(gain[at]) / rest, share_noise(float(b[at] / b.sum()), n))


def _off_grid(now: NumberProfile, before: NumberProfile) -> float | None:
    """Rows whose number has more decimals than the reference's numbers have, None when those have no last decimal.

    Both histograms are exact. A number that was moved, averaged or converted leaves the grid it was measured on.
    """
    old, new = before.histogram.edges()[0], now.histogram.edges()[0]
    for decimals in range(1, MOST_DECIMALS + 1):
        if not _finer(old, decimals).any():
            return float(now.histogram.counts[_finer(new, decimals)].sum())
    return None


def _finer(values: Floats, decimals: int) -> npt.NDArray[np.bool_]:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * 10.0**decimals
        found = np.abs(scaled - np.rint(scaled)) > 1e-6 * np.maximum(1.0, np.abs(scaled) * 1e-4)
    return np.asarray(found, dtype=np.bool_)


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
    known = max(before.rows - before.missing, 1)
    yield "empty", _share(now.empty, n, before.empty / known)
    yield "padded", _share(now.padded, n, before.padded / known)
    yield "numeric", _share(now.numeric, n, before.numeric / known)
    left, right = comparable(now.values, before.values)
    a, b, names = drift.value_counts(left, right)
    if a.sum() and b.sum():
        rest = 1 - a.sum() / b.sum() if member and a.sum() < b.sum() else 1.0
        noise = drift.variation_noise(b, float(a.sum()), float(b.sum()))
        distance = max(0.0, drift.total_variation(a, b) / rest - noise)
        yield "distance", Reading(distance, 1 / math.sqrt(2 * a.sum()))
        yield "unseen", _share(float(a[(b <= (a if member else 0)) & (a > 0)].sum()), float(a.sum()), 0.0)
        yield "lost", _lost(a, b)
        gain = a / a.sum() - b / b.sum()
        at = int(np.argmax(gain))
        yield "peak", Reading(float(gain[at]) / rest, share_noise(float(b[at] / b.sum()), float(a.sum())))
    if now.values.complete:
        yield "distinct", Reading(math.log(max(now.values.distinct, 1.0)), 1 / math.sqrt(max(now.values.distinct, 1.0)))
    p, q, names = drift.value_counts(now.patterns.counts, patterns.counts)
    if p.sum() and names and len(patterns.counts) < patterns.limit:
        yield "patterns", _share(float(p[(q <= (p if member else 0)) & (p > 0)].sum()), float(p.sum()), 0.0)


def comparable(left: ValueCounts, right: ValueCounts) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Counts of both over the values that neither side has left out: those of hash up to the lower last one kept."""
    if left.complete and right.complete:
        return left.counts, right.counts
    last = min(value_hash(list(side.counts)[-1]) for side in (left, right) if not side.complete)
    return tuple({v: c for v, c in side.counts.items() if value_hash(v) <= last} for side in (left, right))  # type: ignore[return-value]
