"""Error budgets and burn rates over a series of windows: page only when the budget burns, never on one blip.

After "The Site Reliability Workbook" (Beyer et al. 2018, chapter 5, multiwindow multi-burn-rate alerts), scaled to
models, whose metrics come once a batch and not once a second: the windows are the book's or a number of batches,
whichever is longer, and an alarm needs two missed batches, since with one batch a day a single blip would already
burn the budget of a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

Level = Literal["none", "ticket", "page"]
_RANK: dict[Level, int] = {"none": 0, "ticket": 1, "page": 2}

LEAST_MISSES = 2
"""An alarm rests on at least so many missed batches within its long window."""


@dataclass(frozen=True, slots=True)
class Point:
    """One mature window: when it began, whether it met the objective, and the labels it rests on (its weight)."""

    at: datetime
    met: bool
    n: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A burn rate that must be exceeded over a long and a short window at once.

    Attributes:
        long_batches, short_batches: the least length of the two windows, in batches.
    """

    level: Level
    burn: float
    long: timedelta
    short: timedelta
    long_batches: int
    short_batches: int


RULES: tuple[Rule, ...] = (
    Rule("page", 14.4, timedelta(hours=1), timedelta(minutes=5), 4, 2),
    Rule("ticket", 1.0, timedelta(days=3), timedelta(hours=6), 12, 4),
)
"""Loudest first: the book's fast burn (2 % of a 30-day budget in an hour) and its slow burn."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Where a budget stands.

    Attributes:
        budget_left: share of the window's budget not yet spent; negative when overspent.
        fast, slow: burn rates over the long windows of the page and of the ticket rule; 1.0 spends exactly the budget.
        missed, windows: how many windows of the objective's own window missed it, and how many there were.
    """

    level: Level
    budget_left: float
    fast: float
    slow: float
    missed: int
    windows: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """A moment at which the level rose."""

    at: datetime
    level: Level


def cadence(points: Sequence[Point]) -> timedelta:
    """The median distance between windows; zero under two of them.

    >>> day = datetime(2026, 11, 1)
    >>> cadence([Point(day + timedelta(days=i), True) for i in (0, 1, 2, 9)])
    datetime.timedelta(days=1)
    """
    gaps = sorted(b.at - a.at for a, b in pairwise(points))
    return gaps[len(gaps) // 2] if gaps else timedelta(0)


def burn_rate(points: Sequence[Point], budget: float) -> float:
    """Share of labels in missed windows over the share allowed; 0.0 without points.

    >>> day = datetime(2026, 11, 1)
    >>> burn_rate([Point(day, False), Point(day, True), Point(day, True), Point(day, True)], budget=0.05)
    5.0
    """
    total = sum(p.n for p in points)
    return sum(p.n for p in points if not p.met) / total / budget if total else 0.0


def burn(
    points: Sequence[Point], now: datetime, *, budget: float, window: timedelta, every: timedelta | None = None
) -> Burn:
    """Where the budget stands at ``now``.

    Args:
        points: mature windows in order of time; later ones than ``now`` are ignored.
        budget: share of windows that may miss, in (0, 1).
        window: over which the budget holds.
        every: distance between windows; their median distance when None.
    """
    past = [p for p in points if p.at <= now]
    step = every or cadence(past)
    held = [p for p in past if p.at > now - window]
    rates = {rule.level: _over(past, rule, step, budget) for rule in RULES}
    level: Level = next((rule.level for rule in RULES if _fires(past, rule, step, budget)), "none")
    return Burn(
        level=level,
        budget_left=1.0 - burn_rate(held, budget),
        fast=rates["page"],
        slow=rates["ticket"],
        missed=sum(not p.met for p in held),
        windows=len(held),
    )


def alarms(points: Sequence[Point], *, budget: float, window: timedelta) -> tuple[Alarm, ...]:
    """Every rise of the level as the series came in: a sustained miss rises once, until the level has been none."""
    step = cadence(points)
    raised: list[Alarm] = []
    highest: Level = "none"
    for i, point in enumerate(points):
        level = burn(points[: i + 1], point.at, budget=budget, window=window, every=step).level
        if _RANK[level] > _RANK[highest]:
            raised.append(Alarm(point.at, level))
            highest = level
        elif level == "none":
            highest = "none"
    return tuple(raised)


def threshold(rule: Rule, budget: float) -> float:
    """The burn rate that fires a rule: its own, or half of the highest that this budget allows when that is less.

    >>> threshold(RULES[0], 0.01), threshold(RULES[0], 0.2)
    (14.4, 2.5)
    """
    return min(rule.burn, 0.5 / budget)


def _window(points: Sequence[Point], length: timedelta, least: int, step: timedelta) -> list[Point]:
    if not points:
        return []
    since = points[-1].at - max(length, least * step)
    return [p for p in points if p.at > since]


def _over(points: Sequence[Point], rule: Rule, step: timedelta, budget: float) -> float:
    return burn_rate(_window(points, rule.long, rule.long_batches, step), budget)


def _fires(points: Sequence[Point], rule: Rule, step: timedelta, budget: float) -> bool:
    long = _window(points, rule.long, rule.long_batches, step)
    short = _window(points, rule.short, rule.short_batches, step)
    bound = threshold(rule, budget)
    burning = burn_rate(long, budget) >= bound and burn_rate(short, budget) >= bound
    return burning and sum(not p.met for p in long) >= LEAST_MISSES
