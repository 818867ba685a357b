"""Pane 3: incidents, live ones first, the most urgent on top."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from storage.errors import SourceError, UsageError
from storage.records.incidents import Incident, IncidentFilter, Sort
from storage.tables import alerts, incidents, models
from tui.focus import Focus
from tui.present.columns import Column
from tui.present.page import Stamp
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View

if TYPE_CHECKING:
    from core.incidents.view import IncidentDetail

_SORTS: dict[str, Sort] = {
    "key": "key",
    "severity": "severity",
    "state": "state",
    "model": "model",
    "age": "detected",
    "owner": "owner",
    "priority": "priority",
}


class IncidentRows:
    """Incidents straight from the store, a window at a time."""

    def __init__(self, pane: IncidentsPane) -> None:
        self.pane = pane

    def _where(self, view: View) -> IncidentFilter:
        name = self.pane.shell.model
        return IncidentFilter(models.get(self.pane.db, name).id if name else None, text=view.filter or None)

    def _order(self, view: View) -> dict[str, Any]:
        # Age is the distance from detection: the oldest has the smallest moment.
        turned = view.descending != (view.sort == "age")
        return {"sort": _SORTS.get(view.sort, "urgency"), "descending": turned if view.sort else True}

    def count(self, view: View) -> int:
        """See RowSource."""
        return incidents.count(self.pane.db, self._where(view))

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See RowSource."""
        from tui.present.incidents import cells

        now = self.pane.shell.now()
        found = incidents.list_page(
            self.pane.db, now=now, offset=offset, limit=limit, where=self._where(view), **self._order(view)
        )
        return [Row(i.key, cells(i, now)) for i in found]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        now = self.pane.shell.now()
        return incidents.place(self.pane.db, key, now=now, where=self._where(view), **self._order(view))


