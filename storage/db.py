"""The store: one SQLite file, and the only ``sqlite3.connect`` of the program.

``prepare`` brings the file to the current schema, once per process; ``connect`` opens one connection for one worker
(never shared between threads). The journal is a rollback journal on purpose: a WAL file can't be opened read-only by
another user and is unsafe on network homes.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import OldStoreError, StoreError
from storage.migrations import SCHEMA_VERSION, STEPS
from storage.reader import Reader
from storage.sqlite_errors import BUSY_TIMEOUT_MS, ELSEWHERE, translate, translated

__all__ = ["BUSY_TIMEOUT_MS", "connect", "prepare", "store_path", "transaction", "translate", "translated"]

APPLICATION_ID = 0x6D696477
"""``midw``: written into the file's header, so that a stranger's database is not taken for a store."""


def store_path(option: str | None, environment: dict[str, str] | None = None) -> Path:
    """Where the store is: ``--store``, else ``$MIDWATCH_STORE``, else the user's state directory.

    >>> store_path(None, {"HOME": "/home/ada"}).as_posix()
    '/home/ada/.local/state/midwatch/midwatch.db'
    >>> store_path(None, {"MIDWATCH_STORE": "/srv/watch.db"}).as_posix()
    '/srv/watch.db'
    """
    env = dict(os.environ) if environment is None else environment
    if option:
        return Path(option).expanduser()
    if env.get("MIDWATCH_STORE"):
        return Path(env["MIDWATCH_STORE"]).expanduser()
    state = env.get("XDG_STATE_HOME") or f"{env.get('HOME', '~')}/.local/state"
    return Path(state).expanduser() / "midwatch" / "midwatch.db"


def prepare(path: Path) -> None:
    """Create the store or bring it to the current schema; safe when several processes do it at once.

    Raises:
        StoreError: the file is not a store, is newer than this program, or can't be written.
    """
    try:
        _there(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with translated(path):
            db = _open(path, read_only=False)
    except OSError as error:
        raise StoreError(f"the store's folder {path.parent} can't be made: {error.strerror}", ELSEWHERE) from error
    try:
        with translated(path):
            if _schema_version(db, path) < SCHEMA_VERSION:
                _migrate(db, path)
    finally:
        db.close()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """One connection for one worker; rows come as ``sqlite3.Row``, transactions are explicit (:func:`transaction`).

    Raises:
        OldStoreError: it is of an older schema, see :func:`prepare`.
        StoreError: no store there, not a store, of a newer schema, or not readable.
    """
    if not _there(path):
        raise StoreError(f"there is no store at {path}", "create one: midwatch init MODEL.toml, or midwatch demo")
    with translated(path):
        return _checked(path, read_only)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One short write: all of it or nothing. Inside another transaction it joins that one.

    Raises:
        RefusedError: the connection is read-only.
        StoreBusyError: another process kept the store too long.
    """
    if db.in_transaction:
        yield db
        return
    with translated(None):
        db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        with translated(None):
            db.execute("COMMIT")
    except BaseException:
        _abandon(db)
        raise


def _abandon(db: sqlite3.Connection) -> None:
    """Roll back if SQLite has not done so itself (it does on a full disk and on RAISE(ROLLBACK))."""
    if db.in_transaction:
        db.execute("ROLLBACK")


def _there(path: Path) -> bool:
    """Whether the store's file is there; a StoreError when it can be no store at all."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(f"the store {path} can't be reached: {told}", ELSEWHERE) from error
    if stat.S_ISDIR(mode):
        raise StoreError(f"{path} is a directory, not a store", "name a file, as in --store DIR/midwatch.db")
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is not a regular file, so it is no store", ELSEWHERE)
    if not os.access(path, os.R_OK):
        raise StoreError(f"you may not read the store {path}", "ask its owner for the right, or name another: --store")
    return True


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    quoted = path.absolute().as_posix().replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    kind = Reader if read_only else sqlite3.Connection
    db = sqlite3.connect(
        f"file:{quoted}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, factory=kind
    )
    if isinstance(db, Reader):
        db.path, db.mend = path, lambda: _open(path, read_only=False)
    db.row_factory = sqlite3.Row
    db.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    db.execute("PRAGMA foreign_keys=ON")
    # Without it INSERT OR REPLACE walks past the triggers that keep facts append-only.
    db.execute("PRAGMA recursive_triggers=ON")
    db.execute("PRAGMA synchronous=FULL")
    if read_only:
        db.execute("PRAGMA query_only=ON")
    return db


def _checked(path: Path, read_only: bool) -> sqlite3.Connection:
    db = _open(path, read_only=read_only)
    try:
        found = _schema_version(db, path)
    except BaseException:
        db.close()
        raise
    if found < SCHEMA_VERSION:
        db.close()
        if found == 0:
            raise StoreError(f"{path} is not a midwatch store yet", "create it: midwatch init MODEL.toml")
        raise OldStoreError(
            f"the store {path} is of schema {found}, this program reads {SCHEMA_VERSION}",
            f"any command of a person who may write there brings it up to date, as midwatch doctor --store {path}",
        )
    return db


def _schema_version(db: sqlite3.Connection, path: Path) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    if version == 0 and application == 0:
        strangers = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if strangers:
            raise StoreError(f"{path} is a SQLite file of another program", ELSEWHERE)
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a SQLite file of another program", ELSEWHERE)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"the store {path} was written by a newer midwatch (schema {version}, this one knows {SCHEMA_VERSION})",
            "install that version; an older one must not write here",
        )
    return version


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    """Apply the pending steps inside one BEGIN IMMEDIATE, so that of several first runs one does the work."""
    from importlib import import_module

    from sqlite_utils import Database, Migrations

    # Foreign keys can't be switched inside a transaction, and a step may rebuild a table that others refer to.
    db.execute("PRAGMA foreign_keys=OFF")
    db.execute("BEGIN IMMEDIATE")
    try:
        if _schema_version(db, path) < SCHEMA_VERSION:
            steps = Migrations("midwatch")
            for name in STEPS:
                steps(name=name)(import_module(f"storage.migrations.{name}").apply)
            steps.apply(Database(db, recursive_triggers=False))
            broken = db.execute("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise StoreError(f"{path}: {len(broken)} rows refer to rows that are not there", "run midwatch doctor")
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        _abandon(db)
        raise
