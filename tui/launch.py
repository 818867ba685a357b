"""Opens the screen on a store: permissions, mode, header, terminal; nothing heavy before the first paint."""

from __future__ import annotations

import gc
import os
import socket
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from storage.clock import utc_now
from storage.db import connect, prepare, store_path
from storage.errors import RefusedError, StoreError
from storage.file_system import why_unwritable
from storage.host import current_actor
from storage.tables import models, promotions, rollbacks
from tui import terminal
from tui.header import header_of
from tui.rotation import RotationFile
from tui.services import Services


def launch(store: str | None, *, read_only: bool = False) -> int:
    """Run the screen until it is left; 0 when it ended well.

    Raises:
        StoreError: there is no store, or it can't be read.
        RefusedError: this terminal can't show a screen.
    """
    refused = terminal.refusal()
    if refused:
        raise RefusedError(refused)
    # Start-up makes many objects that stay: looking them over for garbage is work for nothing. See MidwatchApp.begin.
    gc.disable()
    path = store_path(store)
    if not path.exists():
        raise StoreError(f"there is no store at {path}", "begin with: midwatch demo, or midwatch init MODEL.toml")
    forced = why_read_only(path, read_only)
    if not forced:
        prepare(path)
    db = connect(path, read_only=bool(forced))
    try:
        production = any(model.file.production for model in models.list_all(db))
        left = not forced and (rollbacks.any_left(db) or bool(promotions.unfinished(db)))
    finally:
        db.close()
    from tui.app import MidwatchApp
    from tui.driver import WatchDriver
    from tui.start import run

    services = services_for(path, read_only=bool(forced), recover=recover if left else None)
    return run(MidwatchApp(services, read_only=forced, locked=production, driver_class=WatchDriver))


def why_read_only(path: Path, asked: bool) -> str:
    """Why nothing can be recorded in this store, in words; empty when it can."""
    if asked:
        return "midwatch was started with --read-only"
    return why_unwritable(path)


def observe(db: sqlite3.Connection, now: datetime) -> None:
    """Models without data get their ticket, those that came back lose it; pages that nobody answers are passed on."""
    from core.escalation import escalate
    from core.watchdogs import watch_silence

    watch_silence(db, now)
    escalate(db, now)


def recover(db: sqlite3.Connection) -> str:
    """Ask the verifier about what a crash left open, or a log has confirmed since; runs in a thread.

    Returns:
        One sentence about how they ended; empty when nothing did.
    """
    from core.rollback.recovery import recover as ended_by_the_world

    found = ended_by_the_world(db, now=utc_now(), actor=current_actor())
    told = [
        f"rollback {done.rollback_id} of {done.model} to {done.to_version} was left open and is now {done.state}: "
        f"{done.message}"
        for done in found
    ]
    if promotions.unfinished(db):
        from core.rollouts.acting import recover as promotions_ended

        told += [
            f"the promotion of {done.model} {done.version} was left open and is now {done.state}: {done.message}"
            for done in promotions_ended(db, now=utc_now(), actor=current_actor())
        ]
    return "; ".join(told)


def services_for(
    path: Path, *, read_only: bool, recover: Callable[[sqlite3.Connection], str] | None = None
) -> Services:
    """The outside of the screen, on one store."""
    host = socket.gethostname()
    rotation = RotationFile()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "midwatch"
    return Services(
        connect=lambda: connect(path, read_only=read_only),
        reader=lambda: connect(path, read_only=True),
        now=utc_now,
        actor=current_actor,
        header=lambda db: header_of(db, host=host, store=str(path), now=utc_now(), rotation=rotation),
        models=lambda db: list(models.names(db).values()),
        dump=state / "exports",
        recover=recover,
        observe=None if read_only else observe,
    )
