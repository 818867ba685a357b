"""A list laid over the list of a pane: the findings of a batch, the rows behind a number, the answer to a query."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich.console import RenderableType
from rich.text import Text

from storage.errors import MidwatchError
from tui.present.columns import Column
from tui.widgets.rows import RowSource

if TYPE_CHECKING:
    from tui.shell import Shell
    from tui.widgets.pane import ListPane

Result = TypeVar("Result")


def methods_of(thing: object) -> set[str]:
    """Ids of the actions that a pane or level has a method for."""
    return {name.removeprefix("do_") for name in dir(type(thing)) if name.startswith("do_")}


class Level:
    """One list on top of a pane's own; ``esc`` takes it away again.

    A level answers actions by methods ``do_ID``, as a pane does; while it is on top the pane's own methods answer
    nothing, since they would act on keys of rows that are not theirs.

    Attributes:
        name: the first part of an exported file's name.
        columns: of the table; fixed before the level is laid.
        empty: what an empty list says.
    """

    name = "rows"
    empty = "no rows"

    def __init__(self, pane: ListPane, columns: Sequence[Column]) -> None:
        self.pane = pane
        self.columns = tuple(columns)

    @property
    def shell(self) -> Shell:
        """The application."""
        return self.pane.shell

    @property
    def is_on_top(self) -> bool:
        """Whether it is the list that a person sees; an answer that comes later is of no use."""
        return self.pane.top is self

    def read(
        self,
        job: str,
        work: Callable[[sqlite3.Connection], Result],
        then: Callable[[Result], None],
        instead: Callable[[], None] | None = None,
    ) -> None:
        """A longer read in a thread; ``then(result)`` or, after its sentence, ``instead()`` follows if it is on top."""

        def shown(result: Result) -> None:
            if self.is_on_top:
                then(result)

        def failed(_: MidwatchError) -> None:
            if self.is_on_top and instead is not None:
                instead()

        self.pane.read(job, work, shown, instead=failed)

    def leave(self) -> None:
        """Take it away again."""
        self.pane.lift()

    # -- to be overridden ---------------------------------------------------------------------------------------

    def heading(self) -> Text | None:
        """What stands above the list, at most three lines."""
        return None

    def source(self) -> RowSource:
        """Where the rows come from."""
        raise NotImplementedError

    def details(self, key: str) -> tuple[str, RenderableType]:
        """Title and body of a row's details: one short read."""
        raise NotImplementedError

    def enter(self, key: str) -> bool:
        """What ``enter`` leads to from the list; False: to the details."""
        return False

    def enter_details(self, key: str) -> bool:
        """What ``enter`` leads to from details that fill the pane; False: nothing."""
        return False

    def offers(self, action: str) -> bool:
        """Whether an action it has a method for makes sense at this moment."""
        return True

    def copies(self, key: str) -> Sequence[tuple[str, str, str]]:
        """Texts that ``y`` may copy: key, text and words of each; one alone is copied at once, none: the details."""
        return ()
