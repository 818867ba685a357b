"""What the shell's own keys do, and the command line behind ``:``."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from storage import clipboard as outside
from storage.errors import MidwatchError, RefusedError, UsageError
from tui import clipboard, jobs
from tui.lock import UNLOCK
from tui.panes import PaneSpec
from tui.screens.dialogs import Choice, Unlock
from tui.screens.help import Help, help_text
from tui.shell import Shell
from tui.widgets.detail import Detail
from tui.widgets.pane import ListPane

QUERIES = ("select", "sql", "with", "from")
"""First words of a command line that asks the batch under the cursor."""


def is_query(line: str) -> bool:
    """Whether a command line asks for rows.

    >>> is_query("SELECT 1"), is_query("sql select 1"), is_query("selection")
    (True, True, False)
    """
    words = line.split(None, 1)
    return len(words) == 2 and words[0].casefold() in QUERIES


def meaning(line: str, panes: Sequence[PaneSpec], models: Sequence[str]) -> tuple[str, str]:
    """What a command line asks for: ``quit``, ``pane``, ``model`` or ``all``, and its name.

    A name may be cut short as long as only one pane or model starts with it; a whole name wins over a start.

    Raises:
        UsageError: nothing, or more than one thing, is called so.

    >>> panes = [PaneSpec("alerts", "Alerts", ""), PaneSpec("home", "Home", "")]
    >>> meaning("al", panes, ["churn"]), meaning("churn", panes, ["churn"]), meaning("q", panes, [])
    (('pane', 'alerts'), ('model', 'churn'), ('quit', ''))
    """
    word = line.strip()
    if word in ("q", "q!", "quit", "exit"):
        return "quit", ""
    if word == "all":
        return "all", ""
    named = [("pane", spec.id) for spec in panes] + [("model", model) for model in models]
    whole = [entry for entry in named if entry[1] == word]
    found = whole or [entry for entry in named if word and entry[1].casefold().startswith(word.casefold())]
    if len(found) == 1 or whole:
        return found[0]
    known = ", ".join([spec.id for spec in panes] + list(models)[:5] + ["all", "q"])
    if found:
        raise UsageError(f":{word} could be {' or '.join(name for _, name in found[:4])}", "type more of it")
    raise UsageError(f"nothing is called {word!r} here", f"try {known}")


class Commands(Shell):
    """The methods ``shell_ID`` of the application: actions that every pane has."""

    def _in_list(self, act: Callable[[ListPane], object], scroll: Callable[[Detail], object]) -> None:
        pane = self.pane
        if not isinstance(pane, ListPane):
            return
        if pane.detail.has_focus:
            scroll(pane.detail)
        else:
            self.attempt(lambda: act(pane))

    def shell_down(self) -> None:
        """Down."""
        self._in_list(lambda p: p.table.move(1), lambda d: d.scroll_relative(y=1, animate=False))

    def shell_up(self) -> None:
        """Up."""
        self._in_list(lambda p: p.table.move(-1), lambda d: d.scroll_relative(y=-1, animate=False))

    def shell_top(self) -> None:
        """To the first row."""
        self._in_list(lambda p: p.table.move_to(0), lambda d: d.scroll_home(animate=False))

    def shell_bottom(self) -> None:
        """To the last row."""
        self._in_list(lambda p: p.table.move_to(p.table.count - 1), lambda d: d.scroll_end(animate=False))

    def shell_page_down(self) -> None:
        """One page down."""
        self._in_list(lambda p: p.table.page(1), lambda d: d.scroll_page_down(animate=False))

    def shell_page_up(self) -> None:
        """One page up."""
        self._in_list(lambda p: p.table.page(-1), lambda d: d.scroll_page_up(animate=False))

    def shell_mark(self) -> None:
        """Mark the row."""
        self._in_list(lambda p: p.table.mark(), lambda _: None)

    def shell_sort(self) -> None:
        """Sort by the next column."""

        def sort(pane: ListPane) -> None:
            self.say(pane.table.sort_next())
            pane.retitle()

        self._in_list(sort, lambda _: None)

    def shell_focus(self) -> None:
        """Between list and details."""
        pane = self.pane
        if isinstance(pane, ListPane) and not pane.has_class("-drilled"):
            (pane.table if pane.detail.has_focus else pane.detail).focus()

    def shell_close(self) -> None:
        """One step back in the pane; clears the message."""
        self.say("")
        pane = self.pane
        if pane is not None:
            pane.back()
            self.refresh_footer()

    async def shell_back(self) -> None:
        """One step back; from the first pane quit."""
        pane = self.pane
        if pane is None or (pane.pane_id == self.specs[0].id and not pane.back()):
            self.exit()
        elif pane.pane_id != self.specs[0].id and not pane.back():
            await self.action_pane(self.specs[0].id)

    def shell_zone(self) -> None:
        """UTC or local time."""
        self.utc = not self.utc
        self.refresh_data()
        self.say("times are UTC" if self.utc else "times are local, with their offset")

    def shell_help(self) -> None:
        """The help screen."""
        pane = self.pane
        title = next((spec.title for spec in self.specs if pane is not None and spec.id == pane.pane_id), "midwatch")
        self.open_sheet(Help(help_text(title, self.here(), self.specs, mode=self.writes.mode(self.now()))))

    def shell_unlock(self) -> None:
        """Unlock writes after a sheet; lock them again without one."""
        if self.writes.forced:
            self.fail(RefusedError(f"writes can't be unlocked: {self.writes.forced}"))
        elif self.writes.mode(self.now()) == "RW":
            self.writes.lock()
            self.refresh_bars()
            self.say("writes are locked")
        else:
            models = ", ".join(self.services.models(self.db)) or "none yet"
            minutes = int(UNLOCK.total_seconds() // 60)
            self.open_sheet(Unlock(minutes, self.header_state().store, models), self.unlocked)

    def shell_filter(self) -> None:
        """Ask for the filter."""
        pane = self.pane
        if not isinstance(pane, ListPane):
            return
        table = pane.table

        def chosen(text: str) -> None:
            if self.attempt(lambda: table.show(replace(table.view, filter=text.strip()))):
                pane.retitle()

        self.ask("/", chosen, value=table.view.filter)

    def shell_command(self) -> None:
        """Ask for a command."""
        self.ask(":", lambda line: self.call_next(self.command, line))

    async def command(self, line: str) -> None:
        """Run a command line."""
        if not line.strip():
            return
        if is_query(line):
            self.attempt(lambda: self.ask_sql(line))
            return
        try:
            what, name = meaning(line, self.specs, self.services.models(self.db))
        except MidwatchError as error:
            self.fail(error)
            return
        except sqlite3.Error as error:
            self.fail(jobs.sentence(error))
            return
        if what == "quit":
            self.exit()
        elif what == "pane":
            await self.action_pane(name)
        else:
            self.model = name
            self.refresh_data()
            self.say(f"only {name}; :all shows every model" if name else "every model")

    def ask_sql(self, line: str) -> None:
        """Lay the answer to a SELECT over the pane."""
        pane, focus = self.pane, self.look()
        if not isinstance(pane, ListPane) or focus is None:
            raise UsageError("a query asks the batch under the cursor", "put it on a model, alert or batch first")
        from tui.screens.query_list import QueryLevel

        QueryLevel(pane, focus, line).begin()

    def shell_copy(self) -> None:
        """Copy what the pane offers; where it offers several texts, ask which."""
        pane = self.pane
        choices = () if pane is None else pane.copy_choices()
        if len(choices) > 1:
            options = [(key, text, f"{words}:  {text}") for key, text, words in choices]
            self.open_sheet(Choice("Copy what?", options), self.copy)
        else:
            self.copy(choices[0][1] if choices else "" if pane is None else pane.copy_text())

    def copy(self, text: str) -> None:
        """Copy a text: through tmux if we are in it, else through the terminal, else into a file."""
        if not text:
            self.say("nothing to copy here")
            return

        def work() -> None:
            if outside.to_tmux(text):
                self.call_from_thread(self.say, f"copied {len(text)} characters to tmux and the clipboard")
            elif clipboard.carries(text, os.environ):
                self.call_from_thread(self._to_terminal, text)
            else:
                try:
                    path = outside.to_file(text, self.services.dump, self.now())
                except MidwatchError as error:
                    self.call_from_thread(self.fail, error)
                else:
                    self.call_from_thread(self.say, f"this terminal has no clipboard: written to {path}")

        self.run_worker(work, name="copy", group="copy", thread=True)

    def _to_terminal(self, text: str) -> None:
        driver = self._driver
        if driver is not None:
            driver.write(clipboard.osc52(text, tmux=outside.in_tmux()))
            driver.flush()
        self.say(f"sent {len(text)} characters to the terminal's clipboard")

    def unlocked(self, agreed: bool) -> None:
        """Writes are unlocked until the time is up; one timer, no polling."""
        if not agreed:
            return
        until = self.writes.unlock(self.now())
        self.set_timer(UNLOCK.total_seconds() + 0.5, self.refresh_bars)
        self.refresh_bars()
        self.say(f"writes are unlocked until {self.clock(until)}")
