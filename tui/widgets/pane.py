"""What a pane is made of: its actions, its jobs, and the list with details that most panes are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.widget import Widget

from storage.errors import MidwatchError, RefusedError
from tui import jobs
from tui.messages import Highlighted
from tui.present.columns import Column
from tui.widgets.detail import Detail, Heading
from tui.widgets.export import export
from tui.widgets.level import Level, methods_of
from tui.widgets.rows import RowSource, View
from tui.widgets.table import Table

if TYPE_CHECKING:
    from tui.focus import Focus
    from tui.shell import Shell

Result = TypeVar("Result")


class Pane(Widget):
    """A pane of the screen. A method ``do_ID`` answers the action ID of ACTIONS.

    Attributes:
        pane_id: its id in PANES, set by the shell.
        stale: the store has changed since it last read.
        follows: shows what the cursor of other panes stands on, so that it is stale too when that is another thing.
    """

    follows = False

    def __init__(self) -> None:
        super().__init__(classes="pane")
        self.pane_id = ""
        self.stale = True

    def reload(self) -> None:
        """Read the store again and show it; called when the pane is shown and when the store has changed."""

    def focus_target(self) -> Widget | None:
        """The widget that gets the keys when the pane is shown."""
        return None

    def offers(self, action: str) -> bool:
        """Whether an action this pane has a method for makes sense at this moment; hides it from footer and help."""
        return True

    def back(self) -> bool:
        """One step back inside the pane; False when there is none."""
        return False

    def copy_text(self) -> str:
        """What ``y`` copies; empty when there is nothing."""
        return ""

    def copy_choices(self) -> Sequence[tuple[str, str, str]]:
        """Texts between which ``y`` asks: key, text and words of each; empty: :meth:`copy_text` it is."""
        return ()

    def focus_on(self) -> Focus | None:
        """The model and batch under the cursor; None when this pane is not about one."""
        return None

    # -- what the shell offers ----------------------------------------------------------------------------------
    @property
    def shell(self) -> Shell:
        """The application."""
        return cast("Shell", self.app)

    @property
    def db(self) -> sqlite3.Connection:
        """The screen's own read-only connection, for reads under 5 ms."""
        return self.shell.db

    def works(self) -> frozenset[str]:
        """Ids of the actions this pane answers now."""
        return frozenset(action for action in methods_of(self) if self.offers(action))

    def answer(self, action: str) -> None:
        """Run an action's method."""
        getattr(self, f"do_{action}")()

    def read(
        self,
        job: str,
        work: Callable[[sqlite3.Connection], Result],
        then: Callable[[Result], None],
        *,
        instead: Callable[[MidwatchError], None] | None = None,
    ) -> None:
        """A longer read in a thread, on a connection of its own; ``then(result)`` follows in the screen's thread."""
        jobs.start(self, job, work, connect=self.shell.services.reader, then=then, instead=instead)

    def progress(self) -> jobs.Progress:
        """For the use case of a long job: call it with one sentence from the job's thread."""
        return jobs.Progress(self.shell, self.shell.say)

    def record(
        self,
        job: str,
        work: Callable[[sqlite3.Connection], Result],
        then: Callable[[Result], None] | None = None,
        *,
        instead: Callable[[MidwatchError], None] | None = None,
    ) -> None:
        """A use case that writes, in a thread; refused here too while the screen is read-only."""
        refused = self.shell.writes.refusal(job.capitalize(), self.shell.now())
        if refused:
            self.shell.fail(RefusedError(refused))
            return
        jobs.start(self, job, work, connect=self.shell.services.connect, then=then, instead=instead, records=True)


