"""``f`` in Incidents: no alert told us of this."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from storage.errors import UsageError
from storage.records.incidents import Incident
from storage.records.missed import Missed
from storage.tables import models
from tui.screens.dialogs import Choice

if TYPE_CHECKING:
    from tui.screens.incidents import IncidentsPane

OPTIONS = [
    ("m", "missed", "missed: no alert told us; its alerts, if any, were about something else"),
    ("c", "column", "missed, and one column was at fault"),
]


def ask_missed(pane: IncidentsPane, incident: Incident) -> None:
    """Ask for the column and a note, then record the miss.

    Raises:
        UsageError: the incident concerns no single model.
    """
    if incident.model_id is None:
        raise UsageError(f"{incident.key} concerns no single model", "midwatch alerts missed MODEL --at MOMENT")
    shell = pane.shell

    def note(column: str | None) -> None:
        shell.ask(f"{incident.key} missed, note (may stay empty): ", lambda text: _mark(pane, incident, column, text))

    def picked(what: str) -> None:
        if what == "column":
            shell.call_later(shell.ask, "column at fault: ", lambda name: shell.call_later(note, name.strip() or None))
        else:
            shell.call_later(note, None)

    shell.open_sheet(Choice(f"{incident.key}: did an alert tell us?", OPTIONS), picked)


def _mark(pane: IncidentsPane, incident: Incident, column: str | None, text: str) -> None:
    actor, now, model_id = pane.shell.services.actor(), pane.shell.now(), incident.model_id

    def work(db: sqlite3.Connection) -> Missed:
        from core.quality.misses import mark

        found = models.get_by_id(db, model_id or 0)
        return mark(db, found, column=column, incident=incident.key, note=text, actor=actor, now=now)

    pane.record("missed", work, lambda _: pane.shell.say(f"{incident.key} counts as missed; :quality shows the recall"))
