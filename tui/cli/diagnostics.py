"""The only writer to stderr: talk, progress and errors."""

from __future__ import annotations

import sys

from storage.errors import MidwatchError
from tui.cli.output import one_line, visible


def note(message: str) -> None:
    """Say something that is not data."""
    if sys.stderr is None:  # started with a closed stderr
        return
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(visible(message).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stderr.flush()


def error(problem: MidwatchError) -> None:
    """Say what happened and what to do about it."""
    note(f"midwatch: {one_line(problem.message)}")
    if problem.hint:
        note(f"  {one_line(problem.hint)}")


def progress(done: int, total: int, what: str) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr is not None and sys.stderr.isatty():
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r\x1b[K{one_line(what)} {done}/{total}{end}")
        sys.stderr.flush()
