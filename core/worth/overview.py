"""What is known of the worth of alerts: answers so far, the method in force, how good it was, and what it moved."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from core.worth.fitted import Fitted, read
from core.worth.judging import EVERY, NEWEST, examples
from core.worth.learning import MINIMUM
from storage.records.models import Model
from storage.records.worth import Moved
from storage.tables import worth

LINKED = "part of an incident"
LATELY = 10


@dataclass(frozen=True, slots=True)
class Turned:
    """Alerts that went one way, and what people said of them since.

    Attributes:
        judged: of all ``moved``, answered since or made part of an incident.
        right: of those judged, for which people agreed: noise for what went down, worth it for what went up.
        lately: the newest.
    """

    moved: int
    judged: int
    right: int
    lately: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All there is to know.

    Attributes:
        model: the name of the one model that answers and moves are told of; None for all.
        answers: how many alerts got which last verdict, ``part of an incident`` for those only linked to one.
        usable: answers, over all models, to alerts that were weighed when they were raised: what can be learned from.
        silences: alerts that nobody answered for days, as weak signs.
        weighed: alerts by the method that weighed them.
        method: ``model`` where what was learned is in force, else ``counts``.
        fitted: what was learned last, None before; ``learned_at`` is when.
        due: answers still to come until it is learned anew.
        why: why this method is in force.
    """

    model: str | None
    answers: dict[str, int]
    worthy: int
    usable: int
    silences: int
    weighed: dict[str, int]
    method: str
    fitted: Fitted | None
    learned_at: datetime | None
    due: int
    why: str
    lowered: Turned
    raised: Turned

    @property
    def total(self) -> int:
        """How many alerts were answered."""
        return sum(self.answers.values())


def overview(db: sqlite3.Connection, model: Model | None, now: datetime) -> Overview:
    """What is known; the method is one for the whole store, answers and moves are the model's."""
    model_id = None if model is None else model.id
    answered = [a for a in worth.answered(db, NEWEST) if model_id in (None, a.model_id)]
    usable = worth.count_answered(db)
    last = worth.latest_fit(db)
    fitted = None if last is None else read(last.body)
    due = max(0, MINIMUM - usable if last is None else last.answers + EVERY - usable)
    why = f"{usable} answers of {MINIMUM}: counting until then" if fitted is None else fitted.verdict
    moved = worth.moved(db, model_id, NEWEST)
    return Overview(
        model=None if model is None else model.name,
        answers=dict(Counter(a.verdict or LINKED for a in answered)),
        worthy=sum(a.worth for a in answered),
        usable=usable,
        silences=sum(e.weight < 1.0 for e in examples(db, now)),
        weighed=worth.methods(db, model_id),
        method="model" if fitted is not None and fitted.in_force else "counts",
        fitted=fitted,
        learned_at=None if last is None else last.at,
        due=due,
        why=why,
        lowered=_turned([m for m in moved if m.tier == "digest"], worthy=False),
        raised=_turned([m for m in moved if m.tier == "ticket"], worthy=True),
    )


def _turned(moved: list[Moved], *, worthy: bool) -> Turned:
    judged = [m for m in moved if m.verdict or m.incident_id]
    right = sum((m.verdict not in ("noise", "duplicate")) == worthy for m in judged)
    return Turned(len(moved), len(judged), right, tuple(moved[:LATELY]))
