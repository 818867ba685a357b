"""Pane 2: alerts, one line a group, the loudest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import RenderableType

from core import alert_answers
from storage.errors import UsageError
from storage.records.alerts import Alert
from storage.tables import alerts, incidents, models, results, rollback_evidence
from tui import jobs
from tui.focus import Focus
from tui.present import alerts as present
from tui.present.columns import Column
from tui.screens.dialogs import Choice
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View

_ORDER = {"": "tier", "tier": "tier", "model": "model", "window": "time", "seen": "score"}
MORNING = 8
"""The local hour until which "until morning" snoozes."""

FEEDBACK = [
    ("a", "acted", "acted: there was something to do, and it was done"),
    ("u", "useful", "useful: right to tell, nothing to do"),
    ("n", "noise", "noise: nothing was wrong; its batch joins the baseline"),
    ("d", "duplicate", "duplicate of another alert"),
    ("l", "late", "late: right, but too late"),
]


class AlertRows:
    """Groups of alerts straight from the store, a window at a time."""

    def __init__(self, pane: AlertsPane) -> None:
        self.pane = pane

    def _where(self, view: View) -> dict[str, Any]:
        name = self.pane.shell.model
        return {
            "model_id": models.get(self.pane.db, name).id if name else None,
            "like": view.filter or None,
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
        return [Row(key_of(a), present.cells(a, shell.now(), shell.clock)) for a in found]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        model_id, group_key = parts_of(key)
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
        Column("acted", "ACT", 4, rank=5, right=True, sortable=False),
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
        """The latest alert of the row under the cursor."""
        wanted = key or self.table.key
        found = alerts.head(self.db, *parts_of(wanted)) if wanted else None
        if found is None:
            raise UsageError("there is no alert under the cursor", "move to one with j and k")
        return found

    def chosen(self) -> list[Alert]:
        """The marked alerts, else the one under the cursor."""
        return [self.alert(key) for key in self.table.chosen()]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        alert = self.alert(key)
        findings = results.of_alert(self.db, alert.id)
        events = alerts.events(self.db, alert.id)
        past = alerts.past_actions(self.db, alert.fingerprint)
        linked = incidents.get_by_id(self.db, alert.incident_id).key if alert.incident_id else None
        chart = self.charts.get(alert.id, "")
        if alert.id not in self.charts:
            self._draw(alert)
        if alert.id not in self.beside and alert.id != self.reading:
            self._read_beside(alert)
        beside = self.beside.get(alert.id, ())
        body = present.detail(alert, findings, events, past, self.shell.now(), self.shell.stamp, linked, chart, beside)
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
        """Acknowledge the chosen groups."""
        ids = [alert.id for alert in self.chosen()]
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> int:
            return sum(len(alert_answers.acknowledge(db, i, actor=actor, now=now)) for i in ids)

        self.record("acknowledge", work, lambda n: self.shell.say(f"{n} acknowledged" if n else "nothing was firing"))

    def do_snooze(self) -> None:
        """Ask until when, saying what it hides; snooze the chosen groups."""
        chosen, now = self.chosen(), self.shell.now()
        loud = sum(alert.tier in ("page", "ticket") for alert in chosen)
        title = f"Snooze {len(chosen)} group(s), {loud} of them page or ticket; louder repeats fire all the same"
        options = [
            ("1", "1", "one hour"),
            ("4", "4", "four hours"),
            ("m", "morning", f"until {MORNING:02d}:00 local time"),
            ("d", "24", "one day"),
            ("w", "168", "one week"),
        ]
        self.shell.open_sheet(Choice(title, options), lambda picked: self._snooze(chosen, end_of(picked, now)))

    def _snooze(self, chosen: list[Alert], until: datetime) -> None:
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> int:
            return sum(len(alert_answers.snooze(db, a.id, until, actor=actor, now=now)) for a in chosen)

        self.record("snooze", work, lambda n: self.shell.say(f"{n} snoozed until {self.shell.stamp(until)}"))

    def do_incident(self) -> None:
        """Open an incident from the chosen groups, or link them to a live one."""
        from tui.screens.open_incident import open_or_link

        open_or_link(self, self.chosen())

    def do_feedback(self) -> None:
        """Ask what the chosen alerts were worth."""
        chosen = self.chosen()
        self.shell.open_sheet(Choice("What was it worth?", FEEDBACK), lambda verdict: self._judge(chosen, verdict))

    def _judge(self, chosen: list[Alert], verdict: str) -> None:
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> str:
            admitted = [alert_answers.give_feedback(db, a.id, verdict, actor=actor, now=now) for a in chosen]
            joined = sum(answer is True for answer in admitted)
            return f"{verdict} recorded{f'; {joined} batch(es) joined the baseline' if joined else ''}"

        self.record("feedback", work, self.shell.say)

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


def end_of(picked: str, now: datetime) -> datetime:
    """The moment a choice of the snooze dialog stands for."""
    if picked != "morning":
        return now + timedelta(hours=int(picked))
    local = now.astimezone()
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)
