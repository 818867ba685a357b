"""Workers: one use case in a thread, with a connection of its own, and one message back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from textual.app import App
from textual.widget import Widget
from textual.worker import NoActiveWorker, Worker, get_current_worker

from core.stats.stopping import Stopped
from storage.errors import MidwatchError, StoreBusyError, StoreError
from tui.messages import Done, Failed

Result = TypeVar("Result")


def start(
    widget: Widget,
    job: str,
    work: Callable[[sqlite3.Connection], Result],
    *,
    connect: Callable[[], sqlite3.Connection],
    then: Callable[[Result], None] | None = None,
    instead: Callable[[MidwatchError], None] | None = None,
    records: bool = False,
) -> Worker[None]:
    """Run ``work(db)`` in a thread; the application gets one :class:`Done` or :class:`Failed`.

    A reading job replaces an unfinished one of the same name: the older answer is dropped. A job that records is never
    dropped, even when its starter is gone: what it did is always told.

    Args:
        widget: the starter.
        job: the job's name and its exclusive group.
        work: the use case; it must not touch a widget.
        connect: opens the job's own connection, in its thread.
        then: called with the result in the screen's thread.
        instead: called with the error in the screen's thread, besides the sentence on the status line.
        records: the job writes to the store or acts on the world.
    """
    app = widget.app

    def run() -> None:
        worker = get_current_worker()
        message: Done | Failed
        try:
            with closing(connect()) as db:
                message = Done(job, work(db), widget, then)
        except MidwatchError as error:
            message = Failed(job, error, widget, instead)
        except sqlite3.Error as error:
            message = Failed(job, sentence(error), widget, instead)
        if records or not worker.is_cancelled:
            app.post_message(message)

    if records:
        return app.run_worker(run, name=job, group=f"{job} (records)", thread=True)
    return widget.run_worker(run, name=job, group=job, thread=True, exclusive=True)


class _LeftError(Exception):
    """Nobody waits for the answer any more."""


def stopper() -> Callable[[], bool]:
    """Whether the job of this thread was cancelled; never, outside of a job."""
    try:
        worker = get_current_worker()
    except NoActiveWorker:
        return lambda: False
    return lambda: worker.is_cancelled


def follow(
    widget: Widget,
    job: str,
    work: Callable[[sqlite3.Connection, Callable[[Result], None]], Result],
    *,
    connect: Callable[[], sqlite3.Connection],
    first: Callable[[Result], None],
    then: Callable[[Result], None],
    instead: Callable[[MidwatchError], None] | None = None,
) -> Worker[None]:
    """Run ``work(db, tell)``, which may tell a first answer before the one it returns.

    A later job of the same name, and ``cancel()`` of the worker, end it where it tells or asks :func:`stopper`;
    what it finds after that is
    dropped.

    Args:
        first: called with an answer that will be followed by a better one, in the screen's thread.
        then: called with the last answer; ``instead`` with an error.
    """
    app = widget.app

    def run() -> None:
        worker = get_current_worker()

        def tell(answer: Result) -> None:
            if worker.is_cancelled:
                raise _LeftError
            app.post_message(Done(job, answer, widget, first))

        message: Done | Failed
        try:
            with closing(connect()) as db:
                message = Done(job, work(db, tell), widget, then)
        except (_LeftError, Stopped):
            return
        except MidwatchError as error:
            message = Failed(job, error, widget, instead)
        except sqlite3.Error as error:
            message = Failed(job, sentence(error), widget, instead)
        if not worker.is_cancelled:
            app.post_message(message)

    return widget.run_worker(run, name=job, group=job, thread=True, exclusive=True)


class Progress:
    """Tells on the status line how far a long job is, from the job's thread, at most four times a second.

    Make one in the screen's thread and hand it to the use case as its ``tell`` argument.
    """

    def __init__(self, app: App[Any], say: Callable[[str], None]) -> None:
        self._app, self._say, self._last = app, say, 0.0

    def __call__(self, sentence: str) -> None:
        """Tell, or leave it out when the last one was a moment ago."""
        now = time.monotonic()
        if now - self._last >= 0.25 and self._app.is_running:
            self._last = now
            self._app.call_from_thread(self._say, sentence)


def sentence(error: sqlite3.Error) -> MidwatchError:
    """SQLite's error as one of ours.

    >>> sentence(sqlite3.OperationalError("database is locked")).exit_code
    3
    """
    text = str(error)
    if "locked" in text or "busy" in text:
        return StoreBusyError("the store is busy: another process is writing", "it is read again by itself")
    return StoreError(f"the store refused: {text}", "run midwatch doctor")


class StoreWatch:
    """Tells cheaply whether another connection has written to the store.

    ``PRAGMA data_version`` reads a few bytes of the file; it never waits (busy timeout 0): while a writer holds the
    store the question is simply asked again later.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute("PRAGMA busy_timeout=0")
        self._seen: int | None = self._version()

    def changed(self) -> int | None:
        """The new version if something was written since the last call, else None."""
        version = self._version()
        if version is None or version == self._seen:
            return None
        self._seen = version
        return version

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _version(self) -> int | None:
        try:
            # Not the reader's own execute, which waits: this runs in the screen's thread, every second.
            row: Any = sqlite3.Connection.execute(self._db, "PRAGMA data_version").fetchone()
        except sqlite3.OperationalError:
            return None
        return int(row[0])
