"""What ``why`` answers: one record a symptom, and one of everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.why.effects import Effect
from core.why.episode import Onset
from core.why.history import Past
from core.why.signals import Signal
from core.why.suspects import Lineup, Suspect
from core.why.symptoms import Match, Symptom
from storage.records.batches import Batch
from storage.records.models import Model


@dataclass(frozen=True, slots=True)
class Explanation:
    """One symptom of one batch, and what is known of it.

    Attributes:
        verdict: one of the library's answers; ``answer``: what to do, in one line, with the version filled in.
        unrecorded: said when no recorded change fits: where to look then, by cause.
        effects: how the metric did on earlier batches with these findings.
        recurrence: how often its likeliest cause was met before ("third time"), None when never.
    """

    match: Match
    batch: Batch
    onset: Onset
    lineup: Lineup
    verdict: str
    answer: str
    next_test: str
    next_command: str
    unrecorded: str | None
    recurrence: str | None
    past: tuple[Past, ...]
    effects: tuple[Effect, ...]

    @property
    def harmless(self) -> bool:
        """One's own history says that the metric does not move with it."""
        return bool(self.effects) and all(e.moves is False for e in self.effects)

    @property
    def symptom(self) -> Symptom:
        """The library's entry."""
        return self.match.symptom

    @property
    def causes(self) -> tuple[tuple[str, float], ...]:
        """Causes as ``layer/category`` with a score, best first: of the suspects, then of the symptom at large."""
        found: dict[str, float] = {}
        for suspect in self.lineup.suspects:
            if suspect.cause is not None:
                found[suspect.cause] = max(found.get(suspect.cause, 0.0), suspect.score)
        most = max(c.weight for c in self.symptom.causes)
        for cause in self.symptom.causes:
            found.setdefault(cause.cause, round(0.2 * cause.weight / most, 3))
        return tuple(sorted(found.items(), key=lambda pair: -pair[1]))


@dataclass(frozen=True, slots=True)
class Why:
    """Everything ``why`` has to say of a model at a moment.

    Attributes:
        batch: the batch that was asked about, or the newest; None when there is none.
        explanations: one per symptom, the most specific first; empty when there is nothing to explain.
        signals: of that batch, by name.
        words: the first sentence.
        not_known: signals that could not be told, with the reason.
        compared_with: batches of the baseline.
    """

    model: Model
    now: datetime
    batch: Batch | None
    explanations: tuple[Explanation, ...]
    signals: tuple[Signal, ...]
    words: str
    compared_with: int

    @property
    def suspects(self) -> tuple[tuple[Explanation, Suspect], ...]:
        """Suspects of all symptoms, best first."""
        pairs = [(e, s) for e in self.explanations for s in e.lineup.suspects]
        return tuple(sorted(pairs, key=lambda pair: -pair[1].score * pair[0].match.fit))

    @property
    def not_known(self) -> tuple[Signal, ...]:
        """Signals that could not be told."""
        return tuple(s for s in self.signals if not s.known)
