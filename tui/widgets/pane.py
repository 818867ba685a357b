"""What a pane is made of: its actions, its jobs, and the list with details that most panes are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from storage.clipboard import to_file
from storage.errors import MidwatchError, RefusedError
from tui import jobs
from tui.messages import Highlighted
from tui.present.columns import Column
from tui.present.text import visible
from tui.widgets.rows import Row, RowSource, View
from tui.widgets.table import Table

if TYPE_CHECKING:
    from tui.shell import Shell

Result = TypeVar("Result")

EXPORTED = 2_000
"""Rows of a list that ``x`` writes at the most; the command line has no such limit."""


class Pane(Widget):
    """A pane of the screen. A method ``do_ID`` answers the action ID of ACTIONS.

    Attributes:
        pane_id: its id in PANES, set by the shell.
        stale: the store has changed since it last read.
    """

    def __init__(self) -> None:
        super().__init__(classes="pane")
        self.pane_id = ""
        self.stale = True

    # -- to be overridden ---------------------------------------------------------------------------------------

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
        methods = {name.removeprefix("do_") for name in dir(type(self)) if name.startswith("do_")}
        return frozenset(action for action in methods if self.offers(action))

    def read(self, job: str, work: Callable[[sqlite3.Connection], Result], then: Callable[[Result], None]) -> None:
        """A longer read in a thread, on a connection of its own; ``then(result)`` follows in the screen's thread."""
        jobs.start(self, job, work, connect=self.shell.services.reader, then=then)

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


class Detail(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Details of the row under the cursor: a title line and a renderable. Text is shown as it is, never as markup."""

    def compose(self) -> ComposeResult:
        """Title and body."""
        yield Static("", classes="detail-title", markup=False)
        yield Static("", classes="detail-body", markup=False)

    def show(self, title: str, body: RenderableType) -> None:
        """Show; a plain string is made safe first, a :class:`~rich.text.Text` is expected to be."""
        head, rest = self.query(Static)
        head.update(Text(visible(title), no_wrap=True, overflow="ellipsis"))
        rest.update(Text("\n".join(visible(line) for line in body.split("\n"))) if isinstance(body, str) else body)

    @property
    def plain(self) -> str:
        """What is shown, as plain text."""
        return "\n".join(_plain(part.content) for part in self.query(Static)).strip("\n")


def _plain(content: Any) -> str:
    return content.plain if isinstance(content, Text) else str(content)


class ListPane(Pane):
    """A list with details: beside it from 110 columns, below it on a narrower screen.

    A pane sets :attr:`columns` and writes :meth:`source` and :meth:`details`; all else is here.
    """

    columns: Sequence[Column] = ()
    empty = "nothing here"

    def source(self) -> RowSource:
        """Where the rows come from."""
        raise NotImplementedError

    def details(self, key: str) -> tuple[str, RenderableType]:
        """Title and body of a row's details: one short read."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """List and details."""
        yield Table(self.columns, self.source(), empty=self.empty)
        yield Detail()

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one(Table)

    @property
    def detail(self) -> Detail:
        """The details."""
        return self.query_one(Detail)

    def reload(self) -> None:
        """See :meth:`Pane.reload`."""
        self.table.reload()
        wanted = self.shell.pointed(self.pane_id)
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
        self.shell.attempt(lambda: self.detail.show(*self.details(key)))
        self.shell.refresh_footer()

    def do_open(self) -> None:
        """The details fill the pane."""
        if self.table.key is not None:
            self.add_class("-drilled")
            self.detail.focus()

    def back(self) -> bool:
        """See :meth:`Pane.back`."""
        if self.has_class("-drilled"):
            self.remove_class("-drilled")
            self.table.focus()
            return True
        if self.table.view.filter:
            self.table.show(View(sort=self.table.view.sort, descending=self.table.view.descending))
            return True
        return False

    def do_export(self) -> None:
        """The list as it is filtered and sorted, as CSV in a file of one's own."""
        import csv
        import io

        view, out = self.table.view, io.StringIO()
        writer = csv.writer(out)
        writer.writerow([column.title.strip() for column in self.columns])
        rows = self.table.source.window(view, 0, EXPORTED)
        writer.writerows([str(cell) for cell in row.cells] for row in rows)
        path = to_file(out.getvalue(), self.shell.services.dump, self.shell.now(), name=self.pane_id, form="csv")
        left = self.table.count - len(rows)
        self.shell.say(f"{len(rows)} rows written to {path}{f'; {left} more are left out' if left > 0 else ''}")

    def copy_text(self) -> str:
        """See :meth:`Pane.copy_text`."""
        if self.table.key is None:
            return ""
        self._show(self.table.key)  # a key typed right after a move is faster than the details
        return self.detail.plain

    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.table.row()
