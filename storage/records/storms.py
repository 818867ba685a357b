"""Storms: alerts of one cause in several models, or many of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.records.alerts import Alert, AlertState
from storage.records.results import Tier

AnswerKind = Literal["acknowledge", "snooze", "undo"]


@dataclass(frozen=True, slots=True)
class Onset:
    """An open group by the alert with which it began.

    Attributes:
        storm_id: the storm it belongs to, if any.
        tier: of its latest alert.
        start, end: the window of that first alert; the moment it fired where it has none.
        path: the first file of its batch.
    """

    model_id: int
    model: str
    group_key: str
    storm_id: int | None
    alert_id: int
    tier: Tier
    cause: str
    columns: tuple[str, ...]
    start: datetime
    end: datetime
    batch_id: int | None
    path: str | None

    @property
    def group(self) -> tuple[int, str]:
        """Model id and group key."""
        return self.model_id, self.group_key


@dataclass(frozen=True, slots=True)
class StormMember:
    """An open group of a storm.

    Attributes:
        head: its latest alert.
        alerts: how many alerts it has had since it began.
        why: why it belongs to the storm, in words.
    """

    head: Alert
    alerts: int
    why: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Storm:
    """A storm with its open groups, those that fire first, the loudest on top.

    Attributes:
        began_at: start of the first window that was hit.
    """

    id: int
    began_at: datetime
    members: tuple[StormMember, ...]

    @property
    def head(self) -> Alert:
        """What stands for it in a list."""
        return self.members[0].head

    @property
    def models(self) -> tuple[str, ...]:
        """The models it hit, by name."""
        return tuple(sorted({m.head.model for m in self.members}))

    @property
    def alerts(self) -> int:
        """How many alerts it has raised so far, repeats included."""
        return sum(m.alerts for m in self.members)

    def firing(self, now: datetime) -> int:
        """How many of its groups nobody has answered."""
        return sum(m.head.state_at(now) == "firing" for m in self.members)

    def state_at(self, now: datetime) -> AlertState:
        """Firing as long as one of its groups is; else acknowledged or snoozed, as its first group is."""
        return "firing" if self.firing(now) else self.head.state_at(now)


@dataclass(frozen=True, slots=True)
class StormLine:
    """A storm as a list shows it.

    Attributes:
        groups: its open groups; ``alerts`` counts repeats, too.
        models: how many models it hit.
        fires: one of its groups is neither acknowledged nor snoozed.
    """

    id: int
    began_at: datetime
    groups: int
    alerts: int
    models: int
    fires: bool


@dataclass(frozen=True, slots=True)
class StormAnswer:
    """What a person said of a storm as a whole.

    Attributes:
        tier: the loudest of what was answered: what is louder breaks through.
        before: id, state and end of each alert that it changed.
        undoes: the answer that it takes back.
    """

    id: int
    storm_id: int
    kind: AnswerKind
    until: datetime | None
    tier: Tier
    before: tuple[tuple[int, AlertState, datetime | None], ...]
    undoes: int | None
    by: str
    note: str | None
    at: datetime
