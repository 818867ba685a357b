"""What lies over the panes: a screen that can be left once."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Modal(ModalScreen[Result]):
    """A modal screen; the first key that leaves it decides, keys that follow before it is gone change nothing."""

    BINDINGS = []
    _left = False

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Leave with a result, once."""
        if self._left:
            return AwaitComplete()
        self._left = True
        return super().dismiss(result)
