"""Where a number column piled up on one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.checks.base import CheckContext
from core.stats import drift
from core.stats.profile import NumberProfile


@dataclass(frozen=True, slots=True)
class Spike:
    """``share`` of rows at ``value`` now, ``usual`` in the reference; ``beyond`` is what the reference had past it.

    ``edge`` is ``low`` or ``high`` when the value is the smallest or largest of the batch, else empty.
    ``exact`` says that the value is known to the last digit, else it is a bin's middle.
    """

    value: float
    share: float
    usual: float
    beyond: float
    edge: str
    exact: bool


def spike(context: CheckContext, name: str) -> Spike | None:
    """The bin that gained most, None when either side has no numbers or the column is constant."""
    if name not in context.spikes:
        context.spikes[name] = _spike(context.current.columns[name].number, context.reference.columns[name].number)
    found = context.spikes[name]
    return found if isinstance(found, Spike) else None


def _spike(now: NumberProfile | None, before: NumberProfile | None) -> Spike | None:
    if now is None or before is None or not now.finite or not before.finite or now.minimum == now.maximum:
        return None
    bits = min(now.histogram.bits, before.histogram.bits)
    keys, a, b = drift.aligned(now.histogram, before.histogram, bits)
    gain = a / a.sum() - b / b.sum()
    at = int(np.argmax(gain))
    value, exact = _value(now, int(keys[at]), bits, float(a[at]))
    edge = "high" if value >= now.maximum else "low" if value <= now.minimum else ""
    cdf = float(before.histogram.cdf(value))
    below = float(b[:at].sum() / b.sum())
    beyond = 1 - cdf if edge == "high" else below if edge == "low" else 0.0
    return Spike(value, float(a[at] / a.sum()), float(b[at] / b.sum()), beyond, edge, exact)


def weather(context: CheckContext, name: str) -> float:
    """What to divide by: how far the furthest other column piled up, since columns that do so together are weather."""
    other = next((d.ratio for key, d in context.departures.of("peak") if key.column != name), 1.0)
    return max(1.0, other if context.departures.days else 1.0)


def _value(now: NumberProfile, key: int, bits: int, rows: float) -> tuple[float, bool]:
    """The value inside that bin: known when it is an edge or the histogram is exact."""
    lows, highs = now.histogram.edges()
    inside = np.flatnonzero((now.histogram.keys >> (now.histogram.bits - bits)) == key)
    best = inside[np.argmax(now.histogram.counts[inside])]
    low, high = float(lows[best]), float(highs[best])
    if low <= now.maximum <= high and now.at_maximum >= 0.5 * rows:
        return now.maximum, True
    if low <= now.minimum <= high and now.at_minimum >= 0.5 * rows:
        return now.minimum, True
    if low <= 0 <= high and now.zeros >= 0.5 * rows:
        return 0.0, True
    return (low + high) / 2, now.histogram.exact
