"""Makes a silence by key: what it is to meet, until when, why, and what it would have hidden, before it is made."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import alert_answers
from core.alert_answers import SilencePreview
from storage.errors import UsageError
from storage.host import Actor
from storage.records.alerts import Alert
from storage.tables import results
from tui.present import silences as present
from tui.screens.dialogs import Choice
from tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from tui.widgets.pane import Pane

_ENDS = [("4", "4", "four hours"), ("d", "24", "one day"), ("w", "168", "one week"), ("m", "720", "thirty days")]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a silence is to meet; None for any."""

    model_id: int
    check: str | None
    column: str | None
    words: str


class SilenceSheet(Sheet):
    """Shows what the silence would have hidden; ``enter`` makes it."""

    def __init__(self, pane: Pane, scope: Scope, until: datetime, reason: str, would: SilencePreview) -> None:
        told = present.preview(would, scope.words, pane.shell.stamp(until), reason)
        command = f"midwatch alerts silence --until {until:%Y-%m-%dT%H:%MZ} --reason ..."
        super().__init__("Silence", told, command=command)


def ask_scope(pane: Pane, alert: Alert) -> None:
    """Ask what is to be quiet, each with how much of the last seven days it would have hidden."""
    scopes = scopes_of(pane.db, alert)
    now = pane.shell.now()
    would = [preview(pane.db, scope, now) for scope in scopes]
    options = [
        (str(n), str(n), f"{scope.words}: {seen.words}")
        for n, (scope, seen) in enumerate(zip(scopes, would, strict=True), 1)
    ]
    pane.shell.open_sheet(
        Choice("What is to be quiet? A silence also meets what comes later", options),
        lambda n: pane.shell.call_later(_ask_end, pane, scopes[int(n) - 1]),
    )


def scopes_of(db: sqlite3.Connection, alert: Alert) -> list[Scope]:
    """What a silence may meet that is made from an alert: the narrowest first, its whole model last.

    A silence meets an alert only if it meets every finding of it, so a scope is offered only where they agree.
    """
    findings = [result.finding for result in results.of_alert(db, alert.id)]
    checks, columns = {f.check for f in findings}, {f.column for f in findings}
    check = checks.pop() if len(checks) == 1 else None
    column = columns.pop() if len(columns) == 1 else None
    found = []
    if check and column:
        found.append(Scope(alert.model_id, check, column, f"{check} of {column} in {alert.model}"))
    if column:
        found.append(Scope(alert.model_id, None, column, f"whatever accuses {column} alone in {alert.model}"))
    if check:
        found.append(Scope(alert.model_id, check, None, f"{check} in any column of {alert.model}"))
    return [*found, Scope(alert.model_id, None, None, f"everything of {alert.model}")]


def preview(db: sqlite3.Connection, scope: Scope, now: datetime) -> SilencePreview:
    """What it would have hidden."""
    return alert_answers.preview_silence(db, model_id=scope.model_id, check=scope.check, column=scope.column, now=now)


def _ask_end(pane: Pane, scope: Scope) -> None:
    pane.shell.open_sheet(
        Choice(f"Silence {scope.words}: until when?", _ENDS),
        lambda hours: pane.shell.call_later(_ask_reason, pane, scope, int(hours)),
    )


def _ask_reason(pane: Pane, scope: Scope, hours: int) -> None:
    def said(reason: str) -> None:
        if not reason.strip():
            raise UsageError("a silence needs a reason", "say why, for the person who finds it next week")
        until = pane.shell.now() + timedelta(hours=hours)
        would = preview(pane.db, scope, pane.shell.now())
        sheet = SilenceSheet(pane, scope, until, reason.strip(), would)
        pane.shell.open_sheet(sheet, lambda _: _make(pane, scope, until, reason))

    pane.shell.ask("why is it to be quiet: ", said)


def _make(pane: Pane, scope: Scope, until: datetime, reason: str) -> None:
    actor: Actor = pane.shell.services.actor()
    now = pane.shell.now()

    def work(db: sqlite3.Connection) -> int:
        return alert_answers.silence(
            db,
            model_id=scope.model_id,
            check=scope.check,
            column=scope.column,
            ends_at=until,
            reason=reason,
            actor=actor,
            now=now,
        )

    told = f"is in force until {pane.shell.stamp(until)}; :silences lists and ends them"
    pane.record("silence", work, lambda number: pane.shell.say(f"silence {number} {told}"))
