"""How fast people answer: medians and ninetieth percentiles, never means: one long night would be all they show."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.incidents.ledger import Times, times
from storage.records.incidents import IncidentFilter
from storage.tables import incident_facts, incidents


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """One of the four response times.

    Attributes:
        name: ``MTTD`` onset to detected, ``MTTA`` detected to acknowledged, ``MTTM`` to mitigated, ``MTTR`` to
            resolved.
        n: incidents that have both moments; median and p90 rest on them.
        censored: incidents still waiting for the second moment: their time is at least their age.
        unknown: incidents whose first moment nobody knows, or whose moments are in the wrong order.
        longest_open: the greatest age among the censored, None when there are none.
    """

    name: str
    n: int
    median: timedelta | None
    p90: timedelta | None
    censored: int
    unknown: int
    longest_open: timedelta | None


_SPANS = (
    ("MTTD", "onset", "detected"),
    ("MTTA", "detected", "acknowledged"),
    ("MTTM", "detected", "mitigated"),
    ("MTTR", "detected", "resolved"),
)


def response_times(moments: Iterable[Times], now: datetime) -> tuple[ResponseTime, ...]:
    """The four response times over incidents' moments, in the order MTTD, MTTA, MTTM, MTTR."""
    all_moments = list(moments)
    return tuple(_one(name, [(getattr(t, a), getattr(t, b)) for t in all_moments], now) for name, a, b in _SPANS)


def quantile(values: Sequence[timedelta], q: float) -> timedelta | None:
    """The ``q``-quantile (0 to 1) by linear interpolation between order statistics; None of nothing.

    >>> quantile([timedelta(minutes=m) for m in (10, 20, 40)], 0.5)
    datetime.timedelta(seconds=1200)
    >>> quantile([timedelta(minutes=10), timedelta(minutes=20)], 0.9)
    datetime.timedelta(seconds=1140)
    """
    if not values:
        return None
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def measured(db: sqlite3.Connection, *, now: datetime, model_id: int | None = None) -> tuple[ResponseTime, ...]:
    """The response times of the store's incidents, of one model or all; false alarms and duplicates are left out."""
    found = []
    where = IncidentFilter(model_id=model_id, states=("triage", "open", "mitigated", "resolved", "reviewed"))
    for incident in incidents.list_page(db, now=now, limit=-1, sort="key", where=where):
        alerts = incident_facts.linked_alerts(db, incident.id)
        seen = incident_facts.first_acknowledged(db, [a.id for a in alerts])
        found.append(times(incident, incidents.events(db, incident.id), alerts, seen))
    return response_times(found, now)


def _one(name: str, spans: list[tuple[datetime | None, datetime | None]], now: datetime) -> ResponseTime:
    whole = [end - start for start, end in spans if start is not None and end is not None and end >= start]
    waiting = [now - start for start, end in spans if start is not None and end is None]
    return ResponseTime(
        name=name,
        n=len(whole),
        median=quantile(whole, 0.5),
        p90=quantile(whole, 0.9),
        censored=len(waiting),
        unknown=len(spans) - len(whole) - len(waiting),
        longest_open=max(waiting, default=None),
    )
