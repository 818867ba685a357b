"""Candidates on simulated traffic, taken through the stages by any gate: for the benchmark and its quick form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.rollouts.policy import Path
from core.stats.gates.budget import share
from storage.records.looks import TRAFFIC, Binary, Look, Split
from storage.records.rollouts import GuardrailRule, Outcome, StageRule

SHARES, MARGINS = (0.01, 0.10, 0.50), (2.0, 1.30, 1.15)
PER_MINUTE, BASE, SWING, DAY = 2_000, 0.02, 0.5, 1_440
START, MINUTE = datetime(2026, 3, 2, tzinfo=UTC), timedelta(minutes=1)
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Traffic:
    """A day of it: by stage and minute, units and errors of both arms, and the candidate's expected extra errors."""

    canary: Counts
    canary_errors: Counts
    control_errors: Counts
    extra: NDArray[np.float64]

    def looks(self, stage: int, minute: int) -> tuple[Look, Look]:
        """What a minute brings while the candidate is in a stage: errors, and the traffic split."""
        n, start = int(self.canary[stage, minute]), START + minute * MINUTE
        errors = Binary(
            n, int(self.canary_errors[stage, minute]), PER_MINUTE - n, int(self.control_errors[stage, minute])
        )
        split = Split(n, PER_MINUTE - n, SHARES[stage])
        about = {"id": 0, "rollout_id": 1, "stage": str(stage), "baseline": "v1", "batches": (minute,)}
        at = {"window_start": start, "window_end": start + MINUTE, "counted_at": start + MINUTE}
        seen = {"rows": n, "labelled": n}
        return Look(guardrail="error", sums=errors, **about, **at, **seen), Look(  # type: ignore[arg-type]
            guardrail=TRAFFIC,
            sums=split,
            **about,
            **at,
            **seen,  # type: ignore[arg-type]
        )


def traffic(ratio: float, seed: int) -> Traffic:
    """A day of traffic with a candidate whose odds of an error are ``ratio`` times the baseline's."""
    rng = np.random.default_rng([seed, round(ratio * 100)])
    clock = 2 * math.pi * (np.arange(DAY) / DAY + rng.random())
    base = BASE * (1 + SWING * np.sin(clock))
    worse = ratio * base / (1 - base + ratio * base)
    canary = rng.binomial(PER_MINUTE, np.array(SHARES)[:, None], (len(SHARES), DAY))
    return Traffic(
        canary, rng.binomial(canary, worse), rng.binomial(PER_MINUTE - canary, base), canary * (worse - base)
    )


class Gate(Protocol):
    """What every gate of a stage can do."""

    @property
    def outcome(self) -> Outcome:
        """What it says so far."""

    def add(self, looks: Sequence[Look]) -> None:
        """Take in what one minute brought."""


def ours(stage: int) -> Gate:
    """The program's own gate of a stage."""
    rule = GuardrailRule(name="error", signal="error", harm="up", method="odds", margin=MARGINS[stage])
    return Path(
        StageRule(
            stage=str(stage),
            kind="canary",
            traffic=SHARES[stage],
            guardrails=(rule,),
            minimum_hours=10 / 60,
            alpha_harm=share(0.01, stages=len(SHARES)),
            alpha_promote=0.05,
        )
    )


@dataclass(frozen=True)
class Run:
    """How one rollout went: its outcome, the stage and the minute it ended in, and what it cost."""

    outcome: Outcome
    stage: int
    minutes: int
    extra: float


def run(gate: Callable[[int], Gate], day: Traffic) -> Run:
    """Take one candidate through the stages."""
    stage, minute, extra = 0, 0, 0.0
    judging = gate(stage)
    while minute < DAY:
        judging.add(day.looks(stage, minute))
        extra += float(day.extra[stage, minute])
        minute += 1
        if judging.outcome == "roll back" or (judging.outcome == "promote" and stage == len(SHARES) - 1):
            return Run(judging.outcome, stage, minute, extra)
        if judging.outcome == "promote":
            stage += 1
            judging = gate(stage)
    return Run("hold", stage, minute, extra)
