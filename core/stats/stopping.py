"""Long computations end where nobody waits for them any more."""

from __future__ import annotations

from collections.abc import Callable

Stop = Callable[[], bool]


class Stopped(Exception):  # noqa: N818
    """Nobody waits for the answer any more."""


def go_on(stop: Stop | None) -> None:
    """Nothing, or the end of what nobody waits for.

    Raises:
        Stopped: ``stop`` said so.
    """
    if stop is not None and stop():
        raise Stopped
