"""The sheet: a page that asks before it acts, and takes keys only after the terminal has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.messages import Armed
from tui.present.text import visible
from tui.screens.modal import Modal

if TYPE_CHECKING:
    from tui.shell import Shell

ANSWER_SECONDS = 3.0
"""After this long without an answer the sheet says how to do the same from the command line; a late one still arms."""


class Sheet(Modal[bool]):
    """A modal page. ``enter`` executes once, after the terminal has answered; ``esc`` leaves at any time.

    A subclass writes :meth:`execute`; :meth:`show` binds what it shows and must be called again when that changes.

    Args:
        title: the first line.
        body: what will be done, to what, and how to undo it.
        required: text to be typed exactly before ``enter``; empty when ``enter`` is enough.
        command: the same on the command line, for a terminal that never answers.
        mutating: refused while the screen is read-only.
    """

    def __init__(
        self, title: str, body: RenderableType = "", *, required: str = "", command: str = "", mutating: bool = True
    ) -> None:
        super().__init__(classes="sheet")
        self.sheet_title = title
        self.body = body
        self.required = required
        self.command = command
        self.mutating = mutating
        self.armed = False
        self.silent = False
        self.executed = False
        self.typed = ""
        self.note = ""
        self.asked: tuple[int, int] | None = None

    def execute(self) -> None:
        """Do it; called once. Ends with :meth:`dismiss`, now or when the work has ended."""
        self.dismiss(True)

    def leave(self) -> None:
        """``esc``: leave without a decision; what was started is seen to its end."""
        if not self.executed:
            self.dismiss(False)

    # -- what it shows ------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Title, scrolling body, two fixed lines: the answer typed so far, and the state."""
        yield Static(Text(visible(self.sheet_title)), classes="sheet-title", markup=False)
        with VerticalScroll(classes="sheet-body", can_focus=False):
            yield Static(self._safe(self.body), id="sheet-body", markup=False)
        yield Static("", id="sheet-answer", markup=False)
        yield Static("", id="sheet-state", markup=False)

    def on_mount(self) -> None:
        """Draw, then ask the terminal."""
        self._draw()
        self.ask_terminal()

    def show(self, body: RenderableType, *, required: str | None = None) -> None:
        """Show something else: whatever was typed is forgotten and the terminal is asked again."""
        self.body = body
        self.required = self.required if required is None else required
        self.typed, self.armed = "", False
        self.query_one("#sheet-body", Static).update(self._safe(body))
        self._draw()
        self.ask_terminal()

    def say(self, note: str) -> None:
        """One sentence on the state line; empty shows the state again."""
        self.note = note
        self._draw()

    @staticmethod
    def _safe(body: RenderableType) -> RenderableType:
        return Text("\n".join(map(visible, body.split("\n")))) if isinstance(body, str) else body

    def _draw(self) -> None:
        wanted = f"type {self.required} to confirm > {self.typed}_" if self.required else ""
        self.query_one("#sheet-answer", Static).update(Text(visible(wanted)))
        self.query_one("#sheet-state", Static).update(Text(visible(self.note or self.state())))

    def state(self) -> str:
        """What the keys do now, in words."""
        if self.executed:
            return "started"
        if self.armed:
            return "armed: enter executes, esc leaves" if not self.required else "armed: type, then enter; esc leaves"
        if self.silent:
            by_hand = f"; from the command line: {self.command}" if self.command else ""
            return f"the terminal does not answer, so keys stay off{by_hand}; esc leaves"
        return "waiting for the terminal to answer; keys typed before are dropped; esc leaves"

    # -- arming -------------------------------------------------------------------------------------------------

    @property
    def shell(self) -> Shell:
        """The application."""
        return cast("Shell", self.app)

    def ask_terminal(self) -> None:
        """After the next paint, ask for the cursor on a place that belongs to this question only."""
        self.asked = None
        self.call_after_refresh(self._ask)

    def _ask(self) -> None:
        if self.is_attached:
            asked = self.asked = self.shell.ask_cursor()
            self.set_timer(ANSWER_SECONDS, lambda: self._unanswered(asked))

    def _unanswered(self, asked: tuple[int, int]) -> None:
        if not self.armed and self.asked == asked:
            self.silent = True
            self._draw()

    def arm_anew(self) -> None:
        """Another question is asked: what was typed before it was painted is no answer to it."""
        self.typed, self.armed, self.silent = "", False, False
        self._draw()
        self.ask_terminal()

    def answered(self, row: int, column: int) -> None:
        """The terminal reported its cursor; called by the application in the order of the input bytes."""
        if (row, column) == self.asked and not self.armed:
            self.armed, self.silent, self.note = True, False, ""
            self._draw()
            self.post_message(Armed())

    def on_resize(self) -> None:
        """A question lost in a resize is asked again."""
        if not self.armed and self.asked is not None:
            self.ask_terminal()

    # -- keys ---------------------------------------------------------------------------------------------------

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is not a decision."""
        event.stop()
        self.say("pasted text is ignored here: type it")

    def on_key(self, event: events.Key) -> None:
        """``esc`` always; everything else only when armed."""
        event.stop()
        event.prevent_default()
        if event.key in ("escape", "ctrl+c"):
            self.leave()
        elif event.key in ("up", "down", "pageup", "pagedown"):
            scroller = self.query_one(VerticalScroll)
            step = {"up": -1, "down": 1, "pageup": -scroller.size.height, "pagedown": scroller.size.height}[event.key]
            scroller.scroll_relative(y=step, animate=False)
        elif self.armed and not self.executed:
            self._typed(event)

    def _typed(self, event: events.Key) -> None:
        self.note = ""
        if event.key == "enter":
            self._confirm()
        elif event.key == "backspace":
            self.typed = self.typed[:-1]
        elif event.key == "ctrl+u":
            self.typed = ""
        elif event.character and event.is_printable and self.required:
            self.typed += event.character
        self._draw()

    def _confirm(self) -> None:
        refused = self.shell.writes.refusal(self.sheet_title, self.shell.now()) if self.mutating else ""
        if refused:
            self.note = refused
        elif self.typed != self.required:
            self.note = f"that is not {self.required}: type it exactly, then enter"
            self.typed = ""
        else:
            self.executed = True
            self.execute()
