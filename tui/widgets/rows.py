"""Where a table's rows come from: a window at a time, never all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

Cell = str | Text


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is known by, and its cells in the order of the table's columns."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What a person wants to see of a source.

    Attributes:
        filter: text a row must contain, whatever its case; empty for all rows.
        sort: id of the column; empty for the source's own order.
        descending: largest first.
    """

    filter: str = ""
    sort: str = ""
    descending: bool = False


class RowSource(Protocol):
    """Rows of a table. Each call is one short query (under 5 ms); ties of a sort are broken by the key."""

    def count(self, view: View) -> int:
        """How many rows the view has."""
        ...

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """Rows ``offset`` to ``offset + limit`` of the view."""
        ...

    def place(self, view: View, key: str) -> int | None:
        """The place of a row in the view, counted from 0; None if it is not in it."""
        ...


class ListSource:
    """A source for a list that is short by nature (models, versions): read once per reload, then served from memory.

    Args:
        columns: ids of the columns, in the order of the cells.
        read: reads all rows in their own order.

    >>> source = ListSource(("name",), lambda: [Row("1", ("eta",)), Row("2", ("churn",))])
    >>> [row.key for row in source.window(View(sort="name"), 0, 9)], source.count(View(filter="ETA"))
    (['2', '1'], 1)
    """

    def __init__(self, columns: Sequence[str], read: Callable[[], Sequence[Row]]) -> None:
        self._columns = {column: place for place, column in enumerate(columns)}
        self._read = read
        self._view: View | None = None
        self._rows: Sequence[Row] = ()

    def count(self, view: View) -> int:
        """Reads the rows again: a table asks for the count once per reload."""
        self._rows = self._select(view)
        self._view = view
        return len(self._rows)

    def window(self, view: View, offset: int, limit: int) -> Sequence[Row]:
        """See :class:`RowSource`."""
        if view != self._view:
            self.count(view)
        return self._rows[offset : offset + limit]

    def place(self, view: View, key: str) -> int | None:
        """See :class:`RowSource`."""
        if view != self._view:
            self.count(view)
        return next((place for place, row in enumerate(self._rows) if row.key == key), None)

    def _select(self, view: View) -> Sequence[Row]:
        wanted = view.filter.casefold()
        rows = [row for row in self._read() if not wanted or any(wanted in str(c).casefold() for c in row.cells)]
        if view.sort in self._columns:
            place = self._columns[view.sort]
            rows.sort(key=lambda row: _order(row.cells[place]), reverse=view.descending)
        return rows


def _order(cell: Cell) -> tuple[int, float, str]:
    """Numbers by value, before words by letter."""
    text = str(cell).strip()
    try:
        return 0, float(text.rstrip("%")), ""
    except ValueError:
        return 1, 0.0, text.casefold()
