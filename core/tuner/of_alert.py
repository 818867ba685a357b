"""What could be tuned so that an alert like this one is raised no more, and what stands already."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from core.tuner.history import History, read
from core.tuner.nearer import nearer
from core.tuner.proposals import OFFERED, Candidate, Proposals, propose
from core.tuner.standing import Standing, standing
from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.records.models import Model
from storage.tables import models, results

CHECKS_TRIED = 3
"""The findings that say most are looked at, at most so many of different check and column."""


@dataclass(frozen=True, slots=True)
class TuningOfAlert:
    """The proposals of the checks that an alert rests on.

    Attributes:
        found: one for each check and column looked at, the finding that says most first.
        candidates: of all of them, the one that removes most noise first; last a nearer limit, where alerts came late.
        standing: accepted tunings of the model.
    """

    model: Model
    found: tuple[Proposals, ...]
    candidates: tuple[Candidate, ...]
    standing: tuple[Standing, ...]


def tuning_of(db: sqlite3.Connection, alert: Alert) -> TuningOfAlert:
    """Look at the checks behind an alert, each in the column that it accused.

    Raises:
        UsageError: no check raised it (an objective or silence did), or only hard ones.
    """
    model = models.get_by_id(db, alert.model_id)
    told = [r.finding for r in results.of_alert(db, alert.id)]
    if not told:
        raise UsageError(
            "no check raised this alert, so none can be tuned", "an objective is changed in the model file"
        )
    soft = [(f.check, f.column) for f in told if f.error_class != "hard"]
    if not soft:
        raise UsageError("only hard findings are behind this alert, and those are always told", "mend what is broken")
    history = read(db, model)
    found = [_proposals(db, model, check, column, history) for check, column in dict.fromkeys(soft[:CHECKS_TRIED])]
    every = sorted((c for p in found for c in p.candidates), key=lambda c: (-c.test.noise_removed, c.test.unjudged))
    late = next((p for p in found if p.late), None)
    sooner = nearer(db, model, late.check, late.column, history) if late is not None else None
    chosen = [*every[: OFFERED - (sooner is not None)], *([sooner] if sooner is not None else [])]
    return TuningOfAlert(model, tuple(found), tuple(chosen), tuple(standing(db, model)))


def _proposals(db: sqlite3.Connection, model: Model, check: str, column: str | None, history: History) -> Proposals:
    try:
        return propose(db, model, check, column, history)
    except UsageError as error:  # the tunings in force would not raise it any more
        return Proposals(model.name, check, column, (), error.message, 0, 0, 0)
