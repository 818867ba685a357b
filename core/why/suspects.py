"""Suspects: changes before the onset of a symptom, ranked, each with its weights and the evidence on both sides."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.changes import feed as changes
from core.why.episode import Episode, Onset
from core.why.evidence import Evidence, evidence, others, stage_of
from core.why.signals import Signals
from core.why.symptoms import Match
from core.why.weights import (
    Weight,
    fit_weight,
    layer_priors,
    names_weight,
    prior_weight,
    review_weight,
    size_weight,
    time_weight,
)
from storage.records.changes import Change

LOOK_BACK = timedelta(days=14)
FLOOR = 0.2
"""A score under which a change is not named as a suspect."""

MOST = 5

POWERS: Mapping[str, float] = {
    "time": 0.9,
    "layer": 1.0,
    "reach": 1.0,
    "size": 0.5,
    "review": 0.6,
    "fit": 1.0,
    "names": 0.8,
}
"""How much each weight counts: the score is the product of the weights, each to its power."""

UNSEEN_STAGES = ("test", "shadow")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A change that may have brought the symptom about.

    Attributes:
        cause: as which ``layer/category`` it fits, None when as none.
        score: 0 to 1; the product of its weights, each to its power in :data:`POWERS`.
        gap: from the change to the onset; negative when it came within the first batch that shows the symptom.
    """

    change: Change
    cause: str | None
    score: float
    gap: timedelta
    weights: tuple[Weight, ...]
    evidence: tuple[Evidence, ...]

    @property
    def for_it(self) -> tuple[Evidence, ...]:
        """What speaks for it."""
        return tuple(e for e in self.evidence if e.supports)

    @property
    def against(self) -> tuple[Evidence, ...]:
        """What speaks against it."""
        return tuple(e for e in self.evidence if not e.supports)


@dataclass(frozen=True, slots=True)
class Lineup:
    """Suspects above the floor, best first; ``cleared``: others that were looked at; ``after``: came too late."""

    suspects: tuple[Suspect, ...]
    cleared: tuple[Suspect, ...]
    after: tuple[Change, ...]


def lineup(db: sqlite3.Connection, episode: Episode, match: Match, signals: Signals, onset: Onset) -> Lineup:
    """Every change within two weeks before the onset, weighed."""
    end = max(episode.batch.window_end or episode.batch.arrived_at, onset.until)
    found = changes.between(db, episode.model.id, onset.first - LOOK_BACK, end + timedelta(microseconds=1))
    before = [c for c in found if c.at <= onset.until]
    after = tuple(c for c in found if c.at > onset.until)
    priors = layer_priors(db)
    weighed = sorted(
        (_weighed(db, episode, match, signals, onset, change, priors) for change in before),
        key=lambda s: (-s.score, abs(s.gap), s.change.reference),
    )
    named = [s for s in weighed if s.score >= FLOOR][:MOST]
    return Lineup(tuple(named), tuple(s for s in weighed if s not in named)[:MOST], after)


def _weighed(
    db: sqlite3.Connection,
    episode: Episode,
    match: Match,
    signals: Signals,
    onset: Onset,
    change: Change,
    priors: Mapping[str, float],
) -> Suspect:
    fit, cause = fit_weight(change, match.symptom.causes)
    names, named = names_weight(change, match.columns, match.slices)
    clean = clean_between(episode, change.at, onset)
    if onset.joined:
        clean = min(clean, sum(1 for came in onset.joined if change.at <= came < onset.first))
    gap = (onset.scored if onset.scored is not None and change.at <= onset.scored else onset.first) - change.at
    weights = (
        time_weight(clean, max(0.0, gap.total_seconds() / 60), onset.sharp),
        prior_weight(change.layer, priors),
        reach_weight(db, episode, change, onset),
        size_weight(change),
        review_weight(change),
        fit,
        names
        if named
        else Weight("names", 0.75 if change.layer in ("run", "infrastructure", "external") else 0.6, names.why),
    )
    score = math.prod(w.value ** POWERS[w.name] for w in weights)
    told = evidence(db, episode, signals, onset, change, clean=clean, named=named, fits=cause is not None)
    return Suspect(change, cause.cause if cause else None, round(min(score, 1.0), 3), gap, weights, told)


def clean_between(episode: Episode, at: datetime, onset: Onset) -> int:
    """Batches that began after the change and ended before the onset: they lived with it and were well."""
    return sum(
        1
        for b in episode.batches
        if (b.window_start or b.arrived_at) >= at
        and (b.window_end or b.arrived_at) < (onset.scored or onset.first)
        and b.id != onset.batch_id
    )


def reach_weight(db: sqlite3.Connection, episode: Episode, change: Change, onset: Onset) -> Weight:
    """Whom it can reach: users of this model, every model, or nobody yet."""
    stage = stage_of(change)
    kinds = {s.name: s.kind for s in episode.model.file.stages}
    if stage is not None and kinds.get(stage, stage) in UNSEEN_STAGES and stage != episode.batch.stage:
        return Weight("reach", 0.02, f"no user is served by the stage {stage}")
    if stage is not None and episode.batch.stage is not None and stage != episode.batch.stage:
        return Weight("reach", 0.4, f"it is in the stage {stage}, the batch in {episode.batch.stage}")
    if change.model_id is None:
        well, ill = others(db, episode, onset)
        if ill:
            return Weight("reach", 1.0, f"it concerns every model, and {', '.join(ill)} alerts too")
        if well:
            return Weight("reach", 0.5, f"it concerns every model, and {', '.join(well[:3])} saw nothing")
        return Weight("reach", 0.8, "it concerns every model")
    return Weight("reach", 1.0, "it concerns this model")


def strongest(lineups: Sequence[Lineup]) -> Suspect | None:
    """The best suspect of several lineups."""
    return max((s for line in lineups for s in line.suspects), key=lambda s: s.score, default=None)
