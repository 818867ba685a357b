"""Evidence over time, one chart a guardrail; what a gate can find at this traffic; and what looks still wait for."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence

from core.rollouts import foreseeing, unreadable
from core.rollouts.candidates import ChartPoint, ChartScale, GuardrailChart
from core.rollouts.evidence import evidence_over_time
from storage.records.looks import TRAFFIC, Binary, Look, Means, Split
from storage.records.models import Model
from storage.records.rollouts import GuardrailRule, Rollout, StageRule
from storage.tables import rollback_evidence, rollouts
from storage.tables.looks import Wait

NEUTRAL: dict[ChartScale, float] = {"odds ratio": 1.0, "difference": 0.0, "chance to be worse": 0.5}
"""Where neither arm is worse."""


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
    """What the gate can find, and how fast, as a median, from looks alone: a sentence a guardrail of odds or means.

    Traffic is that of the looks of this stage; before any, that of the newest batches, with the share of the model
    file. What the baseline is like is told by its arm, here or in an earlier stage; where nobody knows it, nothing is
    said (:func:`core.rollouts.foreseeing.foresee` reads the reference).
    """
    told = []
    rows = foreseeing.rows_per_minute(looks)
    if rows is None and (volume := rollback_evidence.volume(db, model.id)) is not None and volume.rows_per_hour:
        rows = volume.rows_per_hour / 60
    for guardrail in rule.guardrails:
        found = _figures(looks, guardrail) or _figures(rollouts.looks(db, rollout.id), guardrail)
        if found is not None and rows is not None and 0 < rule.traffic < 1:
            told.append(foreseeing.sentence(guardrail, rule, found, rows))
    return tuple(told)


def waiting(rule: StageRule, looks: Sequence[Look], waits: Sequence[Wait] = ()) -> tuple[str, ...]:
    """What is missing of the windows that the traffic split knows, and why; and what was there and can't be read.

    Args:
        waits: what was looked for in vain.
    """
    windows, alone = set(), 0
    for look in looks:
        if look.guardrail == TRAFFIC and isinstance(look.sums, Split) and look.sums.canary and not look.sums.control:
            alone += 1
        elif look.guardrail == TRAFFIC:
            windows.add(look.batches)
    told = []
    if alone:
        which = "in 1 window" if alone == 1 else f"in {alone} windows"
        told.append(f"{which} all rows were the candidate's: they count in the traffic split alone")
    unread = []
    for guardrail in rule.guardrails:
        lacking = windows - {look.batches for look in looks if look.guardrail == guardrail.name}
        last = {one.batches: one.reason for one in waits if one.guardrail == guardrail.name}
        why = {ids: reason for ids, reason in last.items() if reason is not None}
        spoiled = {reason: [w for w in lacking if why.get(w) == reason] for reason in dict.fromkeys(why.values())}
        for reason, where in spoiled.items():
            if where:
                told.append(f"{guardrail.name} can't be counted in {len(where)} of {len(windows)} windows: {reason}")
        missing = sum(window not in why for window in lacking)
        if missing:
            what = "labels" if guardrail.needs_labels else "units in both arms"
            told.append(f"{guardrail.name} waits for {what} in {missing} of {len(windows)} windows")
        found = unreadable.counted(guardrail, looks)
        unread += [unreadable.words(guardrail, found)] if found.unreadable else []
    return (*told, *dict.fromkeys(unread))


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


def _figures(looks: Sequence[Look], guardrail: GuardrailRule) -> foreseeing.Figures | None:
    """The control's arm of a guardrail of odds or means; None while it says nothing that can be planned with."""
    mine = [look for look in looks if look.guardrail == guardrail.name]
    if guardrail.method == "odds":
        counts = [
            (s.control, float(s.control_events), s.canary) for s in (x.sums for x in mine) if isinstance(s, Binary)
        ]
    elif guardrail.method == "mean":
        counts = [(s.control.n, s.control.total, s.canary.n) for s in (x.sums for x in mine) if isinstance(s, Means)]
    else:
        return None
    units = sum(n for n, _, _ in counts)
    mean = math.fsum(total for _, total, _ in counts) / units if units else 0.0
    if not mean or (guardrail.method == "odds" and not 0 < mean < 1):
        return None
    windows = {look.batches for look in mine}
    rows = sum(
        look.sums.canary + look.sums.control
        for look in looks
        if look.guardrail == TRAFFIC and isinstance(look.sums, Split) and look.batches in windows
    )
    both = units + sum(n for _, _, n in counts)
    return foreseeing.Figures(mean, guardrail.sd, both / rows if rows else 1.0)
