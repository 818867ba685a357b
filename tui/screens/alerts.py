"""Pane 2: alerts, one line a group, the loudest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType

from core.guidance import guidance
from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.records.storms import Storm
from storage.tables import alerts, incidents, models, results, rollback_evidence, storms
from tui import jobs
from tui.focus import Focus
from tui.present import alerts as present
from tui.present import storms as present_storms
from tui.present.columns import Column
from tui.present.text import counted
from tui.screens import feedback, snoozing
from tui.screens import storms as storm_rows
from tui.screens.dialogs import Choice
from tui.screens.storms import Chosen, StormLevel
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View

_ORDER = {"": "tier", "tier": "tier", "model": "model", "window": "time", "seen": "score"}


class AlertRows:
    """Groups of alerts straight from the store, a window at a time."""

    def __init__(self, pane: AlertsPane) -> None:
        self.pane = pane

    def _where(self, view: View) -> dict[str, Any]:
        name = self.pane.shell.model
        return {
            "model_id": models.get(self.pane.db, name).id if name else None,
            "like": view.filter or None,
            "fold": True,
        }

    def _order(self, view: View) -> dict[str, Any]:
        return {"order": _ORDER.get(view.sort, "tier"), "descending": view.descending}

    def count(self, view: View) -> int:
        """See RowSource."""
        return alerts.count(self.pane.db, **self._where(view))

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See RowSource."""
        found = alerts.page(self.pane.db, **self._where(view), **self._order(view), offset=offset, limit=limit)
        shell = self.pane.shell
        lines = {} if view.filter else storms.lines(self.pane.db, [a.id for a in found])
        return [
            Row(storm_rows.key_of(line.id), present_storms.cells(line, a, shell.now(), shell.brief))
            if (line := lines.get(a.id)) is not None and line.groups > 1
            else Row(key_of(a), present.cells(a, shell.now(), shell.brief))
            for a in found
        ]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        storm_id = storm_rows.storm_of(key)
        storm = None if storm_id is None else storms.find(self.pane.db, storm_id)
        if storm_id is not None and storm is None:
            return None
        model_id, group_key = (storm.head.model_id, storm.head.group_key) if storm else parts_of(key)
        return alerts.place(self.pane.db, (model_id, group_key), **self._where(view), **self._order(view))


def key_of(alert: Alert) -> str:
    """What a row is known by: its group, since the latest alert of it changes with every batch."""
    return f"{alert.model_id}:{alert.group_key}"


def parts_of(key: str) -> tuple[int, str]:
    """Model id and group key of a row."""
    model_id, _, group_key = key.partition(":")
    return int(model_id), group_key


