"""A past rollout under another rule: what its gates would have said to the very same looks, when, and at what price.

Looks are raw counts, so any margin, chance of error, minimum or method that reads the same sums can be tried on them,
and gates by thresholds too (:mod:`core.rollouts.thresholds`). A replay knows only what was looked at: had the other
rule kept a candidate longer in a stage than it was there, nothing is known of the rest, and the stage ends in "hold".
The rollout's own rule is read in the same way, so that it says what its gate says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
    """What one stage's gate says to the looks that were made.

    Attributes:
        outcome, at: of all looks, and since when in the time of the data, as the gate itself says it with its
            conditions met; ``at`` is None without any look.
        spoke, spoke_at: the first word that was no hold, and its moment: there a candidate would have left the stage;
            None where it never came.
        looks: how many had been made by then, all of them where it never came; ``of`` all that were made in the stage.
        extra_events: events of the candidate's arm until then beyond those of as many units of the control, in the
            first guardrail that counts events; None where none does.
        all_events: the same over all looks.
        reached: whether the stages before it would have let the candidate come here.
        reasons: why, where the gate is not one by thresholds.
    """

    stage: str
    outcome: Outcome
    at: datetime | None
    spoke: Outcome | None
    spoke_at: datetime | None
    looks: int
    extra_events: float | None
    all_events: float | None
    of: int = 0
    reached: bool = True
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """A rollout under another rule, with the same read by its own: the same rule gives the same answer.

    Attributes:
        stages: those of the other rule that have two arms, in order.
        happened: those of the rollout's own rule.
        extra_events, own_events: until the first word, of all stages that would have been reached, by the other rule
            and by the rollout's own; ``happened_events`` of all looks there were. None where nothing counts events.
        apart: stages of the rollout that the other rule does not have; their looks are not replayed.
    """

    stages: tuple[ReplayedStage, ...]
    happened: tuple[ReplayedStage, ...]
    extra_events: float | None
    own_events: float | None
    happened_events: float | None
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
    stages, happened = _stages(rollout, rule, judged, by_stage), _stages(rollout, rollout.rule, own, by_stage)
    return Replayed(
        stages=stages,
        happened=happened,
        extra_events=_total(one.extra_events for one in stages if one.reached),
        own_events=_total(one.extra_events for one in happened if one.reached),
        happened_events=_total(one.all_events for one in happened),
        apart=tuple(name for name in own if name not in judged and name in by_stage),
    )


def _stages(
    rollout: Rollout, rule: RolloutRule | Thresholds, names: Sequence[str], by_stage: Mapping[str, Sequence[Look]]
) -> tuple[ReplayedStage, ...]:
    found: list[ReplayedStage] = []
    for name in names:
        reached = all(each.spoke != "roll back" for each in found)
        counted = by_stage.get(name, [])
        events = counting(rollout.rule, name, counted)
        path = ThresholdPath(rule, events or "") if isinstance(rule, Thresholds) else _path(rule, name)
        found.append(_walk(path, name, counted, events, reached=reached))
    return tuple(found)


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
    path: Path | ThresholdPath, name: str, looks: Sequence[Look], events: str | None, *, reached: bool
) -> ReplayedStage:
    """Through all looks of one stage, keeping where the gate spoke first."""
    seen, extra, last = 0, 0.0, None
    spoke: tuple[Outcome, datetime, int, float] | None = None
    for moment, together in groupby(looks, key=lambda look: look.counted_at):
        now = tuple(together)
        path.add(now)
        last = moment
        seen += len(now)
        extra += math.fsum(_beyond(look.sums) for look in now if look.guardrail == events)
        if path.outcome != "hold" and spoke is None:
            spoke = path.outcome, moment, seen, extra
    said = path.verdict() if isinstance(path, Path) else None
    until = spoke[3] if spoke else extra
    return ReplayedStage(
        stage=name,
        outcome=said.outcome if said else path.outcome,
        at=path.verdict().at if isinstance(path, Path) else path.at or last,
        spoke=spoke[0] if spoke else None,
        spoke_at=spoke[1] if spoke else None,
        looks=spoke[2] if spoke else seen,
        extra_events=None if events is None else until,
        all_events=None if events is None else extra,
        of=len(looks),
        reached=reached,
        reasons=said.reasons if said else (),
    )


def _beyond(sums: Sums) -> float:
    """Events of the candidate's arm beyond those of as many units of the control; none from what cannot be believed."""
    match sums:
        case Binary(n, k, m, control) if 0 <= k <= n and 0 <= control <= m and n and m:
            return k - n * control / m
        case PairedBinary(pairs, here, there) if 0 <= here <= pairs and 0 <= there <= pairs:
            return here - there
    return 0.0


def _total(counts: Iterable[float | None]) -> float | None:
    known = [each for each in counts if each is not None]
    return math.fsum(known) if known else None
