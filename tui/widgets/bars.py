"""The lines around a pane: header, footer, status."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from tui.present.text import visible


class Line(Widget):
    """One line that redraws itself only when its text has changed: an idle screen sends no bytes."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = Text()

    @property
    def text(self) -> str:
        """What the line shows."""
        return self._text.plain

    def put(self, text: Text) -> None:
        """Show another text; the same again costs nothing."""
        if text != self._text or text.spans != self._text.spans:
            self._text = text
            self.refresh()

    def render(self) -> Text:
        """The text."""
        return self._text


class Status(Line):
    """What the program has to say, above the footer; takes no line while it has nothing to say.

    An error stays until ``esc`` or another message; words carry its meaning.
    """

    def say(self, sentence: str, *, error: bool = False) -> None:
        """Show one sentence; an empty one clears the line."""
        shown = visible(sentence.replace("\n", " "))
        self.display = bool(shown)
        text = Text(f"error: {shown}" if error else shown, style="bold" if error else "")
        if text.plain != self.text:
            self.put(text)
            self.refresh(layout=True)
