"""Every message that crosses widgets, named for what happened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.message import Message
from textual.widget import Widget

from storage.errors import MidwatchError


@dataclass
class Done(Message, bubble=False):
    """A job ended well; goes to the application, which calls ``then(result)`` if the starter is still there.

    Attributes:
        job: the job's name.
        result: what the use case returned.
        starter: the widget that started it.
        then: what its starter wants done with the result, in the screen's thread.
    """

    job: str
    result: Any
    starter: Widget
    then: Callable[[Any], None] | None = None


@dataclass
class Failed(Message, bubble=False):
    """A job ended with an error; goes to the application, which says so and calls ``instead(error)``."""

    job: str
    error: MidwatchError
    starter: Widget
    instead: Callable[[MidwatchError], None] | None = None


@dataclass
class StoreChanged(Message, bubble=False):
    """Another connection wrote to the store; may be replaced by a later one."""

    version: int

    def can_replace(self, message: Message) -> bool:
        """Only the latest counts."""
        return isinstance(message, StoreChanged)


@dataclass
class Armed(Message, bubble=False):
    """The terminal answered that the sheet was painted."""


@dataclass
class Highlighted(Message):
    """The cursor of a table stands on another row, or the row was read again. ``key`` is None in an empty table."""

    key: str | None


@dataclass
class Unread(Message):
    """A list could not read the rows it was asked to draw; bubbles to the application, which says so."""

    error: MidwatchError | sqlite3.Error
