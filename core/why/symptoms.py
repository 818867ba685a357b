"""Symptoms: signatures over signals, and how well a batch's signals fit them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.why.signals import Signal, Signals

FLOOR = 0.4
"""A fit under which a symptom is not told."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a signature.

    Attributes:
        signal: the signal it is about.
        present: whether the signal must stand out (or must not).
        above, below: bounds on the signal's value, in place of ``present``; None where there is none.
        in_slice: whether the signal must be in one slice (or in none); None where that does not matter.
        weight: how much it counts among the supporting or excluding ones.
    """

    signal: str
    present: bool = True
    above: float | None = None
    below: float | None = None
    in_slice: bool | None = None
    weight: float = 1.0

    def met(self, signals: Signals) -> bool | None:
        """Whether it holds; None when the signal is not known."""
        found = signals.get(self.signal)
        if found is None or not found.known:
            return None
        if self.in_slice is not None and found.present and (found.slice is not None) is not self.in_slice:
            return False
        if self.above is None and self.below is None:
            return found.present is self.present
        if found.value is None:
            return None
        return (self.above is None or found.value > self.above) and (self.below is None or found.value < self.below)

    @property
    def positive(self) -> bool:
        """Whether it asks for something to be there."""
        return self.present and self.below is None


@dataclass(frozen=True, slots=True)
class Cause:
    """What may bring a symptom about: ``layer/category``, how often of all times, and in what words."""

    cause: str
    weight: float
    because: str = ""

    @property
    def layer(self) -> str:
        """The layer."""
        return self.cause.split("/")[0]

    @property
    def category(self) -> str:
        """The category."""
        return self.cause.split("/")[1]


@dataclass(frozen=True, slots=True)
class Symptom:
    """One entry of the library.

    Attributes:
        means: what it says about the world, in a sentence.
        rank: specific symptoms (low) are told before general ones, and explain what follows from them.
        required: all must hold; ``anyof``: one must, where any are given. ``supporting`` and ``excluding`` weigh.
        explains: signals that follow from it and are no symptom of their own then.
        answer: what to do in one line: ``roll back``, ``fix upstream``, ``do nothing``, ``do not roll back`` ...
        suspects: whether changes are looked for (not where nothing is wrong).
        source: the file it is from.
    """

    id: str
    title: str
    means: str
    answer: str
    action: str
    rank: int
    required: tuple[Condition, ...]
    anyof: tuple[Condition, ...]
    supporting: tuple[Condition, ...]
    excluding: tuple[Condition, ...]
    explains: tuple[str, ...]
    causes: tuple[Cause, ...]
    next_test: str
    next_command: str
    first_moves: tuple[str, ...]
    do_not: tuple[str, ...]
    suspects: bool
    source: str


@dataclass(frozen=True, slots=True)
class Match:
    """A symptom that a batch shows.

    Attributes:
        fit: how well, 0 to 1: strength of what is required, times how much of what is known supports it.
        core: the signals it consists of; ``holds``: they and what supports them.
        against: supporting ones that are known and do not hold.
        unknown: signals that could have spoken and can't be told.
    """

    symptom: Symptom
    fit: float
    core: tuple[Signal, ...]
    holds: tuple[Signal, ...]
    against: tuple[Signal, ...]
    unknown: tuple[Signal, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns its signals accuse, most likely first."""
        return tuple(dict.fromkeys(c for s in self.core for c in s.columns))

    @property
    def slices(self) -> tuple[str, ...]:
        """The slices its signals are in."""
        return tuple(dict.fromkeys(s.slice for s in self.core if s.slice))


def matches(library: Sequence[Symptom], signals: Signals) -> tuple[Match, ...]:
    """The symptoms that the signals show, the most specific and best fitting first; consequences are left out.

    A symptom whose every positive signal follows from one that is told already is not a second one.
    """
    fitting = [m for s in library if (m := fit(s, signals)) is not None and m.fit >= FLOOR]
    told: list[Match] = []
    explained: set[str] = set()
    for match in sorted(fitting, key=lambda m: (m.symptom.rank, -m.fit, m.symptom.id)):
        own = {c.signal for c in (*match.symptom.required, *match.symptom.anyof) if c.positive and c.met(signals)}
        if own and own <= explained:
            continue
        told.append(match)
        explained |= own | follows(match)
    return tuple(told)


def follows(match: Match) -> set[str]:
    """The signals that a symptom explains; what brings a metric down brings it down for as long as it lasts."""
    found = set(match.symptom.explains)
    return found | {"metric_slid"} if "metric_worse" in found else found


def fit(symptom: Symptom, signals: Signals) -> Match | None:
    """How well the signals fit; None when what is required does not hold or is not known."""
    # What must stand out has to be known; what must not is only ruled out by being seen.
    if any(c.met(signals) is False or (c.positive and not c.met(signals)) for c in symptom.required):
        return None
    if symptom.anyof and not any(c.met(signals) for c in symptom.anyof):
        return None
    if any(c.met(signals) and c.weight >= 1 for c in symptom.excluding):
        return None
    core = [c for c in (*symptom.required, *symptom.anyof) if c.positive and c.met(signals)]
    strengths = [signals[c.signal].strength for c in core if c.above is None] or [1.0]
    sure = 1 - math.exp(-1.2 * max(1.0, min(strengths)))
    known = [c for c in symptom.supporting if c.met(signals) is not None]
    support = sum(c.weight for c in known if c.met(signals))
    whole = sum(c.weight for c in known)
    against = sum(c.weight for c in symptom.excluding if c.met(signals))
    value = sure * (0.7 + 0.3 * (support / whole if whole else 0.5)) * (1 - min(against, 0.9))
    made_of = _once(signals[c.signal] for c in core)
    holds = list(made_of)
    holds += [signals[c.signal] for c in (*symptom.required, *symptom.supporting) if c.met(signals) and c not in core]
    return Match(
        symptom,
        round(value, 4),
        made_of,
        _once(holds),
        _once(signals[c.signal] for c in known if not c.met(signals)),
        _once(signals[c.signal] for c in symptom.supporting if c.signal in signals and c.met(signals) is None),
    )


def _once(found: Iterable[Signal]) -> tuple[Signal, ...]:
    return tuple({s.name: s for s in found}.values())
