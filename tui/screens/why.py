"""``w``: why a model, an alert's batch or a batch is as it is: symptoms and suspects above, evidence below."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from storage.errors import UsageError
from tui.present import why as present
from tui.present.text import fit, visible
from tui.screens.dialogs import Choice
from tui.screens.modal import Modal

if TYPE_CHECKING:
    from core.why.explanation import Explanation, Why
    from core.why.suspects import Suspect
    from tui.shell import Shell
    from tui.widgets.pane import Pane

MOST_OFFERED = 8
MOST_ROWS = 8
KEYS = "j k move  enter all  i incident  R roll back  8 change  y copy  esc leave"


def open_why(
    pane: Pane, model: str, *, batch: int | None = None, alert: int | None = None, at: datetime | None = None
) -> None:
    """Read why a model is as it is (or one batch, an alert's batch, the batch of a moment), and show it."""
    shell = pane.shell
    shell.say("looking for symptoms and suspects ...")
    now, store = shell.now(), shell.header_state().store

    def work(db: sqlite3.Connection) -> Why:
        from pathlib import Path

        from core.why.answer import directories, explain, explain_alert
        from core.why.entries import library
        from storage.tables import models

        found = models.get(db, model)
        symptoms = library(directories(found, Path(store) if store else None))
        if alert is not None:
            return explain_alert(db, alert, now=now, symptoms=symptoms)
        return explain(db, found, now=now, batch=batch, at=at, symptoms=symptoms)

    def show(why: Why) -> None:
        shell.say("")
        shell.open_sheet(WhyScreen(why, shell), lambda picked: _picked(pane, why, picked))

    pane.read("why", work, show)


def _picked(pane: Pane, why: Why, picked: str) -> None:
    """What a key on the screen asked for, done after it has closed."""
    word, _, rest = picked.partition(" ")
    shell = pane.shell
    if word == "rollback":
        from tui.screens.rollback import open_rollback

        reason = f"{why.words}; {why.explanations[0].answer}" if why.explanations else "why"
        shell.call_later(shell.attempt, lambda: open_rollback(pane, why.model.name, reason=reason))
    elif word == "change":
        shell.point("changes", rest)
        shell.call_later(shell.action_pane, "changes")
    elif word == "link":
        place, number = map(int, rest.split())
        one = why.explanations[place]
        suspect = one.lineup.suspects[number]
        shell.call_later(shell.attempt, lambda: _offer(pane, why, one, suspect))


def _offer(pane: Pane, why: Why, one: Explanation, suspect: Suspect) -> None:
    """Ask which live incident the suspect goes into."""
    from core.incidents.from_alerts import live_of

    live = live_of(pane.db, why.model.id, pane.shell.now(), MOST_OFFERED)
    if not live:
        raise UsageError(
            f"no incident of {why.model.name} lives that this could go into", "i opens one, then w i again"
        )
    keys = ["enter", *map(str, range(2, MOST_OFFERED + 1))]
    options = [(k, i.key, f"{i.key} {i.severity or ''} {i.state}: {i.title}") for k, i in zip(keys, live, strict=False)]
    title = f"Write {suspect.change.kind} {suspect.change.subject} as a hypothesis, with its evidence, into"
    pane.shell.open_sheet(Choice(title, options), lambda key: _link(pane, key, one, suspect))


def _link(pane: Pane, key: str, one: Explanation, suspect: Suspect) -> None:
    actor, now = pane.shell.services.actor(), pane.shell.now()

    def work(db: sqlite3.Connection) -> int:
        from core.why.linking import link

        return link(db, key, one, suspect, actor=actor, now=now)[1]

    def tell(facts: int) -> None:
        pane.shell.point("incidents", key)
        pane.shell.say(f"a hypothesis with {facts} facts stands in {key}: 3 shows it")

    pane.record("link", work, tell)


class WhyScreen(Modal[str | None]):
    """Rows of symptoms with their suspects, what to do and not to do, the cursor's details; everything at 80x24.

    Ends with what a key asked for: ``link P N``, ``rollback``, ``change TABLE:ID``, or nothing.
    """

    def __init__(self, why: Why, shell: Shell) -> None:
        super().__init__(classes="sheet")
        self.why = why
        self.shell = shell
        self.rows = present.rows(why, shell.stamp)
        self.at = next((i for i, row in enumerate(self.rows) if row[2] is not None), 0)
        self.whole = False

    def compose(self) -> ComposeResult:
        """Title, rows, details, keys."""
        yield Static(Text(visible(present.headline(self.why, self.shell.stamp))), classes="sheet-title", markup=False)
        yield Static("", id="why-rows", markup=False)
        yield Static("", id="why-advice", markup=False)
        with VerticalScroll(classes="sheet-body", can_focus=False):
            yield Static("", id="sheet-body", markup=False)
        yield Static("", id="sheet-state", markup=False)

    def on_mount(self) -> None:
        """Draw."""
        self.draw()

    def on_resize(self) -> None:
        """Lines are broken to the width."""
        self.draw()

    @property
    def wide(self) -> int:
        """Cells of a line of the details."""
        return max(40, self.size.width - 2)

    def draw(self) -> None:
        """Rows and the details of the one under the cursor."""
        lines = Text()
        first = max(0, min(self.at - MOST_ROWS + 2, len(self.rows) - MOST_ROWS))
        for place, (words, _, number) in list(enumerate(self.rows))[first : first + MOST_ROWS]:
            mark = ">" if place == self.at else " "
            line = fit(f"{mark}{visible(words)}", self.size.width)
            line.stylize("reverse" if place == self.at else "" if number is not None else "bold")
            lines.append_text(line).append("\n")
        shown = self.query_one("#why-rows", Static)
        shown.display = bool(self.rows) and not self.whole
        shown.update(Text(lines.plain, no_wrap=True, spans=lines.spans))
        self.query_one("#sheet-body", Static).update(self.details())
        advice = self.query_one("#why-advice", Static)
        advice.display = bool(self.rows)
        if self.rows:
            advice.update(present.advice(self.why.explanations[self.rows[self.at][1]], self.wide))
        self._say("")
        self.call_after_refresh(self._say, "")  # only now the height of the details is known

    def state(self) -> str:
        """The keys that work now, and where the details go on."""
        scroller = self.query_one(VerticalScroll)
        above, below = scroller.scroll_target_y > 0, scroller.scroll_target_y < scroller.max_scroll_y
        arrows = f"{'↑' if above else ''}{'↓' if below else ''}"
        return f"{KEYS if self.rows else 'nothing stands out; esc leaves'}{f' {arrows}pgdn' if arrows else ''}"

    def details(self) -> Text:
        """Of the row under the cursor."""
        if not self.rows:
            return present.nothing(self.why, self.wide)
        _, place, number = self.rows[self.at]
        one = self.why.explanations[place]
        if number is None:
            return present.explanation(one, self.shell.stamp, self.wide)
        return present.suspect(one.lineup.suspects[number], self.shell.stamp, self.wide)

    def on_key(self, event: events.Key) -> None:
        """Move, drill in, ask for something, leave."""
        event.stop()
        event.prevent_default()
        scroller = self.query_one(VerticalScroll)
        steps = {"pagedown": scroller.size.height - 1, "pageup": 1 - scroller.size.height}
        if event.key in ("escape", "q", "w", "ctrl+c"):
            if self.whole and event.key == "escape":
                self.whole = False
                self.draw()
            else:
                self.dismiss(None)
        elif event.key in ("j", "k", "down", "up"):
            step = 1 if event.key in ("j", "down") else -1
            if self.whole:
                self._scroll(step)
            elif self.rows:
                self._go(self.at + step)
        elif event.key in ("g", "home", "G", "end"):
            top = event.key in ("g", "home")
            if self.whole or not self.rows:
                self._scroll(-scroller.max_scroll_y if top else scroller.max_scroll_y)
            else:
                self._go(0 if top else len(self.rows) - 1)
        elif event.key in steps:
            self._scroll(steps[event.key])
        elif event.key == "enter" and self.rows:
            self.whole = not self.whole
            self.draw()
        elif event.character in ("i", "R", "8", "y") and self.rows:
            self._act(event.character)

    def _scroll(self, lines: int) -> None:
        """The details by that many lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False, immediate=True)
        self._say("")

    def _go(self, row: int) -> None:
        """The cursor to a row, or the nearest there is."""
        self.at = max(0, min(len(self.rows) - 1, row))
        self.query_one(VerticalScroll).scroll_home(animate=False, immediate=True)
        self.draw()

    def _act(self, key: str) -> None:
        """A key that needs a suspect, or ends the screen."""
        _, place, number = self.rows[self.at]
        if key == "y":
            from storage.clipboard import to_file

            text = present.plain(self.why, self.shell.stamp, 100)
            path = to_file(text, self.shell.services.dump, self.shell.now())
            self._say(f"written to {path}")
            return
        if key == "R":
            self.dismiss("rollback")
            return
        suspects = self.why.explanations[place].lineup.suspects
        if not suspects:
            self._say("no change is suspected of this symptom")
            return
        chosen = number if number is not None else 0
        if key == "8":
            self.dismiss(f"change {suspects[chosen].change.reference}")
            return
        refused = self.shell.writes.refusal("Link", self.shell.now())
        if refused:
            self._say(refused)
        else:
            self.dismiss(f"link {place} {chosen}")

    def _say(self, words: str) -> None:
        """A sentence on the last line; none: the keys."""
        self.query_one("#sheet-state", Static).update(Text(visible(words or self.state())))
