"""Small dialogs: a choice by one key, and the unlock of writes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from tui.present.text import visible
from tui.screens.modal import Modal
from tui.screens.sheet import Sheet


class Choice(Modal[str | None]):
    """One key picks one of a few; for what can be taken back. ``esc`` picks nothing.

    Args:
        title: the question.
        options: key, value and words of each.
    """

    def __init__(self, title: str, options: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(classes="sheet")
        self.question = title
        self.options = tuple(options)

    def compose(self) -> ComposeResult:
        """The question and a line for each option."""
        yield Static(Text(visible(self.question)), classes="sheet-title", markup=False)
        lines = [f"  {key}  {visible(words)}" for key, _, words in self.options]
        yield Static(Text("\n".join([*lines, "", "  esc  leave"])), classes="sheet-body", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Pick, or leave."""
        event.stop()
        event.prevent_default()
        if event.key in ("escape", "ctrl+c"):
            self.dismiss(None)
            return
        picked = [value for key, value, _ in self.options if key in (event.character, event.key)]
        if picked:
            self.dismiss(picked[0])


class Unlock(Sheet):
    """Asks before writes are unlocked."""

    def __init__(self, minutes: int, store: str, models: str) -> None:
        body = (
            f"Store   {store}\nModels  {models}\n\n"
            "Until then keys on this screen record and act: acknowledge, incidents, rollback.\n"
            "Every action is written to the audit log with your name. W again locks."
        )
        super().__init__(f"Unlock writes for {minutes} minutes", body, mutating=False)
