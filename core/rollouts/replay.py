"""A past rollout under another rule: what its gates would have said to the very same looks, when, and at what price.

Looks are raw counts, so any margin, chance of error, minimum or method that reads the same sums can be tried on them,
and gates by thresholds too (:mod:`core.rollouts.thresholds`). A replay knows only what was looked at: had the other
rule kept a candidate longer in a stage than it was there, nothing is known of the rest, and the stage ends in "hold".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from core.rollouts.evidence import order
from core.rollouts.policy import Path
from core.rollouts.thresholds import ThresholdPath, Thresholds
from storage.records.looks import Binary, Look, PairedBinary, Sums
from storage.records.rollouts import Outcome, Reason, Rollout, RolloutRule


@dataclass(frozen=True, slots=True)
class ReplayedStage:
    """What one stage's gate would have said.

    Attributes:
        outcome, at: the first roll back or promotion, and its moment in the time of the data; "hold", and the last
            moment there was, when neither came; None without any look.
        looks: how many it would have rested on; ``of`` all that were made in this stage.
        extra_events: events of the candidate's arm until then beyond those of as many units of the control, in the
            first guardrail that counts events; None where none does.
        reached: whether the stages before it would have let the candidate come here.
        reasons: why, where the gate is not one by thresholds.
    """

    stage: str
    outcome: Outcome
    at: datetime | None
    looks: int
    extra_events: float | None
    of: int = 0
    reached: bool = True
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """A rollout under another rule, with the rollout as it was: under its own rule, over all of its looks.

    Attributes:
        stages: those of the other rule that have two arms, in order.
        happened: what was looked at in each of them, with the last word of the rollout's own gate.
        extra_events, happened_events: of all stages that would have been reached, and of all that were.
        apart: stages of the rollout that the other rule does not have; their looks are not replayed.
    """

    stages: tuple[ReplayedStage, ...]
    happened: tuple[ReplayedStage, ...]
    extra_events: float
    happened_events: float
    apart: tuple[str, ...]


def replay(rollout: Rollout, looks: Iterable[Look], rule: RolloutRule | Thresholds) -> Replayed:
    """What another rule would have decided on the looks of a rollout, stage by stage.

    A candidate would not have come to the stages behind the one that rolled it back; what their gates would have said
    is still told, marked as not reached. Conditions beside the looks (evaluation, approvals) are taken as met.

    Args:
        rollout: with the rule it ran under.
        looks: all of its looks against its present baseline, of every stage, in any order.
        rule: the other rule; its stages are found by name. Thresholds hold for every stage, on the first guardrail of
            the rollout's own that counts events.
    """
    by_stage: dict[str, list[Look]] = {}
    for look in sorted(looks, key=order):
        by_stage.setdefault(look.stage, []).append(look)
    own = [stage.stage for stage in rollout.rule.stages if stage.has_arms]
    judged = own if isinstance(rule, Thresholds) else [stage.stage for stage in rule.stages if stage.has_arms]
    stages: list[ReplayedStage] = []
    for name in judged:
        reached = all(each.outcome != "roll back" for each in stages)
        counted = by_stage.get(name, [])
        events = counting(rollout.rule, name, counted)
        path = ThresholdPath(rule, events or "") if isinstance(rule, Thresholds) else _path(rule, name)
        stages.append(_walk(path, name, counted, events, reached=reached))
    happened = []
    for name in own:
        counted = by_stage.get(name, [])
        events = counting(rollout.rule, name, counted)
        happened.append(_walk(_path(rollout.rule, name), name, counted, events, reached=bool(counted), to_end=True))
    return Replayed(
        stages=tuple(stages),
        happened=tuple(happened),
        extra_events=_total(stages),
        happened_events=_total(happened),
        apart=tuple(name for name in own if name not in judged and name in by_stage),
    )


def counting(rule: RolloutRule, name: str, looks: Sequence[Look]) -> str | None:
    """The guardrail of a stage that extra events are told of: the first that counts any, all traffic before a slice."""
    stage = rule.stage(name)
    has = {look.guardrail for look in looks if isinstance(look.sums, Binary | PairedBinary)}
    ruled = [] if stage is None else sorted(stage.guardrails, key=lambda each: each.slice is not None)
    return next((each.name for each in ruled if each.name in has), None)


def _path(rule: RolloutRule, name: str) -> Path:
    stage = rule.stage(name)
    if stage is None:
        raise ValueError(f"the rule has no stage {name}")
    return Path(stage)


def _walk(
    path: Path | ThresholdPath,
    name: str,
    looks: Sequence[Look],
    events: str | None,
    *,
    reached: bool,
    to_end: bool = False,
) -> ReplayedStage:
    """Through the looks of one stage, until the gate speaks or ``to_end``."""
    seen, extra, at = 0, 0.0, None
    for moment, together in groupby(looks, key=lambda look: look.counted_at):
        now = tuple(together)
        path.add(now)
        at = moment
        seen += len(now)
        extra += math.fsum(_beyond(look.sums) for look in now if look.guardrail == events)
        if path.outcome != "hold" and not to_end:
            break
    why = path.verdict().reasons if isinstance(path, Path) else ()
    return ReplayedStage(
        stage=name,
        outcome=path.outcome,
        at=at,
        looks=seen,
        extra_events=None if events is None else extra,
        of=len(looks),
        reached=reached,
        reasons=why,
    )


def _beyond(sums: Sums) -> float:
    """Events of the candidate's arm beyond those of as many units of the control; none from what cannot be believed."""
    match sums:
        case Binary(n, k, m, control) if 0 <= k <= n and 0 <= control <= m and n and m:
            return k - n * control / m
        case PairedBinary(pairs, here, there) if 0 <= here <= pairs and 0 <= there <= pairs:
            return here - there
    return 0.0


def _total(stages: Sequence[ReplayedStage]) -> float:
    return math.fsum(each.extra_events or 0.0 for each in stages if each.reached)
