"""The rows behind a number, laid over the list that the number stands in; ``enter`` shows one whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from core.failing_rows import REDACTED
from core.rows_behind import origin
from storage.errors import UsageError
from storage.records.batches import Batch
from storage.records.logs import LogRow
from storage.tables import batches, models
from tui.present import rows as present
from tui.present.columns import Column
from tui.present.rows import RowList
from tui.widgets.level import Level
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

SHOWN = 500
"""Rows that a list holds; an export holds up to EXPORTED of them."""
EXPORTED = 20_000

Load = Callable[[sqlite3.Connection, int], RowList]
"""Reads the first rows, at most that many; in a thread."""


class RowsLevel(Level):
    """Rows of one log.

    Args:
        words: what the rows have in common, until they are read.
        load: reads them.
        batch_of: the batch a row belongs to, by its path; None for a log that is no batch.
    """

    name = "rows"
    empty = "reading the rows ..."

    def __init__(
        self, pane: ListPane, words: str, load: Load, batch_of: Callable[[sqlite3.Connection, LogRow], Batch | None]
    ) -> None:
        super().__init__(pane, (Column("place", "LINE", 6, grow=1),))
        self.words, self.load, self.batch_of = words, load, batch_of
        self.found: RowList | None = None

    def heading(self) -> Text | None:
        """See Level."""
        if self.found is None:
            return Text(f"{self.words}\nreading the rows ...")
        view = self.pane.table.view
        by = next((column.title for column in self.columns if column.id == view.sort), "")
        kept = self.source().count(view) if view.filter else None
        return present.heading(self.found, by=f"by {by}" if by else "", kept=kept, text=view.filter)

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        found = self.found
        return [] if found is None else [Row(str(n), present.cells(n, found)) for n in range(len(found.rows))]

    def begin(self) -> None:
        """Lay it over the pane and read."""
        self.pane.lay(self)
        self.read("rows", lambda db: self.load(db, SHOWN), self._show, self.leave)

    def _show(self, found: RowList) -> None:
        self.found = found
        self.columns = present.columns(found)
        self.empty = "no rows"
        self.pane.relaid()

    def read_rows(self) -> RowList:
        """What was read.

        Raises:
            UsageError: nothing yet.
        """
        if self.found is None:
            raise UsageError("the rows are still being read", "wait a moment")
        return self.found

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        found = self.read_rows()
        row = found.rows[int(key)]
        batch = self.batch_of(self.pane.db, row) if self.pane.has_class("-drilled") else None
        if batch is None:
            return present.title(row), present.preview(int(key), found)
        return present.title(row), present.detail(int(key), found, origin(self.pane.db, batch, row), self.shell.stamp)

    def copies(self, key: str) -> Sequence[tuple[str, str, str]]:
        """See Level."""
        row = self.read_rows().rows[int(key)]
        return (
            ("p", f"{row.path}:{row.line}", "place: file and line"),
            ("j", present.json_text(row), "JSON: the whole row"),
        )

    def do_cases(self) -> None:
        """The marked rows, else the one under the cursor, become failure cases, by their ids."""
        from tui.screens.failure_cases import add_cases_by_id

        found = self.read_rows()
        rows = [found.rows[int(key)] for key in self.pane.table.chosen()]
        batch = self.batch_of(self.pane.db, rows[0]) if rows else None
        if batch is None or any(row.path != rows[0].path for row in rows):
            raise UsageError("failure cases are rows of one batch", "mark rows of one file that was taken in")
        model = models.get_by_id(self.pane.db, batch.model_id)
        name = model.file.columns.id
        ids = [row.values.get(name) for row in rows] if name is not None else []
        if not ids or any(one in (None, REDACTED) for one in ids):
            raise UsageError(
                f"{model.name} shows no ids of its rows", "e on the slice or alert takes them by condition"
            )
        add_cases_by_id(self.pane, model.name, batch.id, [str(one) for one in ids], self.words)

    def do_export(self) -> None:
        """The rows as CSV with file and line; values of redacted columns are masked by the use case that reads them."""
        folder, now = self.shell.services.dump, self.shell.now()

        def work(db: sqlite3.Connection) -> tuple[Path, int, int]:
            import csv
            import io

            from storage.clipboard import to_file

            found = self.load(db, EXPORTED)
            out = io.StringIO()
            writer = csv.writer(out)
            measured = bool(found.measure)
            writer.writerow(["file", "line", *([found.measure] if measured else []), *found.names])
            for number, row in enumerate(found.rows):
                values = (present.exact(row.values.get(name)) for name in found.names)
                writer.writerow([row.path, row.line, *found.measures[number : number + measured], *values])
            return to_file(out.getvalue(), folder, now, name=self.name, form="csv"), len(found.rows), found.total

        def told(done: tuple[Path, int, int]) -> None:
            path, written, total = done
            left = f"; {total - written:,} more are left out" if total > written else ""
            self.shell.say(f"{written:,} rows written to {path}{left}")

        self.shell.say("writing the rows ...")
        self.pane.read("export", work, told)


def batch_by_id(batch_id: int) -> Callable[[sqlite3.Connection, LogRow], Batch | None]:
    """Rows that all belong to one batch."""
    return lambda db, _row: batches.get(db, batch_id)
