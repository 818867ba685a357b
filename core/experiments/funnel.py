"""How experiments go: how far, how long, what went into those that were killed. No failure rate: killing is fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from core.experiments.lives import PLACES, Life

ORDER: tuple[str, ...] = ("registered", *PLACES)


@dataclass(frozen=True, slots=True)
class FunnelLine:
    """Experiments whose farthest place this is.

    Attributes:
        here: how many; ``reached`` is how many got here or farther.
        running, launched, ended: of those here, by state; the rest is held or registered.
        worked: time that they ran in all; ``hours`` of people, as booked.
        wasted: time in this place that was spent on experiments killed or dropped since, wherever they ended.
    """

    place: str
    here: int
    reached: int
    running: int
    launched: int
    ended: int
    worked: timedelta
    hours: float
    wasted: timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: medians, with how many experiments each rests on; None over none.

    Attributes:
        to_first: from the registration to the first result; ``to_stage`` to the first one of the farthest stage
            (of those that got behind the test stage); ``to_kill`` to the kill.
        target, in_time: the target for a kill, and how many of the killed ones met it.
    """

    to_first: timedelta | None
    to_first_of: int
    to_stage: timedelta | None
    to_stage_of: int
    to_kill: timedelta | None
    to_kill_of: int
    target: timedelta | None
    in_time: int | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """All of them together."""

    experiments: int
    lines: tuple[FunnelLine, ...]
    pace: Pace


def funnel(every: Sequence[Life], *, target: timedelta | None = None) -> Funnel:
    """The funnel of some experiments; the counts of ``here`` sum up to their number."""
    places = [ORDER.index(one.place) for one in every]
    lines = []
    for number, place in enumerate(ORDER):
        here = [one for one, where in zip(every, places, strict=True) if where == number]
        states = [one.experiment.state for one in here]
        lines.append(
            FunnelLine(
                place=place,
                here=len(here),
                reached=sum(where >= number for where in places),
                running=states.count("running"),
                launched=states.count("launched"),
                ended=states.count("killed") + states.count("dropped"),
                worked=sum((one.worked for one in here), timedelta(0)),
                hours=sum(one.hours for one in here),
                wasted=sum((one.spent.get(place, timedelta(0)) for one in every if _over(one)), timedelta(0)),
            )
        )
    return Funnel(len(every), tuple(lines), _pace(every, target))


def _pace(every: Sequence[Life], target: timedelta | None) -> Pace:
    first = [one.to_first for one in every if one.to_first is not None]
    last = [one.to_stage for one in every if one.to_stage is not None and one.stage != "test"]
    kills = [one.to_kill for one in every if one.to_kill is not None]
    return Pace(
        to_first=_median(first),
        to_first_of=len(first),
        to_stage=_median(last),
        to_stage_of=len(last),
        to_kill=_median(kills),
        to_kill_of=len(kills),
        target=target,
        in_time=None if target is None else sum(one <= target for one in kills),
    )


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(one.total_seconds() for one in spans)) if spans else None


def _over(one: Life) -> bool:
    return one.experiment.state in ("killed", "dropped")