class AlertsPane(ListPane):
    """Read, acknowledge, snooze, judge; open an incident; roll back."""

    columns = (
        Column("tier", "TIER", 7),
        Column("state", "STATE", 6, rank=2, sortable=False),
        Column("model", "MODEL", 9, rank=1),
        Column("window", "WINDOW", 9, rank=3),
        Column("seen", "SEEN", 5, rank=4, right=True, descending=True),
        Column("acted", "ACT", 8, rank=5, right=True, sortable=False),
        Column("title", "WHAT", 20, grow=1, sortable=False),
    )
    empty = "no open alerts; resolved ones: midwatch alerts list --all"

    def __init__(self) -> None:
        super().__init__()
        self.charts: dict[int, str] = {}
        self.beside: dict[int, list[str]] = {}
        self.reading: int | None = None  # the alert whose batch a thread is reading

    def source(self) -> RowSource:
        """See ListPane."""
        return AlertRows(self)

    def reload(self) -> None:
        """See ListPane: charts are drawn anew, since a batch or a change may have come."""
        self.charts, self.beside, self.reading = {}, {}, None
        super().reload()

    def alert(self, key: str | None = None) -> Alert:
        """The latest alert of the row under the cursor; of a storm the one that stands for it."""
        wanted = key or self.table.key
        storm = self.storm(wanted)
        if storm is not None:
            return storm.head
        found = alerts.head(self.db, *parts_of(wanted)) if wanted else None
        if found is None:
            raise UsageError("there is no alert under the cursor", "move to one with j and k")
        return found

    def storm(self, key: str | None) -> Storm | None:
        """The storm of a row; None for a row that is a group."""
        storm_id = storm_rows.storm_of(key) if key else None
        return None if storm_id is None else storms.get(self.db, storm_id)

    def chosen(self) -> Chosen:
        """The marked alerts and storms, else what is under the cursor.

        Raises:
            UsageError: there is neither.
        """
        keys = self.table.chosen()
        if not keys:
            raise UsageError("there is no alert under the cursor", "move to one with j and k")
        whole = [storm for key in keys if (storm := self.storm(key)) is not None]
        return Chosen(tuple(self.alert(k) for k in keys if storm_rows.storm_of(k) is None), tuple(whole))

    def enter(self, key: str) -> bool:
        """A storm opens to its members."""
        storm_id = storm_rows.storm_of(key)
        if storm_id is not None:
            self.lay(StormLevel(self, storm_id))
        return storm_id is not None

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        storm = self.storm(key)
        if storm is not None:
            said = storms.answer_in_force(self.db, storm.id)
            body = present_storms.detail(storm, said, self.shell.now(), self.shell.stamp)
            return present_storms.title(storm), body
        alert = self.alert(key)
        findings = results.of_alert(self.db, alert.id)
        events = alerts.events(self.db, alert.id)
        found = guidance(self.db, alert, [result.finding for result in findings])
        linked = incidents.get_by_id(self.db, alert.incident_id).key if alert.incident_id else None
        chart = self.charts.get(alert.id, "")
        if alert.id not in self.charts:
            self._draw(alert)
        if alert.id not in self.beside and alert.id != self.reading:
            self._read_beside(alert)
        beside = self.beside.get(alert.id, ())
        body = present.detail(alert, findings, events, found, self.shell.now(), self.shell.stamp, linked, chart, beside)
        return f"alert {alert.id}  {alert.model}  {alert.tier}", body

    def _draw(self, alert: Alert) -> None:
        """The chart follows from a thread: it unpacks the readings of many batches."""
        stamp, now = self.shell.stamp, self.shell.now()
        width = self.detail.size.width or self.size.width

        def work(db: sqlite3.Connection) -> tuple[int, str]:
            from core.past_values import past_values
            from tui.present.past_values import chart

            found = past_values(db, alert, now)
            return alert.id, "" if found is None else chart(found, stamp, width)

        self.read("chart", work, self._drawn)

    def _drawn(self, drawn: tuple[int, str]) -> None:
        self.charts[drawn[0]] = drawn[1]
        if drawn[1] and self.table.key is not None:
            self._show(self.table.key)

    def _read_beside(self, alert: Alert) -> None:
        """Precision and touch follow from a thread: the latter opens the batch's file."""
        now, self.reading = self.shell.now(), alert.id

        def work(db: sqlite3.Connection) -> tuple[int, list[str]]:
            from core.touch.beside import LARGEST, precision_words, touch_words

            stopped = jobs.stopper()
            right = precision_words(db, alert, [r.finding for r in results.of_alert(db, alert.id)], now)
            # Who flies over the list has long left: no file is opened for that.
            return alert.id, right if stopped() else [*right, *touch_words(db, alert, most=LARGEST)]

        self.read("beside", work, self._show_beside)

    def _show_beside(self, read: tuple[int, list[str]]) -> None:
        self.beside[read[0]] = read[1]
        if read[1] and self.table.key is not None:
            self._show(self.table.key)

    def enter_details(self, key: str) -> bool:
        """The rows that failed."""
        from tui.screens.finding_rows import open_findings

        alert = self.alert(key)
        return open_findings(self, results.of_alert(self.db, alert.id), f"alert {alert.id}  {alert.title}")

    def focus_on(self) -> Focus | None:
        """The alert's batch, and the slices that its findings name."""
        if self.table.key is None:
            return None
        alert = self.alert()
        named = [r.finding.slice for r in results.of_alert(self.db, alert.id) if r.finding.slice]
        return Focus(alert.model, alert.batch_id, tuple(dict.fromkeys(named)), alert.id)

    def do_acknowledge(self) -> None:
        """Acknowledge the chosen groups and storms; where nothing fires, ask whether to take the answer back."""
        chosen = self.chosen()
        actor, now = self.shell.services.actor(), self.shell.now()
        if not chosen.firing(now) and chosen.acknowledged_whole(self.db):
            snoozing.wake(self, chosen)
            return
        if not chosen.firing(now):
            title = f"Nothing of {counted(len(chosen.heads), 'group')} fires: {chosen.heads[0].state_at(now)} already"
            back = ("u", "wake", "undo: take back what was answered, it fires again")
            self.shell.open_sheet(Choice(title, [back]), lambda _: snoozing.wake(self, chosen))
            return
        told = len(chosen.storms) and " in one answer; a again takes it back"
        self.record(
            "acknowledge",
            lambda db: chosen.acknowledge(db, actor, now),
            lambda n: self.shell.say(f"{n} acknowledged{told or ''}" if n else "nothing was firing"),
        )

    def do_snooze(self) -> None:
        """Ask until when, saying what it hides; snooze the chosen groups and storms."""
        snoozing.ask(self, self.chosen())

    def do_incident(self) -> None:
        """Open an incident from the chosen groups, or link them to a live one."""
        from tui.screens.open_incident import open_or_link

        chosen = self.chosen()
        if len(chosen.storms) == 1 and not chosen.alerts:
            storm_rows.open_incident(self, chosen.storms[0])
        else:
            open_or_link(self, chosen.heads)

    def do_feedback(self) -> None:
        """Ask what the chosen alerts were worth."""
        feedback.ask(self, self.chosen().heads)

    def do_tune(self) -> None:
        """What could be changed of the check behind the alert, so that noise goes and every known fault stays."""
        from tui.screens.tuning import open_tuning

        open_tuning(self, self.alert())

    def do_why(self) -> None:
        """Why the alert under the cursor was raised: its batch, or the newest where it has none."""
        from tui.screens.why import open_why

        alert = self.alert()
        open_why(self, alert.model, alert=alert.id)

    def do_cases(self) -> None:
        """The rows behind the alert become failure cases."""
        from tui.screens.failure_cases import add_cases_of_alert

        add_cases_of_alert(self, self.alert())

    def do_freeze(self) -> None:
        """Freeze an evaluation set of the alert's model."""
        from tui.screens.failure_cases import freeze

        freeze(self, self.alert().model)

    def do_rollback(self) -> None:
        """The rollback sheet of the alert's model; the reason is its incident, else the alert itself."""
        from tui.screens.rollback import open_rollback

        alert = self.alert()
        linked = rollback_evidence.incident_title(self.db, alert.incident_id) if alert.incident_id else None
        reason = None if linked else f"rolled back from the screen: {alert.title}"
        open_rollback(self, alert.model, incident_key=linked[0] if linked else None, reason=reason)
