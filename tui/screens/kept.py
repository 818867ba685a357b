"""``:kept``: slices that are kept with a name, critical ones first, with what they read batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from core.kept import slices as kept_slices
from core.kept.slices import SliceStatus
from core.kept.watch import primary
from storage.errors import UsageError
from storage.records.models import Model
from storage.tables import kept_slices as table
from storage.tables import models
from tui.present import kept as present
from tui.present.columns import Column
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource

DAYS = 20
"""Batches whose readings the details list, the newest ones."""


class KeptPane(ListPane):
    """What is watched besides the whole."""

    columns = (
        Column("name", "SLICE", 10, grow=1),
        Column("kind", "KIND", 8),
        Column("model", "MODEL", 8, rank=3),
        Column("where", "WHERE", 14, rank=2, grow=1),
        Column("rows", "ROWS", 7, right=True, descending=True),
        Column("share", "SHARE", 6, right=True, descending=True),
        Column("metric", "METRIC", 12, rank=1),
        Column("floor", "FLOOR", 6, rank=4, right=True),
    )
    empty = "no slice is kept yet: K in Slices, or midwatch kept add MODEL NAME 'column = value'"

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, tuple[Model, SliceStatus]] = {}

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        self.known = {
            str(line.slice.id): (model, line)
            for model in models.list_all(self.db)
            if self.shell.model in ("", model.name)
            for line in kept_slices.listing(self.db, model)
        }
        return [Row(key, present.cells(model.name, line)) for key, (model, line) in self.known.items()]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See ListPane."""
        if key not in self.known:
            raise UsageError("that slice is kept no more", "move to another with j and k")
        model, line = self.known[key]
        days = table.latest(self.db, line.slice.id, DAYS)
        spec = primary(model.file)
        told = {m.batch_id: m for m in table.metrics(self.db, line.slice.id, spec.name, limit=DAYS * 2, states=False)}
        return f"{line.slice.name}  {model.name}  {line.slice.kind}", present.detail(line, days, told, self.shell.stamp)
