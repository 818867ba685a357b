"""A page of details: headings and lines, every word made safe on its way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from rich.text import Text

from tui.present.text import visible

Stamp = Callable[[datetime], str]


class Page:
    r"""Collects lines into one text.

    >>> page = Page()
    >>> page.head("alerts")
    >>> page.line("[/red] stays")
    >>> page.text.plain
    'alerts\n[/red] stays\n'
    """

    def __init__(self) -> None:
        self.text = Text()

    def head(self, words: str) -> None:
        """A heading, after an empty line unless it comes first."""
        self.text.append(("\n" if self.text else "") + visible(words) + "\n", "bold")

    def line(self, words: str, style: str = "") -> None:
        """One line."""
        self.text.append(visible(words) + "\n", style)

    def lines(self, head: str, lines: Sequence[str], *, empty: str = "") -> None:
        """A heading with how many, and the lines; without any the words of ``empty``, or nothing at all."""
        if not lines and not empty:
            return
        self.head(f"{head} ({len(lines)})" if lines else head)
        for words in lines or (empty,):
            self.line(f"  {words}")


def span(length: timedelta | None) -> str:
    """A length of time as it is said: minutes below two hours, hours below two days, days above.

    >>> span(timedelta(minutes=7)), span(timedelta(hours=30)), span(timedelta(days=3)), span(None)
    ('7 min', '30 h', '3 d', '-')
    """
    if length is None:
        return "-"
    minutes = length.total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def short(stamp: str) -> str:
    """A moment for a list: without the year.

    >>> short("2026-11-23 03:01Z")
    '11-23 03:01Z'
    """
    return stamp[5:]
