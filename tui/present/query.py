"""The answer to a query as a person reads it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tui.present.columns import Column
from tui.present.page import Page
from tui.present.rows import WIDEST, cell, exact
from tui.present.slices import two_lines
from tui.present.text import visible

if TYPE_CHECKING:
    from core.query import QueryPage

WAITING = (Column("c0", "", 10, grow=1),)
_LOOKED_AT = 60


def columns(found: QueryPage) -> tuple[Column, ...]:
    """One column each; those on the right go first where the screen is too narrow."""
    last = len(found.columns) - 1
    return tuple(
        Column(f"c{place}", visible(name), _width(found, place), grow=int(place == last), rank=place,
               right=_numeric(found, place), descending=_numeric(found, place))
        for place, name in enumerate(found.columns)
    )  # fmt: skip


def cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    """The values, short."""
    return tuple(cell(value) for value in row)


def heading(statement: str, model: str, found: QueryPage | None) -> Text:
    """The query; of what, how many rows."""
    if found is None:
        return two_lines(statement, f"asking {model} ... (esc leaves)")
    more = ", the first of more" if found.truncated else ""
    masked = f"; {', '.join(found.redacted)} masked" if found.redacted else ""
    return two_lines(statement, f"{len(found.rows):,} rows{more} of {model} {found.what}{masked}")


def detail(found: QueryPage, place: int) -> Text:
    """One row whole."""
    page = Page()
    width = min(24, max((len(visible(name)) for name in found.columns), default=0))
    for name, value in zip(found.columns, found.rows[place], strict=True):
        page.line(f"{visible(name):{width}}  {'missing' if value is None else exact(value)}")
    return page.text


def json_text(found: QueryPage, place: int) -> str:
    """One row as a line of JSON."""
    row = dict(zip(found.columns, found.rows[place], strict=True))
    return json.dumps(row, ensure_ascii=False, default=exact)


def csv_text(found: QueryPage) -> str:
    """All rows."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(found.columns)
    writer.writerows([exact(value) for value in row] for row in found.rows)
    return out.getvalue()


def _width(found: QueryPage, place: int) -> int:
    longest = max((len(visible(cell(row[place]))) for row in found.rows[:_LOOKED_AT]), default=1)
    return max(3, min(WIDEST, max(longest, min(12, len(found.columns[place])))))


def _numeric(found: QueryPage, place: int) -> bool:
    values = [row[place] for row in found.rows[:_LOOKED_AT] if row[place] is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
