"""The one-line prompt: the command line (``:``), the filter (``/``), and any short question of a pane."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Static


class Prompt(Horizontal):
    """A label and an input; hidden until :meth:`ask`. ``enter`` answers, ``esc`` leaves without an answer."""

    BINDINGS = [Binding("escape", "leave", show=False), Binding("ctrl+c", "leave", show=False)]

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._answer: Callable[[str], None] | None = None
        self._leave: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Label and input."""
        yield Static("", id="prompt-label", markup=False)
        field = Input(id="prompt-input", compact=True, select_on_focus=False)
        field.cursor_blink = False
        yield field

    @property
    def is_open(self) -> bool:
        """Whether a question stands."""
        return self._answer is not None

    def ask(self, label: str, answer: Callable[[str], None], *, value: str = "", left: Callable[[], None]) -> None:
        """Ask for one line.

        Args:
            label: what stands before the input.
            answer: called with the line after ``enter``.
            value: what the input starts with.
            left: called when the prompt has closed, answered or not; gives the focus back.
        """
        self._answer, self._leave = answer, left
        self.query_one("#prompt-label", Static).update(Text(label))
        field = self.query_one(Input)
        field.value = value
        field.cursor_position = len(value)
        self.display = True
        # Not field.focus(), which is done later: the rest of a burst such as ":q" would act on the list.
        self.screen.set_focus(field)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The answer."""
        event.stop()
        answer, value = self._answer, event.value
        self.action_leave()
        if answer is not None:
            answer(value)

    def action_leave(self) -> None:
        """Close."""
        self._answer = None
        self.display = False
        if self._leave is not None:
            self._leave()
