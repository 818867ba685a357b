"""The audit log: who did what, as a hash chain in which one changed byte is found."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.host import Actor

_LAST = "SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1"
_INSERT = """
INSERT INTO audit_log(at, actor, host, tty, ssh_client, action, object_kind, object_id, before_json, after_json,
                      previous_hash, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ALL = "SELECT * FROM audit_log ORDER BY id"
_RECENT = "SELECT * FROM audit_log WHERE (:kind IS NULL OR object_kind = :kind) ORDER BY id DESC LIMIT :limit"

GENESIS = "0" * 64
"""What the first entry names as its predecessor."""

_HASHED = (
    "at",
    "actor",
    "host",
    "tty",
    "ssh_client",
    "action",
    "object_kind",
    "object_id",
    "before_json",
    "after_json",
)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action of one person."""

    id: int
    at: datetime
    actor: str
    host: str
    tty: str | None
    ssh_client: str | None
    action: str
    object_kind: str | None
    object_id: str | None
    before: Any
    after: Any
    hash: str


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a walk over the chain found: ``broken_at`` is the id of the first entry that doesn't fit, or None."""

    entries: int
    head: str
    broken_at: int | None = None
    reason: str | None = None


def record(
    db: sqlite3.Connection,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    object_kind: str | None = None,
    object_id: object = None,
    before: Any = None,
    after: Any = None,
) -> str:
    """Append one entry inside the caller's transaction (or one of its own) and return its hash."""
    with transaction(db):
        row = db.execute(_LAST).fetchone()
        previous = row["hash"] if row else GENESIS
        values = (
            to_text(now),
            actor.name,
            actor.host,
            actor.tty,
            actor.ssh_client,
            action,
            object_kind,
            None if object_id is None else str(object_id),
            _json(before),
            _json(after),
        )
        digest = _digest(previous, values)
        db.execute(_INSERT, (*values, previous, digest))
    return digest


def verify(db: sqlite3.Connection) -> AuditVerdict:
    """Walk the whole chain; the first entry whose hash or predecessor is wrong is named."""
    previous, entries, last_id = GENESIS, 0, 0
    for row in db.execute(_ALL):
        entries += 1
        if row["id"] != last_id + 1:
            return AuditVerdict(entries, previous, row["id"], f"entry {last_id + 1} is missing")
        if row["previous_hash"] != previous:
            return AuditVerdict(entries, previous, row["id"], "its predecessor's hash is not the one it names")
        if row["hash"] != _digest(previous, tuple(row[name] for name in _HASHED)):
            return AuditVerdict(entries, previous, row["id"], "its content does not match its hash")
        previous, last_id = row["hash"], row["id"]
    return AuditVerdict(entries, previous)


def recent(db: sqlite3.Connection, limit: int = 100, object_kind: str | None = None) -> Iterator[AuditEntry]:
    """The latest entries, newest first."""
    for row in db.execute(_RECENT, {"kind": object_kind, "limit": limit}):
        yield AuditEntry(
            id=row["id"],
            at=from_text(row["at"]),
            actor=row["actor"],
            host=row["host"],
            tty=row["tty"],
            ssh_client=row["ssh_client"],
            action=row["action"],
            object_kind=row["object_kind"],
            object_id=row["object_id"],
            before=json.loads(row["before_json"]) if row["before_json"] else None,
            after=json.loads(row["after_json"]) if row["after_json"] else None,
            hash=row["hash"],
        )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _digest(previous: str, values: tuple[Any, ...]) -> str:
    # A JSON list keeps field borders: ("ab", "c") and ("a", "bc") must not hash alike.
    return hashlib.sha256(json.dumps([previous, *values], ensure_ascii=False).encode()).hexdigest()
