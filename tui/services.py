"""What the screen needs from outside, as callables, so that tests can give it others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.host import Actor
from tui.present.lines import HeaderState


@dataclass(frozen=True, slots=True)
class Services:
    """The outside of the screen.

    Attributes:
        connect: opens a connection for a worker that records; called in that worker's thread.
        reader: opens a read-only connection; one for the screen's own short reads, one for each reading worker.
        now: the clock, aware UTC.
        actor: who acts on this screen.
        header: reads what the header line shows; the shell adds mode, time of reading, model and zone.
        models: names of the registered models, for the command line.
        dump: folder for what could not be copied and for exports.
        observe: records what the program sees by itself, at the start and every minute: a model gone silent, a page
            that nobody answers; None where it may not.
        recover: ends what a crash left open, and says how in a sentence (empty: nothing was); None when nothing is.
    """

    connect: Callable[[], sqlite3.Connection]
    reader: Callable[[], sqlite3.Connection]
    now: Callable[[], datetime]
    actor: Callable[[], Actor]
    header: Callable[[sqlite3.Connection], HeaderState]
    models: Callable[[sqlite3.Connection], Sequence[str]]
    dump: Path
    recover: Callable[[sqlite3.Connection], str] | None = None
    observe: Callable[[sqlite3.Connection, datetime], object] | None = None
