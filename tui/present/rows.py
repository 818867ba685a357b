"""Rows of a log as a person reads them: a list that fits, one row whole, and the text that ``y`` copies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import PurePath

from rich.text import Text

from core.rows_behind import Origin
from storage.records.logs import LogRow
from storage.records.versions import PARTS
from tui.present.columns import Column
from tui.present.page import Page, Stamp
from tui.present.text import visible

WIDEST = 18
"""Cells that one column of a list gets at the most; the details of a row show all of it."""
_LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class RowList:
    """Rows to be shown.

    Attributes:
        words: what they have in common, for the heading.
        total: how many there are; ``rows`` are the first of them in the order told by ``order``.
        order: how they are sorted, in words.
        lead: the columns to show first.
        note: what else must be known of them, empty when nothing.
        measure: what was measured on each row, the title of a column of its own; ``measures`` are its cells.
    """

    words: str
    total: int
    rows: tuple[LogRow, ...]
    order: str
    lead: tuple[str, ...] = ()
    note: str = ""
    measure: str = ""
    measures: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, the leading ones first."""
        known = self.rows[0].values if self.rows else {}
        return tuple(dict.fromkeys([*(name for name in self.lead if name in known), *known]))


def cell(value: object) -> str:
    """One value, short: numbers to four significant places, times in UTC, nothing as a dash.

    >>> cell(None), cell(0.123456), cell(17), cell(1200345.5), cell(datetime(2026, 11, 23, 3, 1, tzinfo=UTC))
    ('-', '0.1235', '17', '1.2e+06', '2026-11-23T03:01:00Z')
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if value != int(value or 0) or abs(value) >= 1e15 else str(int(value))
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else str(value)


def exact(value: object) -> str:
    """One value as a file holds it: nothing is rounded.

    >>> exact(None), exact(0.1234567), exact(True)
    ('', '0.1234567', 'True')
    """
    return "" if value is None else cell(value) if isinstance(value, datetime | date) else str(value)


def columns(found: RowList) -> tuple[Column, ...]:
    """The table's columns: where the row stands, the leading columns, then the others as they fit."""
    names = found.names
    several = len({row.path for row in found.rows}) > 1
    widths = {name: _width(name, found.rows) for name in names}
    numeric = {name for name in names if all(_is_number(row.values.get(name)) for row in found.rows[:_LOOKED_AT])}
    place = Column("place", "FILE:LINE" if several else "LINE", 24 if several else 6, rank=1, right=not several)
    if not names:
        return (Column("place", "LINE", 6, grow=1),)
    measured = (Column("measure", found.measure.upper()[:8], 8, right=True, descending=True),) if found.measure else ()
    return (
        place,
        *measured,
        *(
            Column(f"v{number}", name, widths[name], grow=int(number == len(names) - 1), rank=0 if number == 0 else
                   2 + number, right=name in numeric, descending=name in numeric)
            for number, name in enumerate(names)
        ),
    )  # fmt: skip


def cells(number: int, found: RowList) -> tuple[str, ...]:
    """The cells of a row in the order of :func:`columns`."""
    row = found.rows[number]
    several = len({each.path for each in found.rows}) > 1
    place = f"{PurePath(row.path).name}:{row.line}" if several else str(row.line or "?")
    measured = found.measures[number : number + 1] if found.measure else ()
    return (place, *measured, *(cell(row.values.get(name)) for name in found.names))


def heading(found: RowList, *, by: str = "", kept: int | None = None, text: str = "") -> Text:
    """What the rows have in common; how many there are, in which order, and of which file.

    Args:
        by: the order that a person chose instead, in words.
        kept: how many of them a filter for that text leaves, None without a filter.
    """
    shown = "" if found.total == len(found.rows) else f", the first {len(found.rows):,} shown"
    files = list(dict.fromkeys(PurePath(row.path).name for row in found.rows))
    of = f" of {files[0]}" if len(files) == 1 else f" of {len(files)} files" if files else ""
    head = Text(visible(found.words) + "\n", "bold", no_wrap=True, overflow="ellipsis")
    left = "" if kept is None else f"{kept:,} with {text!r} of "
    note = f"; {found.note}" if found.note else ""
    return head.append(visible(f"{left}{found.total:,} rows{shown}, {by or found.order}{of}{note}"), "")


def title(row: LogRow) -> str:
    """Where a row stands."""
    return f"{PurePath(row.path).name}:{row.line or '?'}"


def preview(number: int, found: RowList) -> Text:
    """The values of a row, below its list."""
    page = Page()
    _values(page, number, found)
    return page.text


def detail(number: int, found: RowList, came_from: Origin, stamp: Stamp) -> Text:
    """All of a row, and where it came from: batch, version and what that is made of, and whether a rule answered."""
    page, row = Page(), found.rows[number]
    _values(page, number, found)
    batch, version = came_from.batch, came_from.registered
    page.head("came from")
    page.line(f"  file     {row.path}:{row.line or '?'}")
    window = "no readable time"
    if batch.window_start and batch.window_end:
        window = f"{stamp(batch.window_start)} to {stamp(batch.window_end)}"
    page.line(f"  batch    {batch.id} of {came_from.model.name}, {window}, sha256 {batch.sha256[:12]}")
    page.line(f"  version  {came_from.version or 'not told by the row or its batch'}")
    if version is None and came_from.version:
        page.line("           not registered: midwatch versions add")
    elif version is not None:
        for part in PARTS:
            told = version.hashes[part]
            path = {"model": version.model_path, "data": version.data_path, "config": version.config_path,
                    "code": version.code_ref, "environment": version.environment_path}[part]  # fmt: skip
            page.line(
                f"  {part:11}  {told[:12] if told else 'nobody gave one'}{f'  {PurePath(path).name}' if path else ''}"
            )
        page.line(f"  seed         {version.seed or 'nobody gave one'}")
        trained = f"trained {stamp(version.trained_at)}, " if version.trained_at else ""
        page.line(f"  {trained}registered {stamp(version.registered_at)} by {version.registered_by}")
    rules = [f"{name} = {cell(row.values.get(name))}" for name in came_from.decided_by]
    page.line(f"  rule     {', '.join(rules) or 'none is named by the row: the model answered'}")
    return page.text


def json_text(row: LogRow) -> str:
    """The row as one line of JSON, with its file and line."""
    return json.dumps({"path": row.path, "line": row.line, **row.values}, ensure_ascii=False, default=cell)


def _values(page: Page, number: int, found: RowList) -> None:
    names, row = found.names, found.rows[number]
    if found.measure:
        page.line(f"{found.measure}: {found.measures[number]}", "bold")
    width = min(24, max((len(visible(name)) for name in names), default=0))
    for name in names:
        value = row.values.get(name)
        told = "missing" if value is None else str(value) if isinstance(value, float) else cell(value)
        page.line(f"{visible(name):{width}}  {told}", "bold" if name in found.lead else "")


def _width(name: str, rows: Sequence[LogRow]) -> int:
    longest = max((len(visible(cell(row.values.get(name)))) for row in rows[:_LOOKED_AT]), default=1)
    return max(3, min(WIDEST, max(longest, min(len(name), 8))))


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
