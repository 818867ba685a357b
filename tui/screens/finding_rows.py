"""From what failed to the rows that failed it: the findings of an alert or batch, and the rows of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from core.rows_behind import of_finding, rows_sql
from storage.errors import UsageError
from storage.records.results import StoredResult
from tui.present import findings as present
from tui.present.columns import Column
from tui.present.rows import RowList
from tui.screens.row_list import RowsLevel, batch_by_id
from tui.widgets.level import Level
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource


def open_findings(pane: ListPane, found: Sequence[StoredResult], words: str) -> bool:
    """The rows of the only finding that names some, else the list of the findings.

    Raises:
        UsageError: nothing failed, or nothing that failed names rows.
    """
    with_rows = [result for result in found if rows_sql(result)]
    if not found:
        raise UsageError("nothing failed here", "6 shows in which slices it is worst all the same")
    if not with_rows:
        raise UsageError("what failed is about distributions, no single row failed it", "6 shows where it moved")
    if len(with_rows) == 1:
        open_rows(pane, with_rows[0])
    else:
        pane.lay(FindingsLevel(pane, found, words))
    return True


def open_rows(pane: ListPane, result: StoredResult) -> None:
    """The failing rows of one finding."""

    def load(db: sqlite3.Connection, limit: int) -> RowList:
        behind = of_finding(db, result, limit=limit)
        return RowList(behind.words, behind.total, behind.rows, "in the order of the file", behind.columns)

    RowsLevel(pane, present.title(result), load, batch_by_id(result.batch_id)).begin()


class FindingsLevel(Level):
    """What failed; ``enter`` shows the rows."""

    name = "findings"

    def __init__(self, pane: ListPane, found: Sequence[StoredResult], words: str) -> None:
        super().__init__(
            pane,
            (
                Column("tier", "TIER", 8, rank=1),
                Column("check", "CHECK", 18),
                Column("column", "COLUMN", 12, grow=1),
                Column("slice", "SLICE", 12, rank=3),
                Column("rows", "ROWS", 8, right=True, descending=True),
            ),
        )
        self.found = {str(result.id): result for result in found}
        self.words = words

    def heading(self) -> Text | None:
        """See Level."""
        return present.heading(self.words, list(self.found.values()))

    def source(self) -> RowSource:
        """See Level."""
        return ListSource(
            [column.id for column in self.columns],
            lambda: [Row(key, present.cells(result)) for key, result in self.found.items()],
        )

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        return present.title(self.found[key]), present.detail(self.found[key])

    def enter(self, key: str) -> bool:
        """See Level."""
        open_rows(self.pane, self.found[key])
        return True
