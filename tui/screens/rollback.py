"""The sheets behind ``R`` and ``u``: what would be done is read first, shown, bound, and done once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Literal

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from core import rollback
from core.rollback.execution import ENTER, Outcome
from core.rollback.looking import Look, look, look_undo
from storage.errors import MidwatchError
from storage.tables import rollbacks
from tui import jobs
from tui.present import rollback_sheet as present
from tui.present.moments import second
from tui.present.text import visible
from tui.screens.sheet import Sheet

if TYPE_CHECKING:
    from tui.widgets.pane import Pane

TICK_SECONDS = 0.2
"""How often the journal is read while a rollback is under way."""


def open_rollback(
    pane: Pane, model_name: str, *, to: str | None = None, incident_key: str | None = None, reason: str | None = None
) -> None:
    """Open the rollback sheet of a model.

    Args:
        to: the version to go to; the best candidate by default.
        incident_key: the incident it belongs to; by default the model's open one, if it has exactly one.
        reason: by default the incident's key and title.
    """
    pane.shell.open_sheet(RollbackSheet(model_name, to=to, incident_key=incident_key, reason=reason))


def open_undo(pane: Pane, model_name: str) -> None:
    """Open the sheet that undoes the last rollback of a model."""
    pane.shell.open_sheet(UndoSheet(model_name))


class ActingSheet(Sheet):
    """Shows a plan, binds it, executes it once and tells every state it goes through.

    It takes no keys while the plan is being made: only a painted plan is asked about, so only a painted plan can be
    confirmed. A plan that expires is made again for the same target.
    """

    def __init__(self, title: str, model_name: str, command: str) -> None:
        super().__init__(title, "reading the world; nothing is changed by that ...", command=command)
        self.model_name = model_name
        self.seen: Look | None = None
        self.trouble = ""
        self.why_again = ""
        self.outcome: Outcome | None = None
        self.ended = False
        self._steps = ""
        self._expiry: Timer | None = None
        self._journal: Timer | None = None

    def make(self, db: sqlite3.Connection) -> Look:
        """The plan; runs in a thread and only reads."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Read the world at once."""
        self._plan()

    # -- planning -----------------------------------------------------------------------------------------------

    def again(self, why: str) -> None:
        """Make the plan again: what was typed is forgotten and keys stay off until the new one is painted."""
        self.why_again = why
        self._plan()

    def _plan(self) -> None:
        self.seen, self.trouble = None, ""
        self.armed, self.silent, self.asked, self.typed, self.required = False, False, None, "", ""
        self._draw()
        jobs.start(
            self, "plan", self._made, connect=self.shell.services.reader, then=self._planned, instead=self._unplanned
        )

    def _made(self, db: sqlite3.Connection) -> Look:
        """As on the command line, what a killed process left open is ended first: it would stand in the way."""
        if rollbacks.any_left(db):
            with closing(self.shell.services.connect()) as writing:
                rollback.recover(writing, now=self.shell.now(), actor=self.shell.services.actor())
        return self.make(db)

    def _planned(self, seen: Look) -> None:
        plan = seen.plan
        self.seen, self.note = seen, ""
        self._title(present.head(plan))
        self.show(self._body(seen), required="" if plan.forbidden or not plan.must_type else plan.to_version)
        self.query_one(VerticalScroll).scroll_home(animate=False)
        if self._expiry is not None:
            self._expiry.stop()
        left = (plan.expires_at - self.shell.now()).total_seconds()
        self._expiry = self.set_timer(max(0.0, left), self._expired)

    def _unplanned(self, error: MidwatchError) -> None:
        self.trouble = error.message
        self.show(f"{error.message}\n\n{error.hint}" if error.hint else error.message, required="")

    def _expired(self) -> None:
        if not self.executed:
            self.again("the plan had expired and was made again: look at it, then confirm")

    def _body(self, seen: Look, steps: Text | None = None) -> RenderableType:
        return present.body(seen, self.shell.stamp, steps)

    def _title(self, words: str) -> None:
        self.query_one(".sheet-title", Static).update(Text(visible(words)))

    def ask_terminal(self) -> None:
        """Only about a painted plan."""
        if self.seen is not None:
            super().ask_terminal()

    def _ask(self) -> None:
        if self.seen is not None:
            super()._ask()

    # -- keys ---------------------------------------------------------------------------------------------------

    def state(self) -> str:
        """What the keys do now, in words."""
        if self.executed:
            return "under way; it is seen to its end"
        if self.trouble:
            return "nothing can be done from here; esc leaves"
        if self.seen is None:
            return "making the plan; keys are dropped until it stands here; esc leaves"
        if self.armed and self.seen.plan.forbidden:
            return f"can't be executed{self.choice_words()}; esc leaves"
        told = super().state()
        if self.armed:
            told = f"{self.why_again}; " * bool(self.why_again) + told + self.choice_words()
            told += "; ↑↓ more" * (self.query_one(VerticalScroll).max_scroll_y > 0)
        return told

    def choice_words(self) -> str:
        """How to choose something else, beginning with ``; ``; empty when there is nothing."""
        return ""

    def leave(self) -> None:
        """``esc``: any time before it begins, and after its end."""
        if self.ended:
            self.dismiss(self.outcome is not None and self.outcome.rolled_back)
        else:
            super().leave()

    def _confirm(self) -> None:
        if self.seen is None:
            return
        if self.seen.plan.forbidden:
            self.note = f"{'; '.join(self.seen.plan.forbidden)}: no override helps against that"
        elif self.shell.now() > self.seen.plan.expires_at:
            self.again("the plan had expired and was made again: look at it, then confirm")
        else:
            super()._confirm()

    # -- acting -------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Through the use case, with the key of the plan that was painted."""
        if self.seen is None:
            return
        seen, confirmed = self.seen, self.typed if self.required else ENTER
        actor, now = self.shell.services.actor(), self.shell.now()

        def work(db: sqlite3.Connection) -> Outcome:
            return rollback.execute(db, seen.plan, confirmed=confirmed, reason=seen.reason, actor=actor, now=now)

        jobs.start(
            self, "rollback", work, connect=self.shell.services.connect, then=self._done, instead=self._refused,
            records=True,
        )  # fmt: skip
        self._journal = self.set_interval(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Show the states that the journal has by now."""
        if self.seen is None:
            return
        try:
            found = rollbacks.by_key(self.shell.db, self.seen.plan.key)
            states = rollbacks.events(self.shell.db, found.id) if found else []
        except sqlite3.Error:
            return  # a writer holds the store: the next tick reads it
        told = present.steps(states, self.seen.plan, lambda moment: second(moment, utc=self.shell.utc))
        if told.plain != self._steps:
            self._steps = told.plain
            self.query_one("#sheet-body", Static).update(self._body(self.seen, told))
            self.query_one(VerticalScroll).scroll_home(animate=False)

    def _done(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._end(present.ending(outcome))

    def _refused(self, error: MidwatchError) -> None:
        self._end(str(error))

    def _end(self, words: str) -> None:
        if self._journal is not None:
            self._journal.stop()
        self._tick()
        self.ended = True
        self.shell.say(words)
        self.required = ""
        self.say(f"{words}. esc closes")


class RollbackSheet(ActingSheet):
    """Put another version in force; ``tab`` goes to the next candidate.

    Args:
        model_name: the model.
        to, incident_key, reason: see :func:`open_rollback`.
    """

    def __init__(
        self, model_name: str, *, to: str | None = None, incident_key: str | None = None, reason: str | None = None
    ) -> None:
        super().__init__("Rollback", model_name, f"midwatch rollback {model_name} --reason TEXT")
        self.to = to
        self.kind: dict[str, str] = {}
        self.incident_key = incident_key
        self.reason = reason

    def make(self, db: sqlite3.Connection) -> Look:
        """See :class:`ActingSheet`."""
        kind: Literal["fallback", "rollback"] = "fallback" if self.kind.get(self.to or "") == "fallback" else "rollback"
        return look(
            db, self.model_name, to=self.to, kind=kind, incident_key=self.incident_key, reason=self.reason,
            now=self.shell.now(), actor=self.shell.services.actor(),
        )  # fmt: skip

    def _planned(self, seen: Look) -> None:
        self.to = seen.plan.to_version  # made again, it is made for what was shown
        for candidate in seen.plan.candidates:
            self.kind.setdefault(candidate.version, candidate.kind)
        self.kind.setdefault(self.to, "named")
        self.command = f"midwatch rollback {self.model_name} --to {self.to} --reason TEXT"
        super()._planned(seen)

    def choice_words(self) -> str:
        """See :class:`ActingSheet`."""
        return "; tab another" if len(self.kind) > 1 else ""

    def _typed(self, event: events.Key) -> None:
        steps = {"tab": 1, "shift+tab": -1}
        if event.key not in steps:
            super()._typed(event)
        elif len(self.kind) > 1 and self.to is not None:
            names = list(self.kind)
            self.to = names[(names.index(self.to) + steps[event.key]) % len(names)]
            self.again("")


class UndoSheet(ActingSheet):
    """Put the exact state before the last rollback back."""

    def __init__(self, model_name: str) -> None:
        super().__init__("Undo", model_name, f"midwatch undo {model_name}")

    def make(self, db: sqlite3.Connection) -> Look:
        """See :class:`ActingSheet`."""
        return look_undo(db, self.model_name, now=self.shell.now(), actor=self.shell.services.actor())
