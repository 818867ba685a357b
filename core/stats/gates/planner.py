"""Before a rollout: how long until a harm of a given size is found, what it costs meanwhile, and what cannot be found.

A mixture finds an effect once the information against "no harm" reaches ``ln(1 / alpha)`` and what not knowing the
effect costs, about :data:`PRICE`. For events, with a small candidate's arm and rare events, that is the rule
``errors = (ln(1 / alpha) + 1.5) / (psi ln(psi) - psi + 1)``, in errors expected at the base rate; the form here also
holds for arms of like size and for frequent events. These are medians: one in ten takes about twice as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from core.stats.gates.means import TAU
from core.stats.gates.mixture import log_evidence

PRICE = 1.5
"""What a test that does not know the effect pays for that, in units of log evidence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes to find a harm of a given size.

    Attributes:
        errors_needed: errors of the candidate's arm expected at the base rate until then.
        units: units of the candidate's arm.
        minutes: at the given traffic; infinite without any.
        extra_errors: errors that the candidate makes meanwhile beyond what the baseline would have made.
    """

    errors_needed: float
    units: float
    minutes: float
    extra_errors: float


@dataclass(frozen=True, slots=True)
class MeanPlan:
    """What it takes to find a difference of means: units of the candidate's arm, and minutes at the given traffic."""

    units: float
    minutes: float


def plan(rate: float, odds_ratio: float, alpha: float, per_minute: float, share: float) -> Plan:
    """How long until harm of ``odds_ratio`` is found, as a median.

    Args:
        rate: share of units with an error at the baseline, between 0 and 1.
        odds_ratio: of the harm, above 1; below 1 for events that are good and become fewer.
        alpha: error of this guardrail, between 0 and 1.
        per_minute: units of both arms in a minute.
        share: the candidate's share of them, between 0 and 1.

    >>> found = plan(rate=0.02, odds_ratio=2.0, alpha=0.01, per_minute=2_000, share=0.01)
    >>> round(found.errors_needed, 1), round(found.units), round(found.minutes), round(found.extra_errors, 1)
    (16.8, 838, 42, 16.1)

    Raises:
        ValueError: an argument is out of range.
    """
    _between("rate", rate)
    _between("alpha", alpha)
    _between("share", share)
    if not (math.isfinite(odds_ratio) and odds_ratio > 0.0 and odds_ratio != 1.0):
        raise ValueError(f"odds ratio {odds_ratio}: a positive number other than 1 is needed")
    worse = odds_ratio * rate / (1.0 - rate + odds_ratio * rate)
    pooled = share * worse + (1.0 - share) * rate
    control = (1.0 - share) / share
    per_unit = _divergence(worse, pooled) + control * _divergence(rate, pooled)
    units = (math.log(1.0 / alpha) + PRICE) / per_unit
    return Plan(units * rate, units, _minutes(units, per_minute, share), units * (worse - rate))


def plan_pass(rate: float, margin: float, alpha: float, per_minute: float, share: float) -> Plan:
    """How long until a candidate that is as good as its baseline passes a gate of this margin, as a median.

    The law "worse by the margin" that comes nearest to equal arms is taken, with the same events in all. Weights about
    "no difference" (:data:`core.stats.gates.odds.SPREAD_PROMOTE`) cost nothing when there is none.

    Args:
        margin: an odds ratio above 1.
        alpha: chance that a candidate at the margin passes, between 0 and 1.

    >>> found = plan_pass(rate=0.02, margin=1.3, alpha=0.05, per_minute=2_000, share=0.1)
    >>> round(found.errors_needed), round(found.minutes)
    (92, 23)

    Raises:
        ValueError: an argument is out of range.
    """
    _between("rate", rate)
    _between("alpha", alpha)
    _between("share", share)
    if not (math.isfinite(margin) and margin > 1.0):
        raise ValueError(f"margin {margin}: an odds ratio above 1 is needed")
    low, high = 0.0, rate
    for _ in range(60):
        base = (low + high) / 2.0
        worse = margin * base / (1.0 - base + margin * base)
        low, high = (base, high) if share * worse + (1.0 - share) * base < rate else (low, base)
    worse = margin * base / (1.0 - base + margin * base)
    per_unit = _divergence(rate, worse) + (1.0 - share) / share * _divergence(rate, base)
    units = -math.log(alpha) / per_unit
    return Plan(units * rate, units, _minutes(units, per_minute, share), 0.0)


def mean_plan(sd: float, difference: float, alpha: float, per_minute: float, share: float) -> MeanPlan:
    """How long until a difference of means is found, as a median, in the sign that was feared.

    Args:
        sd: standard deviation of the number; with a covariate, of what it leaves: ``sd * sqrt(1 - rho**2)``.
        difference: of the means, in the number's unit; not 0.

    >>> found = mean_plan(sd=30.0, difference=0.1, alpha=0.01, per_minute=2_000, share=0.1)
    >>> round(found.units), round(found.minutes)
    (1895511, 9478)

    Raises:
        ValueError: an argument is out of range.
    """
    _between("alpha", alpha)
    _between("share", share)
    _positive("standard deviation", sd)
    if not (math.isfinite(difference) and difference != 0.0):
        raise ValueError(f"difference {difference}: a number other than 0 is needed")
    effect = abs(difference) / sd
    information = _least(lambda known: log_evidence(effect * known, known, TAU), -math.log(alpha))
    units = information / (1.0 - share)
    return MeanPlan(units, _minutes(units, per_minute, share))


def smallest_change(mean: float, sd: float, units: float, alpha: float, share: float) -> float:
    """The smallest change, as a share of the mean, that so many units of the candidate's arm find in half of all cases.

    >>> round(smallest_change(mean=1.0, sd=20.0, units=5_000, alpha=0.05, share=0.1), 2)
    0.94

    Raises:
        ValueError: an argument is out of range.
    """
    _between("alpha", alpha)
    _between("share", share)
    _positive("standard deviation", sd)
    _positive("units", units)
    if not (math.isfinite(mean) and mean != 0.0):
        raise ValueError(f"mean {mean}: a number other than 0 is needed")
    known = units * (1.0 - share)
    return _least(lambda effect: log_evidence(effect * known, known, TAU), -math.log(alpha)) * sd / abs(mean)


def _least(grows: Callable[[float], float], needed: float) -> float:
    """Where a function that ends above ``needed`` reaches it for good, by halving."""
    low, high = 0.0, 1.0
    while grows(high) < needed:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if grows(middle) >= needed else (middle, high)
    return high


def _divergence(p: float, q: float) -> float:
    """Of a Bernoulli law from another, in nats."""
    return p * math.log(p / q) + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))


def _minutes(units: float, per_minute: float, share: float) -> float:
    if not (math.isfinite(per_minute) and per_minute >= 0.0):
        raise ValueError(f"units per minute {per_minute}: a number of 0 or more is needed")
    return units / (per_minute * share) if per_minute else math.inf


def _between(what: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{what} {value}: between 0 and 1 is needed")


def _positive(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{what} {value}: a positive number is needed")
