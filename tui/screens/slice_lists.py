"""Lists that a slice leads to: its rows, its values by another column, its sides."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from rich.console import RenderableType
from rich.text import Text

from core.slices.compare import Comparison, Kind
from core.slices.page import SlicePage
from core.slices.request import SliceRequest
from core.slices.split import Split
from storage.errors import UsageError
from storage.logs.predicates import words
from storage.records.batches import Batch
from storage.records.logs import LogRow
from storage.tables import batches, models
from tui.present import slice_tables as tables
from tui.present import slices as present
from tui.present.columns import Column
from tui.present.rows import RowList
from tui.screens import slice_steps as steps
from tui.screens.bucket_cases import freeze as freeze_bucket
from tui.screens.dialogs import Choice
from tui.screens.row_list import RowsLevel
from tui.widgets.level import Level
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from tui.screens.slices import SlicesPane

KINDS = "\0kinds of error"
"""Key of the line that splits by kind of error: no column has that name."""


def rows_of(pane: SlicesPane, inside: SliceRequest, page: SlicePage | None) -> None:
    """Lay the rows of a slice over the pane, worst first."""
    row_level(pane, inside, page).begin()


def row_level(pane: SlicesPane, inside: SliceRequest, page: SlicePage | None) -> RowsLevel:
    """The rows of a slice as a list that is not shown yet."""
    now, told, unit = pane.shell.now(), inside.told, page.unit if page is not None else ""
    lead = tuple(dict.fromkeys(p.column for p in inside.where))

    def load(db: sqlite3.Connection, limit: int) -> RowList:
        from core.slices.rows import rows

        found = rows(db, inside, now=now, limit=limit)
        roles = models.get(db, inside.model or "").file.columns
        known = [c for c in (roles.prediction, roles.label, *lead, roles.id, roles.time) if c is not None]
        measured = any(signal is not None for signal in found.signals)
        return RowList(
            told, found.total, found.rows, "worst first" if measured else "in the order of the file", tuple(known),
            measure=(page.signal if page is not None else "signal") if measured else "",
            measures=tuple(present.signal_text(signal, unit) for signal in found.signals) if measured else (),
        )  # fmt: skip

    def batch_of(db: sqlite3.Connection, row: LogRow) -> Batch | None:
        return None if inside.model is None else batches.at_path(db, models.get(db, inside.model).id, row.path)

    return RowsLevel(pane, told, load, batch_of)


class ColumnsLevel(Level):
    """Columns to split by, and before them the kinds of error where ``by_kind`` opens those."""

    name = "columns"

    def __init__(
        self, pane: SlicesPane, inside: SliceRequest, names: Sequence[str], by_kind: Callable[[], None] | None = None
    ) -> None:
        super().__init__(pane, (Column("column", "SPLIT BY", 20, grow=1),))
        self.slices, self.inside, self.names, self.by_kind = pane, inside, tuple(names), by_kind

    def heading(self) -> Text | None:
        """See Level."""
        return present.two_lines(self.inside.told, "by which column? enter splits, / finds one")

    def source(self) -> RowSource:
        """See Level."""
        kinds = [] if self.by_kind is None else [Row(KINDS, ("kind of error",))]
        return ListSource(["column"], lambda: [*kinds, *(Row(name, (name,)) for name in self.names)])

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        told = "kind of error" if key == KINDS else key
        return told, f"enter splits {self.inside.told} by {told}, now and in the reference"

    def enter(self, key: str) -> bool:
        """See Level."""
        if key == KINDS and self.by_kind is not None:
            self.by_kind()
        else:
            SplitLevel(self.slices, self.inside, key).begin()
        return True


class SplitLevel(Level):
    """The values of a column inside a slice; ``enter`` shows the rows of one, ``>`` searches inside it."""

    name = "split"
    empty = "splitting ..."

    def __init__(self, pane: SlicesPane, inside: SliceRequest, by: str) -> None:
        super().__init__(pane, tables.SPLIT_COLUMNS)
        self.slices, self.inside, self.by = pane, inside, by
        self.found: Split | None = None

    def begin(self) -> None:
        """Lay it over the pane and read."""
        now = self.shell.now()

        def work(db: sqlite3.Connection) -> Split:
            from core.slices.split import split

            return split(db, self.inside, by=self.by, now=now)

        self.pane.lay(self)
        self.read("split", work, self._show, self.leave)

    def _show(self, found: Split) -> None:
        self.found, self.empty = found, "no rows"
        self.pane.relaid()

    def heading(self) -> Text | None:
        """See Level."""
        told = f"{self.inside.told} by {self.by}"
        if self.found is None:
            return present.two_lines(told, "splitting ...")
        then = f" vs {self.found.reference}" if self.found.reference else ""
        notes = "".join(f"; {note}" for note in self.found.notes)
        return present.two_lines(told, f"{self.found.unit or 'rows alone'}: {self.found.current}{then}{notes}")

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        found = self.found
        return [] if found is None else [Row(line.words, tables.split_cells(line, found.unit)) for line in found.lines]

    def question(self, key: str) -> SliceRequest:
        """The rows of one value."""
        lines = self.found.lines if self.found is not None else ()
        return self.inside.within(*(line.predicate for line in lines if line.words == key))

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        assert self.found is not None  # noqa: S101 - without it there is no row
        return self.question(key).told, tables.split_detail(self.found, self.pane.detail.size.width)

    def enter(self, key: str) -> bool:
        """See Level."""
        rows_of(self.slices, self.question(key), self.slices.page)
        return True

    def copies(self, key: str) -> Sequence[tuple[str, str, str]]:
        """See Level."""
        asked = self.question(key)
        return steps.languages(asked.where) if asked.bucket is None else (("w", asked.told, "words"),)

    def do_narrow(self) -> None:
        """Search inside the value under the cursor."""
        if self.inside.bucket is not None:
            raise UsageError("every row of a kind of error is wrong: there is nothing to search", "enter shows them")
        if self.pane.table.key is not None:
            steps.narrow(self.slices, self.question(self.pane.table.key).where)

    def do_cases(self) -> None:
        """The rows of the value under the cursor become failure cases."""
        if self.pane.table.key is not None:
            steps.cases(self.slices, self.question(self.pane.table.key))

    def do_freeze(self) -> None:
        """Freeze a set: of the rows under the cursor where they are errors of one kind, else of the failure cases."""
        if self.inside.bucket is None:
            steps.freeze(self.slices)
        elif self.pane.table.key is not None:
            freeze_bucket(self.slices, self.question(self.pane.table.key))


class SidesLevel(Level):
    """A slice on several sides; ``enter`` searches one side against the others."""

    name = "sides"
    empty = "comparing ..."

    def __init__(self, pane: SlicesPane, inside: SliceRequest, kind: Kind) -> None:
        super().__init__(pane, tables.SIDE_COLUMNS)
        self.slices, self.inside, self.kind = pane, inside, kind
        self.found: Comparison | None = None

    def begin(self) -> None:
        """Lay it over the pane and read."""
        now = self.shell.now()

        def work(db: sqlite3.Connection) -> Comparison:
            from core.slices.compare import compare

            return compare(db, self.inside, sides=self.kind, now=now)

        self.pane.lay(self)
        self.read("sides", work, self._show, self.leave)

    def _show(self, found: Comparison) -> None:
        self.found, self.empty = found, "no rows"
        self.pane.relaid()

    def heading(self) -> Text | None:
        """See Level."""
        told = f"{self.inside.told}: {self.kind}"
        if self.found is None:
            return present.two_lines(told, "comparing ...")
        notes = "".join(f"; {note}" for note in self.found.notes)
        poor = [sample.name for sample in self.found.samples if sample.good is False]
        notes = f"; no good sample of the rest: {', '.join(poor)}{notes}" if poor else notes
        return present.two_lines(told, f"{self.found.unit or 'rows alone'}; difference to the others together{notes}")

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        found = self.found
        return [] if found is None else [Row(line.name, tables.side_cells(line, found.unit)) for line in found.lines]

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        if self.kind == "windows":
            return key, "4 Data and 6 search another batch; enter shows the rows of the current window"
        sample = next((one for one in self.found.samples if one.name == key), None) if self.found else None
        if sample is not None:
            return f"{self.kind[:-1]} {key}", tables.sample_detail(sample)
        return key, f"enter searches {self.kind[:-1]} {key} against the others"

    def enter(self, key: str) -> bool:
        """See Level."""
        if self.kind == "windows":
            rows_of(self.slices, self.inside, self.slices.page)
            return True
        side = {"versions": "version", "stages": "stage", "hosts": "host"}[self.kind]
        asked = self.inside
        if self.found is not None and self.found.window is not None:
            asked = replace(asked, batch=None, window=self.found.window)
        while self.pane.lift():
            pass
        self.slices.ask(replace(asked, **{side: key}), keep=True)  # type: ignore[arg-type]
        return True


def compare(pane: SlicesPane, inside: SliceRequest) -> None:
    """Ask between which sides."""
    options = [
        ("w", "windows", "windows: this one and the reference"),
        ("v", "versions", "versions"),
        ("s", "stages", "stages"),
        ("h", "hosts", "hosts"),
    ]

    def chosen(kind: str) -> None:
        SidesLevel(pane, inside, cast("Kind", kind)).begin()

    pane.shell.open_sheet(Choice(f"Compare {words(inside.where)} between", options), chosen)


def export(pane: SlicesPane, the_list: Callable[[], None]) -> None:
    """Ask: the list of slices, or the rows of the one under the cursor."""
    inside = pane.within()

    def chosen(what: str) -> None:
        if what == "list":
            the_list()
            return
        row_level(pane, inside, pane.page).do_export()

    options = [("l", "list", "the list of slices"), ("r", "rows", f"the rows of: {words(inside.where)}")]
    pane.shell.open_sheet(Choice("Export what, as CSV? Values of redacted columns are masked", options), chosen)
