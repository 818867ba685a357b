"""The help screen: the keys that work in the pane it was called from, read from ACTIONS."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.actions import Action, ranked
from tui.panes import PaneSpec
from tui.screens.modal import Modal


def help_text(title: str, actions: Sequence[Action], panes: Sequence[PaneSpec], *, mode: str) -> Text:
    """The page, as text.

    >>> from tui.actions import BY_ID
    >>> print(help_text("Alerts", [BY_ID["acknowledge"]], [], mode="RO").plain.splitlines()[2].rstrip())
      a          Acknowledge: you have seen it and act on it; a storm as a whole; again takes it back. (W first)
    """
    page = Text()
    page.append(f"Keys in {title}\n\n", "bold")
    for action in ranked(actions):
        locked = " (W first)" if action.mutating and mode == "RO" else ""
        page.append(f"  {action.shown_keys:<11}{action.help}{locked}\n")
    page.append("\nPanes\n\n", "bold")
    for pane in panes:
        page.append(f"  {pane.key or f':{pane.id}':<11}{pane.title}\n")
    page.append("\nesc leaves this page.")
    return page


class Help(Modal[None]):
    """A page that scrolls."""

    def __init__(self, page: Text) -> None:
        super().__init__(classes="sheet")
        self.page = page

    def compose(self) -> ComposeResult:
        """The page."""
        with VerticalScroll(classes="sheet-body", can_focus=False):
            yield Static(self.page, markup=False)

    def on_key(self, event: events.Key) -> None:
        """Scroll or leave."""
        event.stop()
        event.prevent_default()
        scroller = self.query_one(VerticalScroll)
        steps = {
            "j": 1,
            "down": 1,
            "k": -1,
            "up": -1,
            "pagedown": scroller.size.height,
            "pageup": -scroller.size.height,
        }
        if event.key in ("escape", "q", "question_mark", "ctrl+c"):
            self.dismiss(None)
        elif event.key in steps:
            scroller.scroll_relative(y=steps[event.key], animate=False)
