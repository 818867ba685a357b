"""The details beside or below a list, and the lines above it."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.present.text import visible


class Detail(VerticalScroll, can_focus=True, inherit_bindings=False):
    """Details of the row under the cursor: a title line and a renderable. Text is shown as it is, never as markup."""

    def compose(self) -> ComposeResult:
        """Title and body."""
        yield Static("", classes="detail-title", markup=False)
        yield Static("", classes="detail-body", markup=False)

    def __init__(self) -> None:
        super().__init__()
        self._about: object = None

    def about(self, what: object) -> Detail:
        """What is shown from now on; from the top where that is another thing than before, else as it is scrolled."""
        if what != self._about:
            self._about = what
            self.scroll_home(animate=False)
        return self

    def show(self, title: str, body: RenderableType) -> None:
        """Show; a plain string is made safe first, a :class:`~rich.text.Text` is expected to be."""
        head, rest = self.query(Static)
        head.update(Text(visible(title), no_wrap=True, overflow="ellipsis"))
        rest.update(Text("\n".join(visible(line) for line in body.split("\n"))) if isinstance(body, str) else body)

    @property
    def plain(self) -> str:
        """What is shown, as plain text."""
        return "\n".join(_plain(part.content) for part in self.query(Static)).strip("\n")


def _plain(content: Any) -> str:
    return content.plain if isinstance(content, Text) else str(content)


class Heading(Static):
    """At most three lines above a list; takes no line while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__("", markup=False, classes="heading")
        self.display = False

    def put(self, words: Text | None) -> None:
        """Show other words; the same again costs nothing."""
        if words is not None and (not self.display or words != self.content):
            self.update(words)
        self.display = words is not None

    @property
    def plain(self) -> str:
        """What it says."""
        return _plain(self.content) if self.display else ""
