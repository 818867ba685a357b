"""Ctrl-C is remembered: a library in the middle of a query may swallow it, and the next file must not be begun."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_seen = False


def listen() -> None:
    """Remember interrupts from now on; they still raise ``KeyboardInterrupt`` at once."""
    global _seen
    _seen = False
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) in (
        signal.default_int_handler,
        _remember,
    ):
        signal.signal(signal.SIGINT, _remember)


def check() -> None:
    """Raise the interrupt that was swallowed; for between two files.

    Raises:
        KeyboardInterrupt: there was one since :func:`listen`.
    """
    if _seen:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    global _seen
    _seen = True
    signal.default_int_handler(number, frame)