class ListPane(Pane):
    """A list with details: beside it from 110 columns, below it on a narrower screen.

    A pane sets :attr:`columns` and writes :meth:`source` and :meth:`details`; all else is here. Over its own list it
    can lay others (:meth:`lay`), which ``esc`` takes away one by one.
    """

    columns: Sequence[Column] = ()
    empty = "nothing here"

    def __init__(self) -> None:
        super().__init__()
        self._laid: list[tuple[Level, Table, bool]] = []

    def source(self) -> RowSource:
        """Where the rows come from."""
        raise NotImplementedError

    def details(self, key: str) -> tuple[str, RenderableType]:
        """Title and body of a row's details: one short read."""
        raise NotImplementedError

    def heading(self) -> Text | None:
        """What stands above the list, at most three lines."""
        return None

    def enter(self, key: str) -> bool:
        """What ``enter`` leads to from the list; False: to the details."""
        return False

    def enter_details(self, key: str) -> bool:
        """What ``enter`` leads to from details that fill the pane; False: nothing."""
        return False

    def compose(self) -> ComposeResult:
        """Heading, list and details."""
        yield Heading()
        yield Table(self.columns, self.source(), empty=self.empty)
        yield Detail()

    @property
    def own_table(self) -> Table:
        """The pane's own list, whatever lies over it."""
        return self.query(Table).first()

    @property
    def table(self) -> Table:
        """The list that a person sees."""
        return self._laid[-1][1] if self._laid else self.own_table

    @property
    def top(self) -> Level | ListPane:
        """Whose list a person sees."""
        return self._laid[-1][0] if self._laid else self

    @property
    def detail(self) -> Detail:
        """The details."""
        return self.query_one(Detail)

    # -- lists over the list ------------------------------------------------------------------------------------

    def lay(self, level: Level) -> None:
        """Lay a list over what is shown."""
        below, table = self.table, Table(level.columns, level.source(), empty=level.empty)
        self._laid.append((level, table, self.has_class("-drilled")))
        self.remove_class("-drilled")
        below.add_class("-under")
        self.mount(table, after=below)
        self.renew()
        self.screen.set_focus(table)
        self.shell.refresh_footer()

    def lift(self) -> bool:
        """Take the topmost list away; False when only the pane's own is there."""
        if not self._laid:
            return False
        _, table, drilled = self._laid.pop()
        self.table.remove_class("-under")
        self.set_class(drilled, "-drilled")
        table.remove()
        self.renew()
        self.screen.set_focus(self.focus_target())
        self.shell.refresh_footer()
        return True

    def relaid(self) -> None:
        """The topmost list has other columns."""
        level, table, _ = self._laid[-1]
        table.columns, table.source = level.columns, level.source()
        self.renew()

    def renew(self) -> None:
        """What is on top has other rows or another heading."""
        self.retitle()
        self.table.empty = self.top.empty
        self.table.reload()

    def retitle(self) -> None:
        """The list on top is filtered or sorted otherwise."""
        self.query_one(Heading).put(self.top.heading())

    def works(self) -> frozenset[str]:
        """See :meth:`Pane.works`; only what is on top answers, since keys of rows mean nothing elsewhere."""
        if not self._laid:
            return super().works()
        level = self._laid[-1][0]
        return frozenset(a for a in {*methods_of(level), "open", "export"} if level.offers(a))

    def answer(self, action: str) -> None:
        """See :meth:`Pane.answer`."""
        getattr(self.top if hasattr(self.top, f"do_{action}") else self, f"do_{action}")()

    def reload(self) -> None:
        """See :meth:`Pane.reload`."""
        wanted = self.shell.pointed(self.pane_id)
        while wanted is not None and self.lift():
            pass
        self.renew()
        if wanted is not None:
            self.table.go(wanted)

    def focus_target(self) -> Widget | None:
        """See :meth:`Pane.focus_target`."""
        return self.detail if self.has_class("-drilled") else self.table

    def on_highlighted(self, event: Highlighted) -> None:
        """Show the row's details; rows flown over are not read."""
        event.stop()
        self.call_next(self._show, event.key)

    def _show(self, key: str | None) -> None:
        if key != self.table.key:
            return
        if key is None:
            self.detail.show("", "")
            return
        self.shell.attempt(lambda: self.detail.about((self.top, key)).show(*self.top.details(key)))
        self.shell.refresh_footer()

    def do_open(self) -> None:
        """Where the row leads, else its details fill the pane."""
        key, drilled = self.table.key, self.has_class("-drilled")
        if key is None or (self.top.enter_details(key) if drilled else self.top.enter(key)):
            return
        self.add_class("-drilled")
        self._show(key if self._laid else None)
        self.detail.focus()

    def back(self) -> bool:
        """See :meth:`Pane.back`."""
        if self.has_class("-drilled"):
            self.remove_class("-drilled")
            self._show(self.table.key if self._laid else None)
            self.table.focus()
            return True
        if self.table.view.filter:
            self.table.show(View(sort=self.table.view.sort, descending=self.table.view.descending))
            self.retitle()
            return True
        return self.lift()

    def do_export(self) -> None:
        """The list as it is filtered and sorted, as CSV in a file of one's own."""
        top = self._laid[-1][0].name if self._laid else self.pane_id
        self.shell.say(export(self.table, self.shell.services.dump, self.shell.now(), name=top))

    def copy_choices(self) -> Sequence[tuple[str, str, str]]:
        """See :meth:`Pane.copy_choices`."""
        key = self.table.key
        return self._laid[-1][0].copies(key) if self._laid and key is not None else ()

    def copy_text(self) -> str:
        """See :meth:`Pane.copy_text`."""
        if self.table.key is not None:  # a key typed right after a move is faster than the details
            self._show(self.table.key)
        return self.detail.plain if self.table.key is not None else ""
