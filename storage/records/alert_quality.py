"""Alerts counted by what people said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from storage.records.alerts import Verdict
from storage.records.results import Tier

Outcome = Literal["right", "wrong", "repeat"]
"""``repeat``: part of an incident that another alert of its group stands for already."""


@dataclass(frozen=True, slots=True)
class AlertCount:
    """How many alerts share all of this.

    Attributes:
        checks: those with a finding in it; none where the program itself raised it.
        month: as ``2026-11``, of the window that the alert is about.
        verdict: what a person said of it last, None for nothing.
        outcome: right or wrong by verdict, else by the incident it is linked to; None where nobody knows.
        called: it began a group or made it louder, so that it called for a person; a continued one did not.
        ripe: it called long enough ago to have been answered; ``silent`` if nobody answered its group since.
    """

    cause: str
    checks: tuple[str, ...]
    tier: Tier
    month: str
    verdict: Verdict | None
    outcome: Outcome | None
    called: bool
    ripe: bool
    silent: bool
    alerts: int


@dataclass(frozen=True, slots=True)
class ScoreCount:
    """How many things have about this score.

    Attributes:
        score: rounded to two digits.
        kind: ``right``, ``wrong``, ``unknown`` for alerts; ``problem`` for what was right, alerts of one incident once
            with the largest score; ``quiet`` for batches with findings that were too quiet to raise an alert.
    """

    score: float
    kind: Literal["right", "wrong", "unknown", "problem", "quiet"]
    count: int


@dataclass(frozen=True, slots=True)
class JudgedAlert:
    """One alert that somebody judged."""

    id: int
    model: str
    title: str
    tier: Tier
    score: float
    verdict: Verdict
    by: str
    at: str
