"""The virtual table: draws the rows in view, asks its source for a window around them, holds no others."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from storage.errors import MidwatchError
from tui.messages import Highlighted, Unread
from tui.present.columns import GAP, Column, layout
from tui.present.text import fit
from tui.widgets.rows import Row, RowSource, View

GUTTER = 2
"""Cells left of the first column: ``>`` at the cursor, ``*`` at a mark; meaning never hangs on colour alone."""

_CURSOR = Style(reverse=True)
_HEADER = Style(bold=True, underline=True)
_FOUND = Style(bold=True, underline=True)


class Table(ScrollView, can_focus=True, inherit_bindings=False):
    """A list of rows with a cursor pinned to a row's key, marks, a sort and a filter.

    Posts :class:`Highlighted` whenever the row under the cursor is another one or has been read again.
    """

    def __init__(self, columns: Sequence[Column], source: RowSource, *, empty: str = "nothing here") -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.source = source
        self.empty = empty
        self.view = View()
        self.key: str | None = None
        self.count = 0
        self.marks: dict[str, None] = {}
        self._cursor = 0
        self._window: Sequence[Row] = ()
        self._start = 0
        self._loaded = False
        self._broken = False

    # -- what a pane asks ---------------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """Place of the cursor, counted from 0."""
        return self._cursor

    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._row_at(self._cursor)

    def chosen(self) -> tuple[str, ...]:
        """Keys of the marked rows in the order they were marked; without marks, the key under the cursor."""
        return tuple(self.marks) or ((self.key,) if self.key is not None else ())

    def reload(self) -> None:
        """Read again: the cursor stays on its row wherever that has moved.

        A list at its top stays there, so that new rows are seen; one scrolled down keeps the row on its line.
        """
        first, before = not self._loaded, self._cursor
        # All reads come before the first change: an error leaves the list as it was.
        count = self.source.count(self.view)
        place = None if self.key is None or not count else self.source.place(self.view, self.key)
        cursor = min(before if place is None else place, max(0, count - 1))
        start = self._start_for(cursor, count)
        self._window = self.source.window(self.view, start, 3 * self._span) if count else ()
        self._start, self.count, self._cursor, self._loaded, self._broken = start, count, cursor, True, False
        top = self.scroll_offset.y
        top += 0 if first or place is None or not top else place - before
        self.virtual_size = Size(self.size.width, self.count + 1)
        self._show(top)
        self._pin()
        self.refresh()

    def show(self, view: View) -> None:
        """Another filter or sort; the cursor stays on its row if that is still in view."""
        self.view = view
        self.reload()

    def go(self, key: str) -> bool:
        """Put the cursor on a row; False if it is not in the view."""
        place = self.source.place(self.view, key)
        if place is None:
            return False
        self.move_to(place)
        return True

    # -- movement -----------------------------------------------------------------------------------------------

    def move(self, step: int) -> None:
        """The cursor ``step`` rows further, within the list."""
        self.move_to(self._cursor + step)

    def move_to(self, place: int) -> None:
        """The cursor to a place, within the list."""
        before, self._cursor = self._cursor, max(0, min(place, self.count - 1))
        if before == self._cursor:
            return
        self._show(self.scroll_offset.y)
        self._pin()
        self.refresh_line(before + 1)
        self.refresh_line(self._cursor + 1)

    def page(self, direction: int) -> None:
        """One screenful up (-1) or down (1)."""
        self.move(direction * max(1, self._body - 1))

    def mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        if self.key is None:
            return
        if self.key in self.marks:
            del self.marks[self.key]
        else:
            self.marks[self.key] = None
        self.refresh_line(self._cursor + 1)
        self.refresh()
        self.move(1)

    def sort_next(self) -> str:
        """The next order: each sortable column its own way, then turned round, then the source's own. Says which."""
        steps = [View()] + [
            View(sort=column.id, descending=turned != column.descending)
            for column in self.columns
            if column.sortable
            for turned in (False, True)
        ]
        now = replace(self.view, filter="")
        place = steps.index(now) if now in steps else 0
        self.show(replace(steps[(place + 1) % len(steps)], filter=self.view.filter))
        if not self.view.sort:
            return "own order"
        title = next(column.title for column in self.columns if column.id == self.view.sort)
        return f"sorted by {title}, {'largest' if self.view.descending else 'smallest'} first"

    # -- drawing ------------------------------------------------------------------------------------------------

    @property
    def _body(self) -> int:
        return max(1, self.size.height - 1)

    def _show(self, top: int) -> None:
        """Scroll so that the cursor is in view, from the wanted first row on."""
        top = max(self._cursor - self._body + 1, min(top, self._cursor))
        top = max(0, min(top, self.count - self._body))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True)

    def _pin(self) -> None:
        row = self.row()
        self.key = None if row is None else row.key
        self.post_message(Highlighted(self.key))

    def _row_at(self, place: int) -> Row | None:
        if not 0 <= place < self.count:
            return None
        if not self._start <= place < self._start + len(self._window) and not self._broken:
            start = self._start_for(place, self.count)
            try:
                self._window, self._start = self.source.window(self.view, start, 3 * self._span), start
            except (MidwatchError, sqlite3.Error) as error:
                # Drawing must go on; the list stays as it is until it is read again.
                self._broken = True
                self.post_message(Unread(error))
        inside = place - self._start
        return self._window[inside] if 0 <= inside < len(self._window) else None

    @property
    def _span(self) -> int:
        """By the screen's height, not the table's: the first window is asked for before the layout is known."""
        return self.app.size.height

    def _start_for(self, place: int, count: int) -> int:
        return max(0, min(place - self._span, count - 3 * self._span))

    def render_line(self, y: int) -> Strip:
        """The header, then the rows."""
        width = self.size.width
        if y == 0:
            return self._header(width)
        place = self.scroll_offset.y + y - 1
        row = self._row_at(place) if self._loaded else None
        base = self.rich_style
        if row is None:
            note = self.empty if self._loaded and not self.count and y == 1 else ""
            if note and self.view.filter:
                note = f"no row contains {self.view.filter!r}; / and enter shows all"
            return self._strip(fit("  " + note, width), base, width)
        here = place == self._cursor
        line = Text(f"{'>' if here else ' '}{'*' if row.key in self.marks else ' '}", no_wrap=True, end="")
        cells = dict(zip((column.id for column in self.columns), row.cells, strict=True))
        for number, (column, cell_width) in enumerate(layout(self.columns, width - GUTTER)):
            cell = fit(cells[column.id], cell_width, right=column.right)
            if self.view.filter and column.grow:
                cell.highlight_regex(re.compile(re.escape(self.view.filter), re.IGNORECASE), _FOUND)
            line.append(" " * (GAP if number else 0))
            line.append_text(cell)
        return self._strip(line, base + _CURSOR if here and self.has_focus else base, width)

    def _header(self, width: int) -> Strip:
        """Titles; the first growing column also tells how many rows, which filter and how many marks."""
        notes = [str(self.count)]
        notes += [f"/{self.view.filter}"] if self.view.filter else []
        notes += [f"*{len(self.marks)}"] if self.marks else []
        line = Text(" " * GUTTER, no_wrap=True, end="")
        told = False
        for number, (column, cell_width) in enumerate(layout(self.columns, width - GUTTER)):
            title = column.title
            title += ("↓" if self.view.descending else "↑") if self.view.sort == column.id else ""
            if column.grow and not told and self._loaded:
                title, told = f"{title} {' '.join(notes)}", True
            line.append(" " * (GAP if number else 0))
            line.append_text(fit(title, cell_width, right=column.right))
        return self._strip(line, self.rich_style + _HEADER, width)

    def _strip(self, line: Text, style: Style, width: int) -> Strip:
        segments = [Segment(s.text, s.style) for s in line.render(self.app.console) if s.text]
        return Strip(segments).apply_style(style).adjust_cell_length(width, style)

    # -- events -------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(event.size.width, self.count + 1)
        self._show(self.scroll_offset.y)

    def on_focus(self) -> None:
        """The cursor line is drawn differently."""
        self.refresh_line(self._cursor + 1)

    def on_blur(self) -> None:
        """The cursor line is drawn differently."""
        self.refresh_line(self._cursor + 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor, so that it never leaves the view."""
        event.stop()
        event.prevent_default()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """See :meth:`on_mouse_scroll_down`."""
        event.stop()
        event.prevent_default()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on the row."""
        if event.y >= 1:
            self.move_to(self.scroll_offset.y + event.y - 1)
