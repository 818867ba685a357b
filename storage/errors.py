"""What can go wrong outside the process, in words a person can act on.

Every error carries ``message`` (what happened, and where: file, line, column, key) and ``hint`` (what to do). The exit
code of the command line belongs to the class; the README prints the same table.
"""

from __future__ import annotations

from typing import ClassVar


class MidwatchError(Exception):
    """Something a person must know about.

    Args:
        message: one sentence: what happened, and where.
        hint: what to do about it; empty when the message says it.

    >>> str(MidwatchError("rows.csv is empty", "point at a file with rows"))
    'rows.csv is empty; point at a file with rows'
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(MidwatchError):
    """The call, an argument or a model file is wrong (exit code 2)."""

    exit_code = 2


class ModelFileError(UsageError):
    """A model file that can't be read or breaks its own rules."""


class StoreError(MidwatchError):
    """The store can't be opened, read or written (exit code 3)."""

    exit_code = 3


class OldStoreError(StoreError):
    """The store is of an older schema: whoever may write brings it up to date on opening it."""


class StoreBusyError(StoreError):
    """Another process holds the store longer than the busy timeout."""


class SourceError(MidwatchError):
    """A prediction log, label file or connector can't be read (exit code 4)."""


class ActuatorError(MidwatchError):
    """An actuator or verifier failed: the world may not be what was asked for (exit code 4)."""


class RefusedError(MidwatchError):
    """Refused by a safety rule: read-only, preflight, conflict (exit code 5)."""

    exit_code = 5
