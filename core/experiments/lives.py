"""What an experiment's rows come to: how far it got, when, and where the time went. Recomputed from facts each time."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from storage.records.experiments import (
    STAGE_KINDS,
    Experiment,
    ExperimentEvent,
    ExperimentResult,
)
from storage.records.models import StageKind
from storage.tables import experiments

BUILD = "build"
"""Where the time before the first result goes."""

PLACES: tuple[str, ...] = (BUILD, *STAGE_KINDS)
ENDS = ("hold", "kill", "drop", "launch")
OVER = ("killed", "dropped", "launched")
"""States in which it is decided whether an experiment was worth it, for now."""


@dataclass(frozen=True, slots=True)
class Life:
    """One experiment with what its rows say.

    Attributes:
        stage: the kind of the farthest stage that any result is of; None without a result.
        offline, latest: the newest result in the registered metric of the test stage, and of the farthest stage.
        first_result_at, stage_at: when the first result of all, and the first one of the farthest stage, were measured.
        started_at, launched_at, ended_at: first start, first launch, the kill or drop that holds; None while not so.
        worked: time it ran, from each start to the next hold, kill, drop or launch, or to now.
        spent: ``worked`` by place: ``build`` before the first result, then the farthest stage reached at that time.
        hours: of people, as booked.
    """

    experiment: Experiment
    results: tuple[ExperimentResult, ...]
    events: tuple[ExperimentEvent, ...]
    stage: StageKind | None
    offline: ExperimentResult | None
    latest: ExperimentResult | None
    first_result_at: datetime | None
    stage_at: datetime | None
    started_at: datetime | None
    launched_at: datetime | None
    ended_at: datetime | None
    worked: timedelta
    spent: Mapping[str, timedelta]
    hours: float

    @property
    def place(self) -> str:
        """Where it stands in the funnel: the farthest stage, ``build`` once started, else ``registered``."""
        return self.stage or (BUILD if self.started_at else "registered")

    @property
    def to_first(self) -> timedelta | None:
        """From the registration to the first result."""
        return None if self.first_result_at is None else self.first_result_at - self.experiment.at

    @property
    def to_stage(self) -> timedelta | None:
        """From the registration to the first result of the farthest stage."""
        return None if self.stage_at is None else self.stage_at - self.experiment.at

    @property
    def to_kill(self) -> timedelta | None:
        """From the registration to the kill; None unless it is killed."""
        return self.ended_at - self.experiment.at if self.ended_at and self.experiment.state == "killed" else None


def lives(db: sqlite3.Connection, model_id: int | None = None, *, now: datetime) -> list[Life]:
    """Every experiment of a model, or of all, in the order registered."""
    results: defaultdict[int, list[ExperimentResult]] = defaultdict(list)
    events: defaultdict[int, list[ExperimentEvent]] = defaultdict(list)
    for result in experiments.results(db):
        results[result.experiment_id].append(result)
    for event in experiments.events(db):
        events[event.experiment_id].append(event)
    return [life(one, results[one.id], events[one.id], now=now) for one in experiments.listing(db, model_id)]


def life_of(db: sqlite3.Connection, experiment_id: int, *, now: datetime) -> Life:
    """One experiment.

    Raises:
        UsageError: there is none.
    """
    found = experiments.get(db, experiment_id)
    return life(found, experiments.results(db, found.id), experiments.events(db, found.id), now=now)


def life(
    found: Experiment, results: Sequence[ExperimentResult], events: Sequence[ExperimentEvent], *, now: datetime
) -> Life:
    """What the rows of one experiment come to."""
    reached = reached_at(results)
    stage = max(reached, key=STAGE_KINDS.index, default=None)
    own = [one for one in results if one.metric == found.registration.metric]
    spent: defaultdict[str, timedelta] = defaultdict(timedelta)
    for begin, end in runs(events, now):
        for place, length in split(begin, end, reached):
            spent[place] += length
    over = [event for event in events if event.kind in ("kill", "drop")]
    ended = found.state in ("killed", "dropped")
    return Life(
        experiment=found,
        results=tuple(results),
        events=tuple(events),
        stage=stage,
        offline=_newest(own, "test"),
        latest=next((one for kind in reversed(STAGE_KINDS) if (one := _newest(own, kind))), None),
        first_result_at=min(reached.values(), default=None),
        stage_at=reached[stage] if stage else None,
        started_at=next((event.at for event in events if event.kind == "start"), None),
        launched_at=next((event.at for event in events if event.kind == "launch"), None),
        ended_at=over[-1].at if ended and over else None,
        worked=sum(spent.values(), timedelta(0)),
        spent=dict(spent),
        hours=sum(event.hours or 0.0 for event in events),
    )


def reached_at(results: Iterable[ExperimentResult]) -> dict[StageKind, datetime]:
    """When each kind of stage had its first result, whatever the metric."""
    found: dict[StageKind, datetime] = {}
    for one in results:
        found[one.kind] = min(found.get(one.kind, one.at), one.at)
    return found


def runs(events: Sequence[ExperimentEvent], now: datetime) -> list[tuple[datetime, datetime]]:
    """The spans of time in which an experiment ran."""
    found, begun = [], None
    for event in events:
        if event.kind == "start":
            begun = event.at
        elif event.kind in ENDS and begun is not None:
            found.append((begun, event.at))
            begun = None
    return [*found, (begun, now)] if begun is not None else found


def split(begin: datetime, end: datetime, reached: Mapping[StageKind, datetime]) -> list[tuple[str, timedelta]]:
    """A span of time by the farthest stage that was reached; the parts sum up to the whole.

    >>> from datetime import UTC
    >>> day = [datetime(2026, 11, n, tzinfo=UTC) for n in range(1, 8)]
    >>> [(place, span.days) for place, span in split(day[0], day[6], {"test": day[2], "canary": day[5]})]
    [('build', 2), ('test', 3), ('canary', 1)]
    """
    cuts = sorted({begin, end, *(moment for moment in reached.values() if begin < moment < end)})
    found = []
    for start, stop in pairwise(cuts):
        there = [kind for kind, moment in reached.items() if moment <= start]
        found.append((max(there, key=STAGE_KINDS.index) if there else BUILD, stop - start))
    return found


def _newest(results: Iterable[ExperimentResult], kind: StageKind) -> ExperimentResult | None:
    return max((one for one in results if one.kind == kind), key=lambda one: (one.at, one.id), default=None)
