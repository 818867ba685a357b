"""``:sets``: evaluation sets, the newest version of each; how old, how far from live data, what versions scored."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from storage.clipboard import to_file
from storage.errors import UsageError
from storage.records.evaluation_sets import EvaluationSet
from storage.tables import evaluation_sets, models
from tui.present import cases as present
from tui.present.columns import Column
from tui.screens import failure_cases as steps
from tui.widgets.pane import ListPane
from tui.widgets.rows import ListSource, Row, RowSource


class SetsPane(ListPane):
    """What later versions are measured by."""

    columns = (
        Column("name", "SET", 12, grow=1),
        Column("version", "V", 3, right=True),
        Column("model", "MODEL", 8, rank=2),
        Column("purpose", "PURPOSE", 8),
        Column("items", "ITEMS", 6, right=True, descending=True),
        Column("age", "AGE", 5, rank=1, right=True, sortable=False),
        Column("score", "LAST SCORE", 11, sortable=False),
        Column("hash", "HASH", 12, rank=3, sortable=False),
    )
    empty = "no evaluation sets yet: E in Alerts or Cases, or midwatch sets freeze MODEL NAME"

    def source(self) -> RowSource:
        """See ListPane."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        name, now = self.shell.model, self.shell.now()
        rows = []
        for found in evaluation_sets.listing(self.db, models.get(self.db, name).id if name else None):
            scores = evaluation_sets.scores(self.db, found.id)
            rows.append(Row(str(found.id), present.set_cells(found, scores[-1] if scores else None, now)))
        return rows

    def chosen(self) -> EvaluationSet:
        """The set under the cursor."""
        if self.table.key is None:
            raise UsageError("there is no set under the cursor", "E in Alerts or Cases freezes one")
        return evaluation_sets.get_by_id(self.db, int(self.table.key))

    def details(self, key: str) -> tuple[str, RenderableType]:
        """The head at once; what recomputes hashes and reads profiles follows from a thread."""
        now, stamp = self.shell.now(), self.shell.stamp

        def work(db: sqlite3.Connection) -> tuple[str, Text]:
            from core.evaluation.age import set_age
            from core.evaluation.sets import verify

            found = evaluation_sets.get_by_id(db, int(key))
            told = set_age(db, models.get_by_id(db, found.model_id), found, now)
            every = evaluation_sets.listing(db, found.model_id, every=True)
            versions = [one for one in every if one.name == found.name]
            return key, present.set_detail(
                told, versions, evaluation_sets.scores(db, found.id), verify(db, found).wrong, stamp
            )

        self.read("set", work, self._show_drawn)
        return self._titled(key), "reading ..."

    def _titled(self, key: str) -> str:
        found = evaluation_sets.get_by_id(self.db, int(key))
        return f"{found.name} version {found.version}  {found.model}  {found.purpose}"

    def _show_drawn(self, drawn: tuple[str, Text]) -> None:
        key, body = drawn
        if self.table.key == key:
            self.detail.show(self._titled(key), body)

    def do_freeze(self) -> None:
        """Freeze a new version of the set under the cursor."""
        found = self.chosen()
        steps.freeze(self, found.model, found.name)

    def do_export(self) -> None:
        """The rows of the set under the cursor as CSV, redacted columns masked."""
        found, folder, now = self.chosen(), self.shell.services.dump, self.shell.now()

        def work(db: sqlite3.Connection) -> str:
            from core.evaluation.export import as_text
            from core.evaluation.sets import items_of

            text = as_text(items_of(db, found), models.get_by_id(db, found.model_id).file, "csv")
            name = f"{found.name}-{found.version}".replace("/", "_")
            return f"{found.items:,} rows written to {to_file(text, folder, now, name=name, form='csv')}"

        self.read("export", work, self.shell.say)
