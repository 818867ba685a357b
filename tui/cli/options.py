"""What every command shares: ``--store``, ``--json``, and the session opened from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from storage import file_system
from storage.clock import utc_now
from storage.db import connect, prepare, store_path
from storage.errors import OldStoreError, RefusedError
from storage.file_system import why_unwritable
from storage.host import Actor, current_actor
from tui.cli import diagnostics

Function = TypeVar("Function", bound=Callable[..., Any])


ROW_ID = click.IntRange(1, 2**63 - 1)
"""The number of a row in the store."""


@dataclass(frozen=True, slots=True)
class Session:
    """One call's connection, moment and person; ``writes`` is False where the connection only reads."""

    db: sqlite3.Connection
    path: Path
    now: datetime
    actor: Actor
    writes: bool = True


def shared(function: Function) -> Function:
    """Add ``--store PATH`` and ``--json`` to a command; they arrive as ``store`` and ``as_json``."""
    function = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(function)
    return click.option(
        "--store", metavar="PATH", default=_store_of_all, help="The store; else $MIDWATCH_STORE, else the user's own."
    )(function)


def _store_of_all() -> str | None:
    """The store named in front of the command, as in ``midwatch --store PATH alerts``."""
    ctx = click.get_current_context(silent=True)
    store: str | None = ctx.find_root().params.get("store") if ctx else None
    return store


class DefaultGroup(click.Group):
    """A group that runs one of its commands when none is named, with that command's options."""

    def __init__(self, *args: Any, default: str = "list", **kwargs: Any) -> None:
        kwargs.setdefault("subcommand_metavar", "[COMMAND] [ARGS]...")
        super().__init__(*args, **kwargs)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default in front of nothing, or of options other than a call for help."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


class ListByDefault(DefaultGroup):
    """``versions MODEL`` is short for ``versions list MODEL``: its first command takes the name of a model."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` in front of a model's name, too."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@contextmanager
def reading(store: str | None) -> Iterator[Session]:
    """A session that only reads; a store of an older schema is brought up to date first, by a person who may write.

    Raises:
        OldStoreError: it is of an older schema, and this person may not write there.
        StoreError: there is no store.
    """
    path = store_path(store)
    try:
        db = connect(path, read_only=True)
    except OldStoreError as error:
        if refused := why_unwritable(path):
            raise OldStoreError(f"{error.message}; {refused}", error.hint) from error
        prepare(path)
        diagnostics.note(f"midwatch: the store {path} was of an older schema and is brought up to date")
        db = connect(path, read_only=True)
    try:
        yield Session(db, path, utc_now(), current_actor(), writes=False)
    finally:
        db.close()


@contextmanager
def writing(store: str | None, *, create: bool = False) -> Iterator[Session]:
    """A session that may write; brings the store up to date.

    Args:
        create: whether a store that is not there is made: a path with a slip of the pen must not become an empty one.

    Raises:
        RefusedError: this person may not write there.
        StoreError: there is no store.
    """
    path = store_path(store)
    if not create and not path.exists():
        connect(path).close()  # says so, as whoever only reads is told
    if refused := why_unwritable(path):
        raise RefusedError(f"{refused}: nothing was recorded", "ask its owner, or name another store: --store PATH")
    prepare(path)
    system = file_system.under(path)
    if system.network:
        diagnostics.note(f"midwatch: the store lies on {system.kind} at {system.mount}; keep it on a local disk")
    db = connect(path)
    try:
        yield Session(db, path, utc_now(), current_actor())
    finally:
        db.close()
