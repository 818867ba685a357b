"""Storms in the list of alerts: one line that opens to its members, and answers to all of them at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from core import alert_answers
from core.storms import answers
from storage.host import Actor
from storage.records.alerts import Alert
from storage.records.storms import Storm
from storage.tables import storms
from tui.present import alerts as present_alerts
from tui.present import storms as present
from tui.present.text import counted
from tui.widgets.level import Level
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from tui.screens.alerts import AlertsPane

_STORM = "storm:"


def key_of(storm_id: int) -> str:
    """What the row of a storm is known by."""
    return f"{_STORM}{storm_id}"


def storm_of(key: str) -> int | None:
    """The storm of a row; None for a row that is a group."""
    return int(key.removeprefix(_STORM)) if key.startswith(_STORM) else None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What keys act on: groups by their latest alert, and whole storms."""

    alerts: tuple[Alert, ...]
    storms: tuple[Storm, ...]

    @property
    def heads(self) -> list[Alert]:
        """The latest alert of every group."""
        return [*self.alerts, *(member.head for storm in self.storms for member in storm.members)]

    def firing(self, now: datetime) -> bool:
        """Whether any of it fires."""
        return any(alert.state_at(now) == "firing" for alert in self.heads)

    def acknowledged_whole(self, db: sqlite3.Connection) -> bool:
        """Whether it is storms alone, each acknowledged as a whole: one key takes that back."""
        said = [storms.answer_in_force(db, storm.id) for storm in self.storms]
        whole = all(one is not None and one.kind == "acknowledge" for one in said)
        return bool(said) and not self.alerts and whole

    def acknowledge(self, db: sqlite3.Connection, actor: Actor, now: datetime) -> int:
        """Acknowledge all of it; how many alerts changed."""
        return sum(
            [
                *(len(alert_answers.acknowledge(db, a.id, actor=actor, now=now)) for a in self.alerts),
                *(len(answers.acknowledge(db, s.id, actor=actor, now=now)) for s in self.storms),
            ]
        )

    def snooze(
        self,
        db: sqlite3.Connection,
        until: Callable[[Sequence[Alert]], datetime],
        note: str | None,
        actor: Actor,
        now: datetime,
    ) -> int:
        """Snooze all of it; ``until`` tells the end for the alerts that are to be quiet."""
        changed = 0
        for alert in self.alerts:
            changed += len(alert_answers.snooze(db, alert.id, until([alert]), actor=actor, now=now, note=note))
        for storm in self.storms:
            end = until([member.head for member in storm.members])
            changed += len(answers.snooze(db, storm.id, end, actor=actor, now=now, note=note))
        return changed

    def wake(self, db: sqlite3.Connection, actor: Actor, now: datetime) -> int:
        """Take back what was answered; how many alerts changed."""
        changed = 0
        for alert in self.alerts:
            alert_answers.wake(db, alert.id, actor=actor, now=now)
            changed += 1
        for storm in self.storms:
            if storms.answer_in_force(db, storm.id) is not None:
                changed += len(answers.undo(db, storm.id, actor=actor, now=now))
                continue
            for member in storm.members:
                alert_answers.wake(db, member.head.id, actor=actor, now=now)
                changed += 1
        return changed


class StormLevel(Level):
    """The groups of one storm; keys answer the one under the cursor, as in the list below it."""

    name = "storm"
    empty = "the storm is over"

    def __init__(self, pane: AlertsPane, storm_id: int) -> None:
        super().__init__(pane, pane.columns)
        self.alerts_pane = pane
        self.storm_id = storm_id

    def _storm(self) -> Storm | None:
        return storms.find(self.pane.db, self.storm_id)

    def heading(self) -> Text | None:
        """See Level."""
        storm = self._storm()
        return None if storm is None else present.heading(storm, self.shell.now(), self.shell.stamp)

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        storm, shell = self._storm(), self.shell
        heads = [] if storm is None else [member.head for member in storm.members]
        return [Row(f"{a.model_id}:{a.group_key}", present_alerts.cells(a, shell.now(), shell.brief)) for a in heads]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        return self.alerts_pane.details(key)

    def enter_details(self, key: str) -> bool:
        """See Level."""
        return self.alerts_pane.enter_details(key)

    def do_acknowledge(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_acknowledge()

    def do_snooze(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_snooze()

    def do_feedback(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_feedback()

    def do_incident(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_incident()

    def do_why(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_why()

    def do_cases(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_cases()

    def do_rollback(self) -> None:
        """See AlertsPane."""
        self.alerts_pane.do_rollback()


def open_incident(pane: AlertsPane, storm: Storm) -> None:
    """Ask for the title and open one incident of everything in a storm."""
    from core.incidents import from_alerts
    from core.storms import incident

    loudest = from_alerts.loudest_first([member.head for member in storm.members])[0]
    severity = from_alerts.SEVERITY.get(loudest.tier, "SEV4")
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def opened(title: str) -> None:
        pane.record(
            "open incident",
            lambda db: incident.open_incident(db, storm.id, title, actor=actor, now=now),
            lambda found: pane.shell.say(f"{found.key} opened: {counted(found.alerts, 'alert')} in all; 3 shows it"),
        )

    where = f" in {len(storm.models)} models" if len(storm.models) > 1 else ""
    pane.shell.ask(f"{severity} incident: ", opened, value=f"storm{where}: {loudest.title}")
