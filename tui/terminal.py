"""The terminal as it is found and left: what to switch off, when to refuse, how to ask it whether it has painted."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

MODES_OFF = (
    "\x1b[?1016l\x1b[?1015l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l"  # mouse reports
    "\x1b[?1004l"  # focus reports
    "\x1b[?2004l"  # bracketed paste
    "\x1b[?2048l"  # resize reports
    "\x1b[?2026l"  # synchronised output
    "\x1b[?7h\x1b[?25h\x1b[0m"  # line wrap, cursor, attributes
)
"""Switches off every mode that belongs to the terminal as a whole; harmless where none is on."""

RESET = (
    MODES_OFF + "\x1b[<u\x1b[?1049l\x1b[?25h"  # kitty keys of the alternate screen, then that screen itself
)
"""For a terminal that was not given back: what an orderly exit does, in one write."""


def reset(descriptor: int = 2) -> None:
    """Write :data:`RESET`, without buffering and without an error if the terminal is gone; ``midwatch reset-tty``."""
    try:
        os.write(descriptor, RESET.encode())
    except OSError:
        return


def sane(descriptor: int = 0) -> None:
    """Give the line its echo, line editing and signals back, as ``stty sane`` would."""
    import termios

    try:
        state = termios.tcgetattr(descriptor)
        state[0] |= termios.ICRNL | termios.IXON
        state[1] |= termios.OPOST
        state[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(descriptor, termios.TCSANOW, state)
    except (termios.error, OSError):
        return


def refusal(environment: Mapping[str, str] | None = None, *, terminal: bool | None = None) -> str:
    """Why the screen can't start on this terminal, in one sentence; empty when it can.

    >>> refusal({"TERM": "dumb"}, terminal=True)
    'TERM=dumb can draw no screen: use the commands (midwatch --help), or set TERM to the terminal you have'
    >>> refusal({"TERM": "xterm"}, terminal=False)
    'the screen needs a terminal on standard input and standard error: use the commands (midwatch --help)'
    >>> refusal({"TERM": "xterm"}, terminal=True)
    ''
    """
    env = os.environ if environment is None else environment
    on_terminal = (sys.stdin.isatty() and sys.stderr.isatty()) if terminal is None else terminal
    if not on_terminal:
        return "the screen needs a terminal on standard input and standard error: use the commands (midwatch --help)"
    if env.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return (
            f"TERM={env.get('TERM', '')} can draw no screen: use the commands (midwatch --help), "
            "or set TERM to the terminal you have"
        )
    return ""


def question(row: int, column: int) -> str:
    r"""Ask the terminal where its cursor is, after putting it on a place of our choice (counted from 1).

    The answer ``ESC [ row ; column R`` comes in band, behind every byte typed before the terminal drew what was
    written before the question. The place makes the answer ours: no older question and no key (shift+F3 looks like a
    report of row 1) has it.

    >>> question(7, 12)
    '\x1b7\x1b[7;12H\x1b[6n\x1b8'
    """
    return f"\x1b7\x1b[{row};{column}H\x1b[6n\x1b8"
