"""The errors of a slice by kind: their rows, into them by a column, and to failure cases and a set."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from core.slices.buckets import Bucket, Buckets
from core.slices.request import SliceRequest
from storage.errors import UsageError
from tui.present import slice_tables as tables
from tui.present import slices as present
from tui.screens.bucket_cases import cases, freeze
from tui.screens.slice_lists import ColumnsLevel, rows_of
from tui.widgets.level import Level
from tui.widgets.rows import ListSource, Row, RowSource

if TYPE_CHECKING:
    from tui.screens.slices import SlicesPane


class BucketsLevel(Level):
    """Kinds of error inside a slice; ``enter`` shows the rows of one, ``b`` and ``>`` split it by a column."""

    name = "buckets"
    empty = "sorting the errors ..."

    def __init__(self, pane: SlicesPane, inside: SliceRequest, names: Sequence[str]) -> None:
        super().__init__(pane, tables.BUCKET_COLUMNS)
        self.slices, self.inside, self.names = pane, inside, tuple(names)
        self.found: Buckets | None = None

    def begin(self) -> None:
        """Lay it over the pane and read."""
        now = self.shell.now()

        def work(db: sqlite3.Connection) -> Buckets:
            from core.slices.buckets import buckets

            return buckets(db, self.inside, now=now)

        self.pane.lay(self)
        self.read("buckets", work, self._show, self.leave)

    def _show(self, found: Buckets) -> None:
        self.found, self.empty = found, "no errors"
        self.pane.relaid()

    def heading(self) -> Text | None:
        """See Level."""
        told = f"{self.inside.told} by kind of error"
        if self.found is None:
            return present.two_lines(told, "sorting the errors ...")
        found = self.found
        then = "" if found.reference_errors is None else f", {found.reference_errors:,} in the reference"
        told_of = f"{found.errors:,} errors in {found.judged:,} judged rows{then}; {found.stated}"
        return present.two_lines(told, "; ".join([told_of, found.current, *found.notes]))

    def source(self) -> RowSource:
        """See Level."""
        return ListSource([column.id for column in self.columns], self._rows)

    def _rows(self) -> Sequence[Row]:
        return [] if self.found is None else [Row(line.words, tables.bucket_cells(line)) for line in self.found.lines]

    def line(self, key: str) -> Bucket | None:
        """The bucket of a row."""
        return next((line for line in self.found.lines if line.words == key), None) if self.found else None

    def question(self, key: str) -> SliceRequest:
        """The rows of one bucket: of the window whose labels were read."""
        line = self.line(key)
        return replace(self.inside, signal="error", metric=None, bucket=line.kind if line is not None else None)

    def details(self, key: str) -> tuple[str, RenderableType]:
        """See Level."""
        assert self.found is not None  # noqa: S101 - without it there is no row
        return self.question(key).told, tables.bucket_detail(self.found, self.pane.detail.size.width)

    def enter(self, key: str) -> bool:
        """See Level."""
        rows_of(self.slices, self.question(key), self.slices.page)
        return True

    def copies(self, key: str) -> Sequence[tuple[str, str, str]]:
        """See Level."""
        return (("w", self.question(key).told, "words"),)

    def do_split(self) -> None:
        """Ask by which column."""
        if self.pane.table.key is not None:
            self.pane.lay(ColumnsLevel(self.slices, self.question(self.pane.table.key), self.names))

    def do_narrow(self) -> None:
        """Into a bucket by a column: every row of it is wrong, there is nothing to search."""
        self.do_split()

    def do_cases(self) -> None:
        """The rows of the bucket become failure cases."""
        if self.pane.table.key is not None:
            cases(self.slices, self.question(self.pane.table.key))

    def do_freeze(self) -> None:
        """Freeze the rows of the bucket as a set."""
        if self.pane.table.key is not None:
            freeze(self.slices, self.question(self.pane.table.key))


def split(pane: SlicesPane, inside: SliceRequest) -> None:
    """The list of columns to split by."""
    page = pane.page
    names = list(page.columns) if page is not None else []
    taken = {p.column for p in inside.where if p.op == "="}
    if page is None:
        raise UsageError("there is nothing to split yet", "wait for the search")
    free = [name for name in names if name not in taken]
    pane.lay(ColumnsLevel(pane, inside, free, lambda: BucketsLevel(pane, inside, free).begin()))
