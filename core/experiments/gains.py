"""Which ideas pay: win rates and gains by kind, by who had the idea, by guided or not, with the hours beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.experiments.lives import OVER, Life
from core.stats.intervals import wilson

By = Literal["kind", "driven", "source", "guided", "person"]

DRIVEN: Mapping[str, str] = {
    "data": "data",
    "features": "data",
    "model": "model",
    "parameters": "model",
    "rule": "neither",
    "other": "neither",
}
"""Whether a kind changes the data, the model, or what surrounds it."""


@dataclass(frozen=True, slots=True)
class GainLine:
    """Experiments with something in common.

    Attributes:
        registered: how many; ``decided`` of them are launched, killed or dropped, ``won`` are launched.
        rate, low, high: won of decided with Wilson's interval; None over none.
        measured: how many have a result in their registered metric.
        mean_gain: their newest gain of the farthest stage in least worthwhile gains (1 is just worth it).
        total: gains of the launched ones by model and metric, in its own unit.
        hours: booked; ``days`` is the time that they ran.
        gain_per_hour: least worthwhile gains an hour, of those that have both a result and hours; None over none.
    """

    name: str
    registered: int
    decided: int
    won: int
    rate: float | None
    low: float | None
    high: float | None
    measured: int
    mean_gain: float | None
    total: Mapping[str, float]
    hours: float
    days: float
    gain_per_hour: float | None


@dataclass(frozen=True, slots=True)
class Node:
    """An experiment in the tree of what builds on what; ``depth`` 0 has no parent."""

    life: Life
    depth: int


_NAMES: Mapping[By, Callable[[Life], str]] = {
    "kind": lambda one: one.experiment.registration.kind,
    "driven": lambda one: DRIVEN[one.experiment.registration.kind],
    "source": lambda one: one.experiment.registration.idea_from or "nobody said",
    "guided": lambda one: "guided" if one.experiment.registration.parent_id is not None else "from scratch",
    "person": lambda one: one.experiment.by,
}


def gains(every: Sequence[Life], by: By) -> tuple[GainLine, ...]:
    """One line a group, the most registered first; the counts sum up to the number of experiments."""
    groups: defaultdict[str, list[Life]] = defaultdict(list)
    for one in every:
        groups[_NAMES[by](one)].append(one)
    found = [line(name, members) for name, members in groups.items()]
    return tuple(sorted(found, key=lambda x: (-x.registered, x.name)))


def line(name: str, members: Sequence[Life]) -> GainLine:
    """The line of a group."""
    decided = sum(one.experiment.state in OVER for one in members)
    won = [one for one in members if one.experiment.state == "launched"]
    low, high = wilson(len(won), decided)
    told = [gain for one in members if (gain := _gain(one)) is not None]
    booked = [(gain, one.hours) for one in members if one.hours > 0 and (gain := _gain(one)) is not None]
    total: defaultdict[str, float] = defaultdict(float)
    for one in won:
        if one.latest is not None:
            total[f"{one.experiment.model} {one.latest.metric}"] += one.latest.gain
    return GainLine(
        name=name,
        registered=len(members),
        decided=decided,
        won=len(won),
        rate=len(won) / decided if decided else None,
        low=low if decided else None,
        high=high if decided else None,
        measured=len(told),
        mean_gain=sum(told) / len(told) if told else None,
        total=dict(total),
        hours=sum(one.hours for one in members),
        days=sum(one.worked.total_seconds() for one in members) / 86_400,
        gain_per_hour=sum(gain for gain, _ in booked) / sum(hours for _, hours in booked) if booked else None,
    )


def _gain(one: Life) -> float | None:
    """The newest gain of the farthest stage in least worthwhile gains."""
    return None if one.latest is None else one.latest.gain / one.experiment.registration.minimum_gain


def tree(every: Sequence[Life]) -> tuple[Node, ...]:
    """Every experiment once, each right behind what it builds on."""
    known = {one.experiment.id for one in every}
    children: defaultdict[int | None, list[Life]] = defaultdict(list)
    for one in every:
        parent = one.experiment.registration.parent_id
        children[parent if parent in known else None].append(one)
    found: list[Node] = []
    # A parent is registered before its children, so there is no circle; the stack keeps deep lines from recursing.
    stack = [Node(one, 0) for one in reversed(children[None])]
    while stack:
        node = stack.pop()
        found.append(node)
        stack += [Node(one, node.depth + 1) for one in reversed(children[node.life.experiment.id])]
    return tuple(found)
