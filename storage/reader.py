"""A connection that only reads, beside writers that are at work and writers that were killed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage.errors import StoreError
from storage.file_system import writable
from storage.sqlite_errors import translate

TRIES = 40
"""How often a read is tried again (50 ms apart) before it is said that it can't be done."""

_READS = ("SELECT", "PRAGMA", "WITH")


class Reader(sqlite3.Connection):
    """Every query survives a writer in the middle of its commit, and the journal of a writer that was killed.

    Who may write mends the journal (SQLite rolls it back), who may not is told who can. Only ``execute`` can meet
    either: the rows after the first come under the lock that the first one took.

    Attributes:
        path: the store.
        mend: opens a connection that may write.
    """

    path: Path
    mend: Callable[[], sqlite3.Connection]

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a query.

        Raises:
            StoreError: a killed process left a journal, and this person may not write here.
            StoreBusyError: another process kept the store too long.
        """
        try:
            return super().execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if not _in_the_way(error) or not sql.lstrip().upper().startswith(_READS):
                raise
            last = error
        for _ in range(TRIES):
            if "locked" in str(last):  # SQLite has waited for the busy timeout already
                break
            if writable(self.path) and writable(self.path.parent):
                self._roll_back_dead_writer()
            try:
                return super().execute(sql, parameters)
            except sqlite3.OperationalError as error:
                if not _in_the_way(error):
                    raise
                last = error
            time.sleep(0.05)
        if "locked" in str(last) or not self.path.with_name(self.path.name + "-journal").exists():
            raise translate(last, f"the store {self.path}") from last
        raise StoreError(
            f"the store {self.path} has an unfinished transaction of a process that was killed, and you may not write "
            "here",
            "its owner mends it by opening midwatch once",
        ) from last

    def _roll_back_dead_writer(self) -> None:
        """Any read of a connection that may write makes SQLite roll back what a killed process left."""
        db = self.mend()
        try:
            db.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:  # a writer is at work after all: the read is tried again
            return
        finally:
            db.close()


def _in_the_way(error: sqlite3.OperationalError) -> bool:
    """Whether a read met another process's journal or lock, which may be gone in a moment."""
    return any(word in str(error) for word in ("readonly", "read-only", "locked", "unable to open", "I/O"))
