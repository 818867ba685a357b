"""SQLite's errors as sentences: what happened to the store, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import MidwatchError, RefusedError, StoreBusyError, StoreError

BUSY_TIMEOUT_MS = 10_000
"""How long a statement waits for another process's short transaction before it gives up."""

ELSEWHERE = "name another file with --store PATH"


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Turn SQLite's errors into sentences; ``path`` may be None where the connection no longer tells it."""
    where = f"the store {path}" if path else "the store"
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, where) from error


def translate(error: sqlite3.Error, where: str = "the store") -> MidwatchError:
    """The sentence for one of SQLite's errors.

    >>> str(translate(sqlite3.OperationalError("database is locked")))
    'the store is busy: another process has held it for 10 s; try again, or find it with: fuser -v STORE'
    """
    text = str(error)
    if "readonly" in text or "read-only" in text:
        return RefusedError(
            f"{where} is open read-only, or you may not write to it: nothing was recorded",
            "ask its owner for write permission on the file and its folder, or leave out --read-only",
        )
    if "locked" in text or "busy" in text:
        seconds = BUSY_TIMEOUT_MS // 1000
        return StoreBusyError(
            f"{where} is busy: another process has held it for {seconds} s",
            "try again, or find it with: fuser -v STORE",
        )
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{where} is not a midwatch store, or is damaged: {text}", ELSEWHERE)
    if "disk is full" in text or "disk I/O" in text:
        return StoreError(f"{where} can't be written: {text}; nothing was lost", "free space on that disk and repeat")
    if "unable to open" in text:
        return StoreError(f"{where} can't be opened", "check that it exists and that you may read it and its folder")
    return StoreError(f"{where} refused: {text}", "run midwatch doctor")
