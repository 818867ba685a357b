"""Evidence over time, one chart a guardrail; what a gate can find at this traffic; and what looks still wait for."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence

from core.rollouts.candidates import ChartPoint, ChartScale, GuardrailChart
from core.rollouts.evidence import evidence_over_time
from storage.records.looks import TRAFFIC, Binary, Look, PairedBinary
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, Rollout, StageRule
from storage.tables import rollback_evidence, rollouts

NEUTRAL: dict[ChartScale, float] = {"odds ratio": 1.0, "difference": 0.0, "chance to be worse": 0.5}
"""Where neither arm is worse."""

PLANNED = ((2.0, "a doubling"), (1.25, "a 25 % rise"))
"""Odds ratios whose finding is planned for, in words."""


def of(rule: StageRule, looks: Sequence[Look]) -> tuple[GuardrailChart, ...]:
    """One chart a guardrail, in the order of the rule; without points until its first look."""
    charts = []
    for guardrail in rule.guardrails:
        scale = _scale(guardrail)
        points = tuple(
            ChartPoint(p.at, p.estimate, p.low, p.high, p.log_harm, p.log_promote)
            for p in evidence_over_time(rule, looks, guardrail.name)
        )
        charts.append(GuardrailChart(guardrail.name, scale, NEUTRAL[scale], _margin(guardrail, scale), points))
    return tuple(charts)


def planned(
    db: sqlite3.Connection, model: Model, rollout: Rollout, rule: StageRule, looks: Sequence[Look]
) -> tuple[str, ...]:
    """What the gate can find, and how fast, as a median: one sentence for each guardrail that counts events.

    Traffic is that of the looks of this stage; before any, that of the newest batches and the share of the model file.
    The rate is the control's, here or in an earlier stage; where nobody knows it, nothing is said.
    """
    told = []
    for guardrail in rule.guardrails:
        if guardrail.method != "odds" or guardrail.harm != "up":
            continue
        rate = _rate(looks, guardrail.name) or _rate(rollouts.looks(db, rollout.id), guardrail.name)
        units = _traffic(looks, guardrail.name) or _expected(db, model, rule)
        if rate is None or units is None:
            continue
        told.append(_sentence(guardrail.name, rate, units, rule.alpha_harm / max(len(rule.guardrails), 1)))
    return tuple(told)


def waiting(rule: StageRule, looks: Sequence[Look]) -> tuple[str, ...]:
    """Guardrails with fewer looks than the traffic split has: their labels, or a file, are still to come."""
    windows = {look.batches for look in looks if look.guardrail == TRAFFIC}
    told = []
    for guardrail in rule.guardrails:
        missing = len(windows - {look.batches for look in looks if look.guardrail == guardrail.name})
        if missing:
            what = "labels" if guardrail.needs_labels else "units in both arms"
            told.append(f"{guardrail.name} waits for {what} in {missing} of {len(windows)} windows")
    return tuple(told)


def _scale(guardrail: GuardrailRule) -> ChartScale:
    if guardrail.method in ("odds", "paired odds"):
        return "odds ratio"
    return "chance to be worse" if guardrail.method == "rank" else "difference"


def _margin(guardrail: GuardrailRule, scale: ChartScale) -> float:
    """Where harm begins that is not put up with, on the chart's own scale."""
    up = guardrail.harm == "up"
    if scale == "odds ratio":
        return guardrail.margin if up else 1.0 / guardrail.margin
    if scale == "difference":
        return guardrail.margin if up else -guardrail.margin
    return 0.5 + guardrail.margin


def _rate(looks: Sequence[Look], name: str) -> float | None:
    """Events of the control's arm a unit; None while it has none, or nothing but events."""
    sums = [look.sums for look in looks if look.guardrail == name]
    units = sum(s.control for s in sums if isinstance(s, Binary))
    events = sum(s.control_events for s in sums if isinstance(s, Binary))
    return events / units if 0 < events < units else None


def _traffic(looks: Sequence[Look], name: str) -> tuple[float, float] | None:
    """Units of both arms in a minute, and the candidate's share of them."""
    some = [look for look in looks if look.guardrail == name and isinstance(look.sums, Binary | PairedBinary)]
    if not some:
        return None
    start, end = min(look.window_start for look in some), max(look.window_end for look in some)
    minutes = (end - start).total_seconds() / 60
    canary = sum(look.sums.canary for look in some if isinstance(look.sums, Binary))
    control = sum(look.sums.control for look in some if isinstance(look.sums, Binary))
    return ((canary + control) / minutes, canary / (canary + control)) if minutes > 0 and canary and control else None


def _expected(db: sqlite3.Connection, model: Model, rule: StageRule) -> tuple[float, float] | None:
    volume = rollback_evidence.volume(db, model.id)
    if volume is None or not volume.rows_per_hour or not 0 < rule.traffic < 1:
        return None
    return volume.rows_per_hour / 60, rule.traffic


def _sentence(name: str, rate: float, units: tuple[float, float], alpha: float) -> str:
    from core.stats.gates.planner import plan

    per_minute, share = units
    (double, _), *others = [(plan(rate, ratio, alpha, per_minute, share), words) for ratio, words in PLANNED]
    more = "".join(f", {words} {_span(one.minutes)}" for one, words in others)
    return (
        f"{name}: at {per_minute * share:,.3g} candidate rows a minute and {rate:.2%} at the baseline, "
        f"{PLANNED[0][1]} takes ~{_span(double.minutes)}{more}; until then it costs ~{math.ceil(double.extra_errors)} "
        "extra errors"
    )


def _span(minutes: float) -> str:
    """Minutes in words.

    >>> _span(34.2), _span(510), _span(9000), _span(288_000), _span(math.inf)
    ('34 min', '8.5 h', '6.2 days', '200 days', 'for ever')
    """
    if not math.isfinite(minutes):
        return "for ever"
    if minutes < 100:
        return f"{minutes:.0f} min"
    if minutes < 48 * 60:
        return f"{minutes / 60:.2g} h"
    days = minutes / 1440
    return f"{days:.2g} days" if days < 99.5 else f"{days:,.0f} days"
