"""Slices that a person keeps, each against its own past: its share, its missing values, its predictions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from core.checks.base import Check, CheckContext, failed, not_checked, passed, percent
from core.checks.departed import Departure
from core.checks.departures import NOISE, PAST, seasons
from core.checks.watched import WatchedSlice
from core.stats.effect import share_noise
from core.stats.expectation import MINIMUM_PAST, expectations, family_threshold
from storage.logs.predicates import words
from storage.logs.quoting import sql_name
from storage.records.kept_slices import SliceKind, SliceRows
from storage.records.results import Finding, Tier

CAUSE = "kept slice"
SURE = 2.0
"""From so many times the threshold on a finding is a step louder."""

ROWS = 20
"""Fewer rows are not judged by their values, only by their number."""

FLOORS = {"share": 0.002, "missing": 0.004, "prediction": 0.05}
"""The smallest departure worth a word: of a share, of a share of missing values, in standard deviations."""

RELATIVE = 0.25
"""A share must change by this much of itself too."""


def run(context: CheckContext) -> list[Finding]:
    """One finding for each slice and statistic that left the slice's own past."""
    found: list[Finding] = []
    skipped, judged = [], 0
    for watched in context.kept_slices:
        if watched.now is None:
            skipped.append(f"kept slice {watched.kept.name!r}: {watched.reason}")
        elif len(watched.past) < MINIMUM_PAST:
            told = f"{len(watched.past)} past batches, {MINIMUM_PAST} are needed"
            skipped.append(f"kept slice {watched.kept.name!r}: {told}")
        else:
            judged += 1
            found += _judge(context, watched, watched.now)
    fine = judged - len({f.slice for f in found})
    told_fine = [passed(CHECK, f"{fine} of {judged} kept slices in order", fine)] if fine else []
    return found + told_fine + [not_checked(CHECK, reason) for reason in skipped]


def tier_of(kind: SliceKind, ratio: float) -> Tier:
    """How loud a departure is: a critical slice is heard a step louder than any other.

    >>> tier_of("user", 1.2), tier_of("user", 3), tier_of("critical", 1.2), tier_of("critical", 3)
    ('digest', 'ticket', 'ticket', 'page')
    """
    if kind == "critical":
        return "page" if ratio >= SURE else "ticket"
    return "ticket" if ratio >= SURE or kind == "scenario" else "digest"


def departures_of(watched: WatchedSlice, context: CheckContext) -> dict[tuple[str, str], Departure]:
    """Statistic and column of a slice against its past; columns are empty for share and prediction."""
    now = watched.now
    past = watched.past[-PAST:]
    if now is None:
        return {}
    days = [day.reading for day in past]
    ignored = {*context.roles.ignore, context.roles.label}
    columns = sorted({c for day in [*days, now] for c in day.missing} - ignored)
    deviation = math.sqrt(float(np.median([d.variance for d in days if d.variance is not None] or [0.0])))
    keys = [("share", ""), *(("missing", c) for c in columns), *([("prediction", "")] if deviation > 0 else [])]
    history = np.array([[_value(day, key, deviation) for key in keys] for day in days])
    today = np.array([_value(now, key, deviation) for key in keys])
    kept = np.isfinite(today) & (np.isfinite(history).sum(axis=0) >= MINIMUM_PAST)
    if not kept.any():
        return {}
    history, today, keys = history[:, kept], today[kept], [k for k, good in zip(keys, kept, strict=True) if good]
    usual = np.nanmedian(history, axis=0)
    floor = np.array(
        [_floor(now, key, float(level), float(value)) for key, level, value in zip(keys, usual, today, strict=True)]
    )
    numbers, season = seasons(context.window_start, [day.window_start for day in past])
    judged = expectations(history, today, floor, numbers, season)
    threshold = family_threshold(judged.past_ratios)
    return {
        key: Departure(
            float(today[i]), float(judged.expected[i]), float(judged.scale[i]), float(judged.ratio[i]) / threshold
        )
        for i, key in enumerate(keys)
    }


