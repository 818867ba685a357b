"""The answer to a person's SELECT over the batch in view."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from core.slices.request import SliceRequest
from tui.focus import Focus
from tui.present import query as present
from tui.widgets.level import Level
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from core.query import QueryPage


class QueryLevel(Level):
    """Rows of an answer, in the order of the query."""

    name = "query"
    empty = "asking ..."

    def __init__(self, pane: ListPane, focus: Focus, line: str) -> None:
        super().__init__(pane, present.WAITING)
        self.focus, self.request = focus, SliceRequest(model=focus.model, batch=focus.batch_id)
        words = line.split(None, 1)
        self.statement = words[1] if words[0].casefold() == "sql" else line.strip()
        self.found: QueryPage | None = None

    def begin(self) -> None:
        """Lay it over the pane and ask."""
        now = self.shell.now()

        def work(db: sqlite3.Connection) -> QueryPage:
            from core.query import query

            return query(db, self.request, self.statement, now=now)

        self.pane.lay(self)
        self.read("query", work, self._show, self.leave)

    def _show(self, found: QueryPage) -> None:
        self.found, self.empty = found, "no rows"
        self.columns = present.columns(found)
        self.pane.relaid()

    def heading(self) -> Text | None:
        """See Level."""
        return present.heading(self.statement, self.focus.model, self.found)

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        found = self.found
        return [] if found is None else [Row(str(n), present.cells(row)) for n, row in enumerate(found.rows)]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        assert self.found is not None  # noqa: S101 - without it there is no row
        return f"row {int(key) + 1}", present.detail(self.found, int(key))

    def copies(self, key: str) -> Sequence[tuple[str, str, str]]:
        """See Level."""
        assert self.found is not None  # noqa: S101 - without it there is no row
        return ("q", self.statement, "query"), ("r", present.json_text(self.found, int(key)), "JSON: the whole row")

    def do_export(self) -> None:
        """The whole answer as CSV, nothing rounded."""
        found, folder, now = self.found, self.shell.services.dump, self.shell.now()
        if found is None:
            return

        def work(_: sqlite3.Connection) -> Path:
            from storage.clipboard import to_file

            return to_file(present.csv_text(found), folder, now, name=self.name, form="csv")

        self.pane.read("export", work, lambda path: self.shell.say(f"{len(found.rows):,} rows written to {path}"))
