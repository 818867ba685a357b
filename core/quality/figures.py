"""Volume, precision and recall of alerts, altogether, per check and per cause.

An alert is right when a person acted on it, found it useful, or found it right and too late; wrong when it was noise or
a duplicate. Without such a word the incident it is linked to speaks: right, unless it turned out a false alarm; of one
group's alerts in one incident one is counted. What nobody judged counts in no precision: it is told apart.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.quality.budget import Budget, budgets
from core.quality.shares import Share, share
from core.response_times import quantile
from storage.records.alert_quality import AlertCount
from storage.records.missed import IncidentTold, Missed
from storage.records.models import Model
from storage.records.results import TIERS
from storage.tables import alert_quality, missed, models

WEEK = timedelta(days=7)
WEEKS = 12
"""How far back the pane and the command look unless told otherwise."""

NO_PROBLEM = "unknown, no incident and no miss is known"

Scope = Literal["all", "check", "cause"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What alerts of one check, one cause or all of them were worth.

    Attributes:
        name: of the check or cause; empty for all.
        alerts: how many were raised, one a batch and cause; ``calls`` are those that began a group or made it louder.
        tiers: calls per week and tier, loudest first.
        verdicts: how many of each a person gave.
        precision: of those judged, by a verdict or an incident.
        recall: incidents and marked misses of which it told; of one check or cause: the share of all of them that it
            told of, which no single one is meant to reach.
        unanswered: calls older than a day to which nobody gave any answer: no verdict, acknowledgement, snooze or link.
        months: right and wrong ones by month, in order of time.
    """

    scope: Scope
    name: str
    alerts: int
    calls: int
    per_week: float
    tiers: Mapping[str, float]
    verdicts: Mapping[str, int]
    precision: Share
    recall: Share
    unanswered: Share
    months: tuple[tuple[str, int, int], ...]

    @property
    def trend(self) -> tuple[float | None, ...]:
        """Precision by month, None where fewer than three were judged."""
        return tuple(right / (right + wrong) if right + wrong >= 3 else None for _, right, wrong in self.months)


@dataclass(frozen=True, slots=True)
class Quality:
    """Alerts of a span of time by their worth.

    Attributes:
        model: None for all models together.
        weeks: length of the record in it; a record that began later than ``since`` is no longer than it is.
        recorded: whether there is a record at all: a model without a batch has none.
        checks, causes: the ones that called most first.
        incidents: all, with an alert linked, with one near that nobody linked, and missed.
        missed: every known miss.
        delays: from the onset of an incident to its first alert: median and how many have both moments.
        budgets: pages a week against what the model file agreed to, one a model.
    """

    model: str | None
    since: datetime
    until: datetime
    weeks: float
    recorded: bool
    overall: Figures
    checks: tuple[Figures, ...]
    causes: tuple[Figures, ...]
    incidents: tuple[int, int, int, int]
    missed: tuple[Missed, ...]
    delay: timedelta | None
    delays: int
    budgets: tuple[Budget, ...]


def quality(db: sqlite3.Connection, model: Model | None, *, since: datetime, now: datetime) -> Quality:
    """What the alerts of a model, or of all, were worth from ``since`` until ``now``."""
    model_id = None if model is None else model.id
    first = alert_quality.first_moment(db, model_id)
    start = max(since, first) if first is not None and first < now else since
    weeks = max((now - start) / WEEK, 1 / 7)
    until = now + timedelta(microseconds=1)
    counted = alert_quality.counts(db, model_id, since=since, until=until, now=now)
    told = missed.incidents_told(db, model_id, since, until)
    misses = missed.known(db, model_id, since, until)
    loose = sum(one.incident is None for one in misses)  # failures that nobody opened an incident for
    seen = alert_quality.ids([one.id for one in told if not one.marked])
    total = len(told) + loose

    def figures(scope: Scope, name: str, counts: Iterable[AlertCount], caught: int) -> Figures:
        return _figures(scope, name, list(counts), weeks, share(caught, total, "incidents and misses", NO_PROBLEM))

    def split(scope: Scope, by: Mapping[str, list[AlertCount]], caught: Mapping[str, int]) -> tuple[Figures, ...]:
        found = [figures(scope, name, counts, caught.get(name, 0)) for name, counts in by.items()]
        return tuple(sorted(found, key=lambda f: (-f.calls, -f.alerts, f.name)))

    by_check: dict[str, list[AlertCount]] = defaultdict(list)
    by_cause: dict[str, list[AlertCount]] = defaultdict(list)
    for one in counted:
        by_cause[one.cause].append(one)
        for check in one.checks:
            by_check[check].append(one)
    waits = _delays(told)
    return Quality(
        model=None if model is None else model.name,
        since=start,
        until=now,
        weeks=weeks,
        recorded=first is not None,
        overall=figures("all", "", counted, sum(not one.missed for one in told)),
        checks=split("check", by_check, missed.incidents_by_check(db, seen)),
        causes=split("cause", by_cause, missed.incidents_by_cause(db, seen)),
        incidents=(
            len(told),
            sum(one.linked > 0 and not one.missed for one in told),
            sum(not one.linked and not one.missed for one in told),
            sum(one.missed for one in told),
        ),
        missed=tuple(misses),
        delay=quantile(waits, 0.5),
        delays=len(waits),
        budgets=budgets(db, [model] if model else models.list_all(db), now=now),
    )


def precision_of(db: sqlite3.Connection, model_id: int, check: str, *, now: datetime) -> Share:
    """The precision of a check over the last :data:`WEEKS` weeks, as the quality pane shows it."""
    right, wrong = alert_quality.of_check(
        db, model_id, check, since=now - WEEKS * WEEK, until=now + timedelta(microseconds=1)
    )
    return share(right, right + wrong, "judged")


def _figures(scope: Scope, name: str, counts: Sequence[AlertCount], weeks: float, recall: Share) -> Figures:
    calls = [one for one in counts if one.called]
    ripe = [one for one in calls if one.ripe]
    verdicts: Counter[str] = Counter()
    months: dict[str, list[int]] = {}
    for one in counts:
        if one.verdict is not None:
            verdicts[one.verdict] += one.alerts
        if one.outcome in ("right", "wrong"):
            months.setdefault(one.month, [0, 0])[one.outcome == "wrong"] += one.alerts
    right, wrong = (sum(pair[place] for pair in months.values()) for place in (0, 1))
    return Figures(
        scope=scope,
        name=name,
        alerts=_sum(counts),
        calls=_sum(calls),
        per_week=_sum(calls) / weeks,
        tiers={tier: _sum(one for one in calls if one.tier == tier) / weeks for tier in TIERS[:3]},
        verdicts=dict(verdicts),
        precision=share(right, right + wrong, "judged"),
        recall=recall,
        unanswered=share(_sum(one for one in ripe if one.silent), _sum(ripe), "calls older than a day"),
        months=tuple((month, *pair) for month, pair in sorted(months.items())),  # type: ignore[misc]
    )


def _sum(counts: Iterable[AlertCount]) -> int:
    return sum(one.alerts for one in counts)


def _delays(told: Sequence[IncidentTold]) -> list[timedelta]:
    """From onset to first alert, of the incidents that have both; an alert before the onset was there in no time."""
    return [
        max(timedelta(0), one.first_alert - one.onset)
        for one in told
        if one.first_alert is not None and one.onset is not None
    ]