class IncidentsPane(ListPane):
    """Investigate, move on, close, report."""

    columns = (
        Column("key", "KEY", 8),
        Column("severity", "SEV", 4),
        Column("state", "STATE", 8),
        Column("model", "MODEL", 7, rank=3),
        Column("age", "AGE", 4, rank=1, right=True, descending=True),
        Column("title", "WHAT", 24, grow=1, sortable=False),
        Column("owner", "OWNER", 7, rank=2),
        Column("priority", "PRIO", 5, rank=4, right=True, descending=True),
        Column("reach", "REACH", 5, rank=5, right=True, sortable=False),
    )
    empty = "no incidents yet: i in Home or Alerts opens one"

    def __init__(self) -> None:
        super().__init__()
        self.read_last: IncidentDetail | None = None
        self.chart = ""

    def source(self) -> RowSource:
        """See ListPane."""
        return IncidentRows(self)

    def incident(self) -> Incident:
        """The incident under the cursor.

        Raises:
            UsageError: there is none.
        """
        if self.table.key is None:
            raise UsageError("there is no incident under the cursor", "open one: i in Home or Alerts")
        return incidents.get(self.db, self.table.key)

    def details(self, key: str) -> tuple[str, RenderableType]:
        """What was read last at once; it is read again in a thread, since it looks into eight tables."""
        now, stamp = self.shell.now(), self.shell.stamp
        width = self.detail.size.width or self.size.width

        def work(db: sqlite3.Connection) -> tuple[IncidentDetail, str]:
            from core.incidents.view import detail

            found = detail(db, key, now=now)
            return found, _chart(db, found, now, stamp, width)

        self.read("incident", work, self._show_read)
        if self.read_last is not None and self.read_last.incident.key == key:
            return self._drawn(self.read_last)
        return key, "reading ..."

    def _show_read(self, read: tuple[IncidentDetail, str]) -> None:
        found, self.chart = read
        if self.table.key == found.incident.key:
            self.read_last = found
            self.detail.show(*self._drawn(found))

    def _drawn(self, found: IncidentDetail) -> tuple[str, Text]:
        from tui.present import incidents as present

        i = found.incident
        return f"{i.key}  {i.severity or 'no severity'}  {i.state}  {i.model or 'no single model'}", present.detail(
            found, self.shell.stamp, self.chart
        )

    def focus_on(self) -> Focus | None:
        """The model of the incident, and the batch of the newest alert that is linked to it."""
        if self.table.key is None:
            return None
        found = self.incident()
        if found.model is None:
            return None
        linked = [alert for alert in alerts.of_incident(self.db, found.id) if alert.batch_id]
        last = max(linked, key=lambda alert: alert.id, default=None)
        return Focus(found.model, None if last is None else last.batch_id)

    def copy_text(self) -> str:
        """Six lines that fit into a chat."""
        from core.incidents.view import detail
        from core.report import summary

        key = self.table.key
        return "" if key is None else summary(detail(self.db, key, now=self.shell.now()))

    def do_note(self) -> None:
        """Ask for a note."""
        key = self.incident().key
        self.shell.ask(f"note on {key}: ", lambda text: self._note(key, text))

    def _note(self, key: str, text: str) -> None:
        from core.incidents.writing import note

        actor, now = self.shell.services.actor(), self.shell.now()
        self.record(
            "note", lambda db: note(db, key, text, actor=actor, now=now), lambda _: self.shell.say(f"noted on {key}")
        )

    def do_missed(self) -> None:
        """Say that no alert told of the incident, with a note if there is more to say."""
        from tui.screens.missed import ask_missed

        ask_missed(self, self.incident())

    def do_incident(self) -> None:
        """What can be done next with it."""
        from tui.screens.incident_steps import Steps

        Steps(self, self.incident()).choose()

    def do_export(self) -> None:
        """Write the report in Markdown."""
        key = self.incident().key
        store, dump, now = Path(self.shell.header_state().store), self.shell.services.dump, self.shell.now()
        self.shell.say(f"writing the report of {key} ...")
        write = partial(_written, key=key, store=store, dump=dump, now=now)
        self.read("report", write, lambda path: self.shell.say(f"report written: {path}"))

    def do_why(self) -> None:
        """Why the model of the incident was as it was: the batch of its latest alert, else that of its beginning."""
        from storage.tables.incident_facts import linked_alerts
        from tui.screens.why import open_why

        found = self.incident()
        with_batch = [a.batch_id for a in linked_alerts(self.db, found.id) if a.batch_id is not None]
        batch = with_batch[-1] if with_batch else None
        open_why(self, self._model(found), batch=batch, at=found.opened_at if batch is None else None)

    def do_rollback(self) -> None:
        """The rollback sheet of its model, on behalf of the incident."""
        from tui.screens.rollback import open_rollback

        found = self.incident()
        open_rollback(self, self._model(found), incident_key=found.key)

    def do_undo(self) -> None:
        """The sheet that undoes the last rollback of its model."""
        from tui.screens.rollback import open_undo

        open_undo(self, self._model(self.incident()))

    @staticmethod
    def _model(found: Incident) -> str:
        if found.model is None:
            raise UsageError(f"{found.key} concerns no single model", "roll back from Home or Versions")
        return found.model


def _chart(db: sqlite3.Connection, found: IncidentDetail, now: datetime, stamp: Stamp, width: int) -> str:
    """What its first alert is about over the past batches; empty where no alert is linked, or nothing can be drawn."""
    if not found.alerts:
        return ""
    from core.past_values import past_values
    from storage.tables import alerts
    from tui.present.past_values import chart

    values = past_values(db, alerts.get(db, min(a.id for a in found.alerts)), now)
    return "" if values is None else chart(values, stamp, width)


def _written(db: sqlite3.Connection, *, key: str, store: Path, dump: Path, now: Any) -> Path:
    from core.report import incident_report
    from storage.reports import report_path, write_report

    report = incident_report(db, key, now=now)
    try:
        return write_report(report_path(store, report.name), report.markdown)
    except SourceError:
        # Who may only read the store may still want a report.
        return write_report(dump / report.name, report.markdown)
