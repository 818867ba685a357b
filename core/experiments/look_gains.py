"""The gain that the looks of a rollout amount to, by one metric: a difference within each look, weighted over looks.

Within a look both arms saw the same hours, so that no base rate that drifts, and no ramp, gets into the difference. The
weights are those of Mantel and Haenszel, ``n1 n0 / (n1 + n0)``. The interval is the plain 95 % one of a number that is
read once; gates use intervals that hold at every look.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.stats.intervals import Z95
from storage.records.looks import Binary, Look, Means, Moments, PairedBinary, PairedMeans
from storage.records.rollouts import GuardrailRule, StageRule

SIGNALS = {"error": "accuracy", "abs_error": "mae", "latency": "latency", "loss": "log_loss"}
"""The metric that the mean of a guardrail's signal is, up to its sign."""


@dataclass(frozen=True, slots=True)
class LookGain:
    """A gain, positive where it is better, with its 95 % interval and the candidate's units it rests on."""

    gain: float
    low: float
    high: float
    n: int


def guardrail_of(rule: StageRule, metric: str) -> GuardrailRule | None:
    """The guardrail of a stage that measures a metric over all traffic; None when none does."""
    whole = [one for one in rule.guardrails if one.slice is None and one.method != "rank"]
    named = next((one for one in whole if one.name == metric and one.signal == "sql"), None)
    return named or next((one for one in whole if SIGNALS.get(one.signal) == metric), None)


def gain(looks: Iterable[Look], rule: GuardrailRule) -> LookGain | None:
    """What the looks of one guardrail amount to; None where they hold too little for an interval.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 11, 23, tzinfo=UTC)
    >>> counts = Binary(canary=1000, canary_events=80, control=4000, control_events=400)
    >>> look = Look(1, 1, "canary", "errors", "v1", (1,), at, at, at, 1000, 1000, counts)
    >>> told = gain([look], GuardrailRule("errors", "error", "up", "odds", 1.1))
    >>> [round(x, 4) for x in (told.gain, told.low, told.high)], told.n
    ([0.02, 0.0008, 0.0392], 1000)
    """
    parts = [part for look in looks if look.guardrail == rule.name and (part := _difference(look)) is not None]
    weight = sum(part.weight for part in parts)
    if weight <= 0:
        return None
    worse = sum(part.weight * part.difference for part in parts) / weight
    variance = sum(part.weight**2 * part.variance for part in parts) / weight**2
    if variance <= 0:
        return None
    value, half = (-worse if rule.harm == "up" else worse), Z95 * math.sqrt(variance)
    return LookGain(value, value - half, value + half, sum(part.n for part in parts))


@dataclass(frozen=True, slots=True)
class _Part:
    difference: float
    variance: float
    weight: float
    n: int


def _difference(look: Look) -> _Part | None:
    """Candidate minus control in one look."""
    sums = look.sums
    if isinstance(sums, Binary):
        return _two(_rate(sums.canary, sums.canary_events), _rate(sums.control, sums.control_events))
    if isinstance(sums, Means):
        return _two(_mean(sums.canary), _mean(sums.control))
    if isinstance(sums, PairedBinary):
        return _pairs(sums.pairs, sums.only_canary - sums.only_control, sums.only_canary + sums.only_control)
    if isinstance(sums, PairedMeans):
        return _pairs(sums.pairs, sums.total, sums.squares)
    return None


def _two(canary: tuple[int, float, float] | None, control: tuple[int, float, float] | None) -> _Part | None:
    if canary is None or control is None:
        return None
    (n, mean, variance), (m, other, other_variance) = canary, control
    return _Part(mean - other, variance / n + other_variance / m, n * m / (n + m), n)


def _rate(n: int, events: int) -> tuple[int, float, float] | None:
    return None if n < 1 else (n, events / n, events / n * (1 - events / n))


def _mean(sums: Moments) -> tuple[int, float, float] | None:
    if sums.n < 2:
        return None
    mean = sums.total / sums.n
    return sums.n, mean, max(0.0, sums.squares - sums.n * mean**2) / (sums.n - 1)


def _pairs(pairs: int, total: float, squares: float) -> _Part | None:
    if pairs < 2:
        return None
    mean = total / pairs
    return _Part(mean, max(0.0, squares - pairs * mean**2) / (pairs - 1) / pairs, float(pairs), pairs)


def measures(rules: Sequence[GuardrailRule]) -> tuple[str, ...]:
    """The metrics that guardrails measure, for words that say what could be read."""
    told = [SIGNALS.get(one.signal) or (one.name if one.signal == "sql" else None) for one in rules]
    return tuple(dict.fromkeys(name for name in told if name is not None))
