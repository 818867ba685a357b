"""What an experiment will be worth at the end, told from the team's own history; and which should be killed for that.

All gains are divided by the least worthwhile gain of their own experiment, so that metrics of different units make one
history. The chance that an idea never gets to users, or is dropped later, is part of the expected end value.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from core.experiments.lives import Life, lives
from core.stats.intervals import Z95
from storage.records.experiments import STAGE_KINDS, ExperimentResult
from storage.records.models import Model, StageKind
from storage.tables import models

if TYPE_CHECKING:
    from core.stats.shrinkage import Case, EndValue, Estimate, Shrinkage, Survival

OPEN = ("running", "held")
"""States in which a kill is suggested."""

TOO_LITTLE = "too little history"


@dataclass(frozen=True, slots=True)
class StageShrinkage:
    """What is left of offline gains in one kind of stage; ``ratio`` is None under eight pairs."""

    kind: StageKind
    pairs: int
    ratio: Estimate | None


@dataclass(frozen=True, slots=True)
class History:
    """What a team's experiments say of the next one.

    Attributes:
        team: whose models' experiments it is of; None for models without an owner.
        measured: experiments with an offline gain; ``pairs`` of them with a later one, too.
        shrinkage: from offline to the farthest stage; None under eight pairs.
        launched, decided: experiments with an offline gain that made the first launch, of those that ended or did.
        kept, followed: launched ones that are there in full, of those that are or were ended.
    """

    team: str | None
    measured: int
    pairs: int
    shrinkage: Shrinkage | None
    stages: tuple[StageShrinkage, ...]
    launched: int
    decided: int
    kept: int
    followed: int
    survival: Survival = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of one experiment, in the unit of its metric.

    Attributes:
        end: expected end value with its interval; None with ``why_not``.
        kill: the upper end of the expected end value is below the least worthwhile gain.
    """

    experiment_id: int
    end: EndValue | None
    why_not: str | None
    kill: bool


def team_of(db: sqlite3.Connection, model: Model) -> list[int]:
    """Ids of the models with the same owner."""
    return [one.id for one in models.list_all(db) if one.file.owner == model.file.owner]


def history_of(db: sqlite3.Connection, model: Model, *, now: datetime) -> History:
    """The history that experiments of a model are judged by: of every model with the same owner."""
    ids = set(team_of(db, model))
    return learn([one for one in lives(db, now=now) if one.experiment.model_id in ids], model.file.owner)


def outlooks(db: sqlite3.Connection, model_ids: Collection[int] | None = None, *, now: datetime) -> dict[int, Outlook]:
    """The outlook of every running or held experiment of some models, or of all."""
    every = lives(db, now=now)
    owners = {one.id: one.file.owner for one in models.list_all(db)}
    learned: dict[str | None, History] = {}
    found: dict[int, Outlook] = {}
    for one in every:
        model = one.experiment.model_id
        if one.experiment.state not in OPEN or (model_ids is not None and model not in model_ids):
            continue
        owner = owners[model]
        if owner not in learned:
            learned[owner] = learn([x for x in every if owners[x.experiment.model_id] == owner], owner)
        found[one.experiment.id] = outlook(one, learned[owner])
    return found


def learn(every: Sequence[Life], team: str | None = None) -> History:
    """What experiments of one team say."""
    from core.stats import shrinkage

    cases = [case for one in every if (case := _case(one)) is not None]
    ended = ("killed", "dropped")
    measured = [one for one in every if one.offline is not None]
    launched = [one for one in measured if one.launched_at is not None]
    decided = [one for one in measured if one.launched_at is not None or one.experiment.state in ended]
    gone = [one for one in launched if one.experiment.state in ended]
    kept = [one for one in launched if one.experiment.state not in ended and one.stage == "full"]
    stages = []
    for kind in STAGE_KINDS[1:]:
        told = [case for one in every if (case := _case(one, kind)) is not None]
        found = shrinkage.learn(told)
        pairs = sum(case.later is not None for case in told)
        stages.append(StageShrinkage(kind, pairs, found.ratio if found else None))
    counts = (len(launched), len(decided), len(kept), len(kept) + len(gone))
    return History(
        team=team,
        measured=len(measured),
        pairs=sum(case.later is not None for case in cases),
        shrinkage=shrinkage.learn(cases),
        stages=tuple(stages),
        launched=counts[0],
        decided=counts[1],
        kept=counts[2],
        followed=counts[3],
        survival=shrinkage.survival(launched=counts[0], decided=counts[1], kept=counts[2], followed=counts[3]),
    )


def outlook(one: Life, known: History) -> Outlook:
    """What is expected of an experiment; nothing without an offline gain, or with too little history."""
    case, number = _case(one), one.experiment.id
    if case is None:
        return Outlook(number, None, "no offline result yet", False)
    if known.shrinkage is None:
        from core.stats.shrinkage import MINIMUM_CASES

        told = f"{TOO_LITTLE}: {known.pairs} of {MINIMUM_CASES} cases with an offline and a later gain"
        return Outlook(number, None, told, False)
    from core.stats.shrinkage import EndValue, predict

    told_end = predict(known.shrinkage, known.survival, case, launched=one.launched_at is not None)
    unit = one.experiment.registration.minimum_gain
    end = EndValue(_times(told_end.expected, unit), _times(told_end.if_kept, unit), told_end.survival)
    return Outlook(number, end, None, end.expected.high < unit)


def _case(one: Life, kind: StageKind | None = None) -> Case | None:
    """Both gains in units of the least worthwhile one; the later one of the farthest stage, or of one kind of stage."""
    from core.stats.shrinkage import Case

    if one.offline is None:
        return None
    unit = one.experiment.registration.minimum_gain
    later = one.latest if kind is None else _last(one, kind)
    if later is None or later.kind == "test":
        return Case(one.offline.gain / unit, _error(one.offline) / unit)
    return Case(one.offline.gain / unit, _error(one.offline) / unit, later.gain / unit, _error(later) / unit)


def _last(one: Life, kind: StageKind) -> ExperimentResult | None:
    metric = one.experiment.registration.metric
    return next((r for r in reversed(one.results) if r.kind == kind and r.metric == metric), None)


def _error(result: ExperimentResult) -> float:
    return (result.high - result.low) / (2 * Z95)


def _times(told: Estimate, unit: float) -> Estimate:
    from core.stats.shrinkage import Estimate

    return Estimate(told.value * unit, told.low * unit, told.high * unit)