def _value(day: SliceRows, key: tuple[str, str], deviation: float) -> float:
    stat, column = key
    if stat == "share":
        return day.share if day.batch_rows else math.nan
    if day.rows < ROWS:
        return math.nan
    if stat == "missing":
        return day.missing.get(column, 0) / day.rows
    return day.mean / deviation if day.mean is not None and day.predictions >= ROWS else math.nan


def _floor(now: SliceRows, key: tuple[str, str], usual: float, value: float) -> float:
    stat, _ = key
    if stat == "share":
        return FLOORS[stat] + RELATIVE * usual + NOISE * share_noise(max(usual, value), now.batch_rows)
    if stat == "missing":
        return FLOORS[stat] + NOISE * share_noise(max(usual, value), now.rows)
    return FLOORS[stat] + NOISE / math.sqrt(max(now.predictions, 1))


def _judge(context: CheckContext, watched: WatchedSlice, now: SliceRows) -> list[Finding]:
    spec = context.spec(CHECK.name, None)
    bound = spec.threshold if spec is not None and spec.threshold else 1.0
    told = {
        key: replace(d, ratio=max(d.ratio / bound, SURE if _silent(now, key, d) else 0.0))
        for key, d in departures_of(watched, context).items()
    }
    loud = {key: d for key, d in told.items() if d.ratio >= 1}
    found = []
    lost = sorted((k for k, d in loud.items() if k[0] == "missing" and d.rise > 0), key=lambda k: -loud[k].ratio)
    for key in [k for k in loud if k[0] != "missing"] + lost[:1]:
        stat, column = key
        departure = loud[key]
        prediction = context.roles.prediction
        accused = (
            [c for _, c in lost] if stat == "missing" else [prediction] if stat == "prediction" and prediction else []
        )
        found.append(
            failed(
                context,
                CHECK,
                _message(watched, now, stat, column, departure),
                cause=CAUSE,
                ratio=departure.ratio,
                column=accused[0] if accused else None,
                columns=tuple(accused),
                part=watched.kept.name,
                value=departure.value,
                threshold=departure.bound,
                tier=tier_of(watched.kept.kind, departure.ratio),
                rows=now.missing.get(column, 0) if stat == "missing" else now.rows,
                rows_sql=f"{watched.sql} AND {sql_name(column)} IS NULL" if stat == "missing" else watched.sql,
                kind=watched.kept.kind,
                where=words(watched.kept.predicates),
            )
        )
    return found


def _silent(now: SliceRows, key: tuple[str, str], share: Departure) -> bool:
    """Whether a slice is gone that should have had rows enough to be judged."""
    return key == ("share", "") and now.rows == 0 and share.expected * now.batch_rows >= ROWS


def _message(watched: WatchedSlice, now: SliceRows, stat: str, column: str, departure: Departure) -> str:
    name = f"{'critical ' if watched.kept.kind == 'critical' else ''}slice {watched.kept.name!r}"
    if stat == "share":
        what = "has no rows" if now.rows == 0 else f"has {percent(departure.value)} of rows"
        return f"{name} {what}, {percent(max(departure.expected, 0.0))} expected"
    if stat == "missing":
        return (
            f"{name}: {percent(departure.value)} of {column!r} missing ({now.missing.get(column, 0):,} of "
            f"{now.rows:,} rows), {percent(max(departure.expected, 0.0))} expected"
        )
    return f"{name}: predictions moved by {departure.rise:+.2f} standard deviations against the slice's own past"


CHECK = Check(
    "kept_slice",
    "soft",
    "ticket",
    "a kept slice and five past batches",
    "who matters most is few: what happens to them hides in the average, and somebody said to watch them",
    run,
    "look at that slice's rows first; then at what changed for them alone",
)
