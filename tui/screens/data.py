"""Pane 4: batches, newest first, each with what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from storage.tables import batches, models
from tui.focus import Focus
from tui.present import batches as present
from tui.present.columns import Column
from tui.widgets.pane import ListPane
from tui.widgets.rows import Row, RowSource, View


class BatchRows:
    """Batches straight from the store, a window at a time."""

    def __init__(self, pane: DataPane) -> None:
        self.pane = pane

    def _where(self, view: View) -> dict[str, Any]:
        name = self.pane.shell.model
        return {"model_id": models.get(self.pane.db, name).id if name else None, "like": view.filter or None}

    def _order(self, view: View) -> dict[str, Any]:
        return {"order": view.sort or "window", "descending": view.descending or not view.sort}

    def count(self, view: View) -> int:
        """See RowSource."""
        return batches.count(self.pane.db, **self._where(view))

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See RowSource."""
        db, shell = self.pane.db, self.pane.shell
        names = models.names(db)
        found = batches.page(db, **self._where(view), **self._order(view), offset=offset, limit=limit)
        failed = batches.failed_counts(db, [batch.id for batch in found])
        return [Row(str(b.id), present.cells(b, names[b.model_id], failed.get(b.id, 0), shell.stamp)) for b in found]

    def place(self, view: View, key: str) -> int | None:
        """See RowSource."""
        return batches.place(self.pane.db, int(key), **self._where(view), **self._order(view))


class DataPane(ListPane):
    """What came in, what was quarantined, what was found, what was not checked."""

    columns = (
        Column("window", "WINDOW", 19, descending=True),
        Column("model", "MODEL", 9, grow=1, sortable=False),
        Column("role", "ROLE", 9, rank=3, sortable=False),
        Column("version", "VERSION", 8, rank=2, sortable=False),
        Column("rows", "ROWS", 9, rank=1, right=True, descending=True),
        Column("quarantined", "QUAR", 5, rank=2, right=True, descending=True),
        Column("found", "FOUND", 5, right=True, sortable=False),
        Column("baseline", "BASE", 4, rank=4, sortable=False),
    )
    empty = "no batches yet: midwatch ingest MODEL FILES..."

    def source(self) -> RowSource:
        """See ListPane."""
        return BatchRows(self)

    def do_why(self) -> None:
        """Why the serving batch under the cursor is as it is."""
        from storage.errors import UsageError
        from tui.screens.why import open_why

        if self.table.key is None:
            raise UsageError("there is no batch under the cursor", "move to one with j and k")
        batch = batches.get(self.db, int(self.table.key))
        open_why(self, models.names(self.db)[batch.model_id], batch=batch.id)

    def do_cases(self) -> None:
        """The rows that failed in the batch under the cursor, from which cases are taken with the same key."""
        from storage.errors import UsageError

        if self.table.key is None:
            raise UsageError("there is no batch under the cursor", "move to one with j and k")
        self.enter_details(self.table.key)
        self.shell.say("these rows failed: enter where there are several findings, space marks rows, e takes them")

    def details(self, key: str) -> tuple[str, RenderableType]:
        """The head at once; the rest, which unpacks profiles, follows from a thread."""
        self.read("batch", lambda db: _drawn(db, int(key), self.shell.stamp, self.size.width), self._show_drawn)
        return f"batch {key}", "reading the profile ..."

    def enter_details(self, key: str) -> bool:
        """The rows that failed."""
        from core.rows_behind import findings_with_rows
        from tui.screens.finding_rows import open_findings

        return open_findings(self, findings_with_rows(self.db, int(key)), f"batch {key}")

    def focus_on(self) -> Focus | None:
        """The batch under the cursor."""
        if self.table.key is None:
            return None
        batch = batches.get(self.db, int(self.table.key))
        return Focus(models.get_by_id(self.db, batch.model_id).name, batch.id)

    def _show_drawn(self, drawn: tuple[int, str, Text]) -> None:
        batch_id, title, body = drawn
        if self.table.key == str(batch_id):
            self.detail.show(title, body)


def _drawn(db: Any, batch_id: int, stamp: Any, width: int) -> tuple[int, str, Text]:
    from core.batch_view import view

    seen = view(db, batch_id)
    title = f"batch {batch_id}  {seen.model.name}  {seen.batch.role}"
    return batch_id, title, present.detail(seen, stamp, width)
