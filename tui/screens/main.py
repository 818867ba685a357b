"""The one full screen: header, the pane, status, prompt, footer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import ContentSwitcher

from tui.widgets.bars import Line, Status
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tui.app import MidwatchApp


class MainScreen(Screen[None], inherit_bindings=False):
    """Panes are mounted into the switcher at their first visit."""

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield Line(id="header")
        yield ContentSwitcher(id="panes")
        status = Status(id="status")
        status.display = False
        yield status
        prompt = Prompt()
        prompt.display = False
        yield prompt
        yield Line(id="footer")

    async def on_mount(self) -> None:
        """Everything is in place: the application can show its first pane."""
        await cast("MidwatchApp", self.app).begin()
