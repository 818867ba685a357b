"""The only writer to stderr: talk, progress and errors."""

from __future__ import annotations

import sys

from storage.errors import MidwatchError
from tui.cli.output import visible


def note(message: str) -> None:
    """Say something that is not data."""
    sys.stderr.write(visible(message) + "\n")
    sys.stderr.flush()


def error(problem: MidwatchError) -> None:
    """Say what happened and what to do about it."""
    note(f"midwatch: {problem.message}")
    if problem.hint:
        note(f"  {problem.hint}")


def progress(done: int, total: int, what: str) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r\x1b[K{visible(what)} {done}/{total}{end}")
        sys.stderr.flush()
