"""Read-only or read-write: what a person may do on this screen, and why not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from storage.errors import RefusedError

UNLOCK = timedelta(minutes=15)
"""How long ``W`` unlocks writes."""


class WriteLock:
    """The state ``RO`` or ``RW`` of one screen. It asks no clock: every method takes ``now``.

    Args:
        forced: why writes can't be unlocked at all (``--read-only``, no permission); empty when they can.
        locked: the screen starts read-only (a production model in the store).

    >>> from datetime import UTC
    >>> three = datetime(2026, 11, 23, 3, tzinfo=UTC)
    >>> lock = WriteLock()
    >>> lock.mode(three), lock.unlock(three) and lock.mode(three), lock.mode(three + UNLOCK)
    ('RO', 'RW', 'RO')
    """

    def __init__(self, *, forced: str = "", locked: bool = True) -> None:
        self.forced = forced
        self._locked = locked
        self._until: datetime | None = None

    def mode(self, now: datetime) -> Literal["RO", "RW"]:
        """The mode at a moment."""
        if self.forced:
            return "RO"
        if not self._locked:
            return "RW"
        return "RW" if self._until is not None and now < self._until else "RO"

    def unlock(self, now: datetime) -> datetime:
        """Unlock writes; returns when they lock themselves again.

        Raises:
            RefusedError: they can't be unlocked here.
        """
        if self.forced:
            raise RefusedError(self.forced)
        self._locked = True
        self._until = now + UNLOCK
        return self._until

    def lock(self) -> None:
        """Back to read-only at once."""
        self._locked, self._until = True, None

    def refusal(self, what: str, now: datetime) -> str:
        """Why a mutating action is refused, in one sentence; empty when it is not.

        >>> from datetime import UTC
        >>> WriteLock().refusal("Acknowledge", datetime(2026, 11, 23, 3, tzinfo=UTC))
        'Acknowledge is refused: this screen is read-only; W unlocks writes for 15 minutes.'
        """
        if self.mode(now) == "RW":
            return ""
        if self.forced:
            return f"{what} is refused: {self.forced}."
        return f"{what} is refused: this screen is read-only; W unlocks writes for 15 minutes."
