"""Pages a week against the number that a team agreed to be woken by."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.records.models import Model
from storage.tables import alert_quality

WEEK = timedelta(days=7)
USUAL = 4
"""How many weeks the usual number is the mean of."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Pages of one model that called for a person.

    Attributes:
        agreed: ``pages_per_week`` in ``[alerts]`` of the model file.
        last_week: in the seven days before now.
        usual: a week, over the last four; None where the record is younger than a week.
    """

    model: str
    agreed: float
    last_week: int
    usual: float | None

    @property
    def exceeded(self) -> bool:
        """More pages in the last seven days than agreed on."""
        return self.last_week > self.agreed

    @property
    def words(self) -> str:
        """One sentence.

        >>> Budget("churn", 2.0, 5, 3.25).words
        'OVER BUDGET churn: 5 pages in seven days, 2 agreed, usually 3.2 a week'
        """
        usual = f", usually {self.usual:.1f} a week" if self.usual is not None else ""
        over = "OVER BUDGET " if self.exceeded else ""
        pages = "1 page" if self.last_week == 1 else f"{self.last_week} pages"
        return f"{over}{self.model}: {pages} in seven days, {self.agreed:g} agreed{usual}"


def budget(db: sqlite3.Connection, model: Model, *, now: datetime) -> Budget:
    """The pages of a model against its budget; a few indexed reads."""
    until = now + timedelta(microseconds=1)
    last = alert_quality.pages(db, model.id, since=now - WEEK, until=until)
    first = alert_quality.first_moment(db, model.id)
    usual = None
    if first is not None and now - first >= WEEK:
        start = max(first, now - USUAL * WEEK)
        usual = alert_quality.pages(db, model.id, since=start, until=until) / ((now - start) / WEEK)
    return Budget(model.name, model.file.alerts.pages_per_week, last, usual)


def over(db: sqlite3.Connection, model: Model, *, now: datetime) -> Budget | None:
    """The budget of a model that is over it, without its usual number; None within it. One indexed read."""
    last = alert_quality.pages(db, model.id, since=now - WEEK, until=now + timedelta(microseconds=1))
    found = Budget(model.name, model.file.alerts.pages_per_week, last, None)
    return found if found.exceeded else None


def budgets(db: sqlite3.Connection, models: Sequence[Model], *, now: datetime) -> tuple[Budget, ...]:
    """One a model, those over their budget first."""
    found = [budget(db, model, now=now) for model in models]
    return tuple(sorted(found, key=lambda b: (not b.exceeded, b.model)))
