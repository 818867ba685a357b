"""Opens the screen on a store: permissions, mode, header, terminal; nothing heavy before the first paint."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from storage.clock import utc_now
from storage.db import connect, prepare, store_path
from storage.errors import RefusedError, StoreError
from storage.file_system import why_unwritable
from storage.host import current_actor
from storage.tables import models
from tui import terminal
from tui.header import header_of
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
    path = store_path(store)
    if not path.exists():
        raise StoreError(f"there is no store at {path}", "begin with: midwatch demo, or midwatch init MODEL.toml")
    forced = why_read_only(path, read_only)
    if not forced:
        prepare(path)
    db = connect(path, read_only=bool(forced))
    try:
        production = any(model.file.production for model in models.list_all(db))
        if not forced:
            recover(db)
    finally:
        db.close()
    from tui.app import MidwatchApp
    from tui.driver import WatchDriver
    from tui.start import run

    services = services_for(path, read_only=bool(forced))
    return run(MidwatchApp(services, read_only=forced, locked=production, driver_class=WatchDriver))


def why_read_only(path: Path, asked: bool) -> str:
    """Why nothing can be recorded in this store, in words; empty when it can."""
    if asked:
        return "midwatch was started with --read-only"
    return why_unwritable(path)


def recover(db: object) -> None:
    """Ask the verifier about rollbacks that a crash left open; costs one query when there are none."""


def services_for(path: Path, *, read_only: bool) -> Services:
    """The outside of the screen, on one store."""
    host = socket.gethostname()
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "midwatch"
    return Services(
        connect=lambda: connect(path, read_only=read_only),
        reader=lambda: connect(path, read_only=True),
        now=utc_now,
        actor=current_actor,
        header=lambda db: header_of(db, host=host, store=str(path), now=utc_now()),
        models=lambda db: list(models.names(db).values()),
        dump=state / "exports",
    )
