"""The shell: what every pane and sheet may use, the panes themselves, and the bars around them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.screen import ModalScreen, Screen
from textual.widget import MountError
from textual.widgets import ContentSwitcher

from storage.errors import MidwatchError, RefusedError
from tui import jobs, panes
from tui.actions import Action, here
from tui.focus import Focus
from tui.lock import WriteLock
from tui.panes import PaneSpec
from tui.present import moments
from tui.present.lines import HeaderState, footer_line, header_line
from tui.screens.main import MainScreen
from tui.services import Services
from tui.terminal import question
from tui.widgets.bars import Line, Status
from tui.widgets.pane import Pane
from tui.widgets.prompt import Prompt


class Shell(App[None], inherit_bindings=False):
    """The application without its keys; see :class:`tui.app.MidwatchApp` for the arguments."""

    CSS_PATH = "styles/shell.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(
        self,
        services: Services,
        *,
        read_only: str = "",
        locked: bool = True,
        specs: Sequence[PaneSpec] | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.theme = os.environ.get("TEXTUAL_THEME") or "ansi-dark"
        self.animation_level = "none"
        self.services = services
        self.writes = WriteLock(forced=read_only, locked=locked)
        self.specs = tuple(panes.PANES if specs is None else specs)
        self.model = ""
        self.subject: Focus | None = None
        self.utc = False
        self._wanted: dict[str, str] = {}
        self._db: sqlite3.Connection | None = None
        self._watch: jobs.StoreWatch | None = None
        self._header = HeaderState("", "")
        self._refreshed: datetime | None = None
        self._questions = 0
        self._late = False
        self._begun = False
        self._early: list[events.Key] | None = []

    def get_default_screen(self) -> Screen[None]:
        """Header, pane, footer."""
        return MainScreen(id="_default")

    def _fatal_error(self) -> None:
        """End with a traceback without the values of variables: they may hold what a model file redacts."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        trace = Traceback(show_locals=False, width=None, max_frames=10)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()

    # -- what panes and sheets use ------------------------------------------------------------------------------

    @property
    def db(self) -> sqlite3.Connection:
        """The screen's own read-only connection, for reads under 5 ms; opened at the first use."""
        if self._db is None:
            self._db = self.services.reader()
        return self._db

    def now(self) -> datetime:
        """The clock."""
        return self.services.now()

    def stamp(self, moment: datetime) -> str:
        """A moment as this screen shows it, with the day."""
        return moments.stamp(moment, utc=self.utc)

    def clock(self, moment: datetime) -> str:
        """A moment as this screen shows it, hour and minute."""
        return moments.clock(moment, utc=self.utc)

    def brief(self, moment: datetime) -> str:
        """A moment as a narrow cell shows it: the clock today, else day and hour."""
        return moments.brief(moment, self.now(), utc=self.utc)

    def age(self, moment: datetime) -> str:
        """How long ago a moment was."""
        return moments.age(self.now() - moment)

    def say(self, sentence: str) -> None:
        """One sentence above the footer."""
        self._main.query_one(Status).say(sentence)

    def fail(self, error: MidwatchError) -> None:
        """An error, in one sentence above the footer."""
        self._main.query_one(Status).say(str(error), error=not isinstance(error, RefusedError))

    def attempt(self, read: Callable[[], object]) -> bool:
        """Run a short read in the screen's thread; its errors become a sentence. False if there was one."""
        try:
            read()
        except MidwatchError as error:
            self.fail(error)
        except sqlite3.Error as error:
            self.fail(jobs.sentence(error))
        else:
            return True
        return False

    def ask(self, label: str, answer: Callable[[str], None], *, value: str = "") -> None:
        """Ask for one line below the pane; ``answer(line)`` follows ``enter``, its errors become a sentence."""

        def answered(line: str) -> None:
            self.attempt(lambda: answer(line))

        self._main.query_one(Prompt).ask(label, answered, value=value, left=self._focus_pane)

    def open_sheet(self, sheet: ModalScreen[Any], then: Callable[[Any], object] | None = None) -> None:
        """Show a sheet or dialog over the pane, only one at a time; lists keep their order until it is gone.

        ``then(result)`` is not called when a person left without a decision (``None`` or ``False``).
        """

        def closed(result: Any) -> None:
            if then is not None and result is not None and result is not False:
                decided, chosen = then, result
                self.attempt(lambda: decided(chosen))
            self.call_after_refresh(self._catch_up)

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(sheet, closed)

    def ask_cursor(self) -> tuple[int, int]:
        """Ask the terminal for its cursor on a place used by no other recent question; returns row and column."""
        self._questions += 1
        # Never row 1: shift+F3 looks like a report of it.
        row = 2 + self._questions % max(1, self.size.height - 1)
        column = 1 + self._questions * 7 % max(1, self.size.width - 1)
        if self._driver is not None:
            self._driver.write(question(row, column))
            self._driver.flush()
        return row, column

    # -- panes --------------------------------------------------------------------------------------------------

    @property
    def _main(self) -> Screen[Any]:
        return self.screen_stack[0]

    @property
    def pane(self) -> Pane | None:
        """The pane on the screen."""
        name = self._main.query_one(ContentSwitcher).current
        return None if name is None else self._main.query_one(f"#{name}", Pane)

    async def action_pane(self, name: str) -> None:
        """Show a pane; mount it at the first visit."""
        spec = next((spec for spec in self.specs if spec.id == name), None)
        if spec is None:
            return
        self.look()
        switcher = self._main.query_one(ContentSwitcher)
        if not switcher.query(f"#pane-{name}"):
            pane = spec.load()
            pane.id, pane.pane_id = f"pane-{name}", name
            try:
                await switcher.add_content(pane)
            except MountError:
                if switcher.is_attached:
                    raise
            if not pane.is_attached:  # a signal ended the program meanwhile
                return
        switcher.current = f"pane-{name}"
        self.say("")
        self._focus_pane()
        # Before the layout: the first frame is already the full one.
        self.refresh_data(only_stale=True)

    def look(self) -> Focus | None:
        """What the cursor stands on, else what it stood on last, else the model everything is narrowed to."""
        pane, found = self.pane, list[Focus | None]()
        if pane is not None and self.attempt(lambda: found.append(pane.focus_on())) and found[0] is not None:
            self.subject, before = found[0], self.subject
            for other in self._main.query(Pane) if before != found[0] else ():
                other.stale |= other.follows
        elif self.subject is None and self.model:
            self.subject = Focus(self.model)
        return self.subject

    def _focus_pane(self) -> None:
        pane = self.pane
        target = None if pane is None else pane.focus_target()
        self._main.set_focus(target)
        self.refresh_footer()

    def point(self, name: str, key: str) -> None:
        """The pane of that name puts its cursor on that row when it is shown next."""
        self._wanted[name] = key
        for pane in self._main.query(f"#pane-{name}").results(Pane):
            pane.stale = True

    def pointed(self, name: str) -> str | None:
        """The row a pane was pointed at, told once."""
        return self._wanted.pop(name, None)

    def refresh_data(self, *, only_stale: bool = False) -> None:
        """Read the store again: the pane on the screen now, the others when they are shown."""
        if isinstance(self.screen, ModalScreen):
            self._late = True
            return
        shown = self.pane
        if not only_stale:
            for pane in self._main.query(Pane):
                pane.stale = True
        if shown is None or (only_stale and not shown.stale):
            self.refresh_bars()
            return
        if self.attempt(shown.reload) and self.attempt(self._read_header):
            shown.stale = False
            self._refreshed = self.now()
        self.refresh_bars()

    def _catch_up(self) -> None:
        late, self._late = self._late, False
        if late:
            self.refresh_data()
        self.refresh_bars()

    # -- bars ---------------------------------------------------------------------------------------------------

    def _read_header(self) -> None:
        self._header = self.services.header(self.db)

    def header_state(self) -> HeaderState:
        """What the header shows."""
        mode = self.writes.mode(self.now())
        return replace(self._header, mode=mode, refreshed=self._refreshed, model=self.model, utc=self.utc)

    def refresh_bars(self) -> None:
        """Header and footer, where they have changed."""
        self._main.query_one("#header", Line).put(header_line(self.header_state(), self.size.width))
        self.refresh_footer()

    def refresh_footer(self) -> None:
        """The keys that work here."""
        name = next((spec.title for spec in self.specs if self.pane and spec.id == self.pane.pane_id), "")
        actions = [action for action in self.here() if action.footer]
        others = [(spec.key, spec.title) for spec in self.specs if spec.key]
        self._main.query_one("#footer", Line).put(footer_line(name, actions, others, self.size.width))

    def on_resize(self) -> None:
        """The bars are cut to the width."""
        if self._begun:
            self.call_after_refresh(self.refresh_bars)

    def here(self) -> tuple[Action, ...]:
        """The actions that work in the pane on the screen."""
        pane = self.pane
        return () if pane is None else here(pane.pane_id, pane.works())
