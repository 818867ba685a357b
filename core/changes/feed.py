"""Changes: taken in from options or JSON lines, and what was altered before a symptom began."""

from __future__ import annotations

import difflib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.redaction import Redactor, redactor_for
from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.host import Actor
from storage.records.changes import LAYERS, OBSERVER, Change, ChangeFilter, ChangeSort, NewChange
from storage.tables import audit, changes, models

KEYS: tuple[str, ...] = (
    "layer",
    "kind",
    "subject",
    "model",
    "at",
    "by",
    "size",
    "reviewed_by",
    "before",
    "after",
    "source",
    "source_ref",
)
"""What a line of JSON may hold; layer, kind and subject are required."""

EXPORTED: tuple[str, ...] = (
    "at",
    "layer",
    "kind",
    "subject",
    "model",
    "by",
    "size",
    "reviewed_by",
    "before",
    "after",
    "source",
)
"""What an exported line holds, besides ``row``: the row of the store it is, as ``table:id``."""

TABLE_OF = {"change": "changes", "deployment": "deployments", "rollback": "rollbacks", "version": "versions"}
"""The word a person may type for a table of the feed."""

_REQUIRED = ("layer", "kind", "subject")
_MAXIMUM_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of lines that were fed: ``bad`` holds line number (from 1) and what is wrong with it."""

    read: int
    added: int
    known: int
    bad: tuple[tuple[int, str], ...]


def parse(db: sqlite3.Connection, fields: Mapping[str, Any], *, source: str, now: datetime) -> NewChange:
    """One change from its fields; ``source`` holds where the fields name none, ``now`` where they name no moment.

    Without a ``source_ref`` one is derived by hash from what happened, so that the same line fed twice is one change.

    Raises:
        UsageError: a field is missing, unknown or of the wrong kind.
    """
    for key in fields:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KEYS)}"
            raise UsageError(f"there is no field {key!r}", hint)
    texts = {key: _text(fields, key) for key in KEYS if key not in ("size", "at")}
    for key in _REQUIRED:
        if not texts[key]:
            raise UsageError(f"{key} is missing", f"required: {', '.join(_REQUIRED)}")
    if texts["layer"] not in LAYERS:
        raise UsageError(f"there is no layer {texts['layer']!r}", f"one of {', '.join(LAYERS)}")
    if texts["source"] == OBSERVER:
        raise UsageError(f"the source {OBSERVER!r} is what the program saw itself", "name your own")
    size = fields.get("size")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 2**63):
        raise UsageError(f"size {size!r} is not a whole number from 0 up", "count lines, rows or files")
    at = _moment(fields["at"]) if fields.get("at") is not None else now
    model = models.get(db, texts["model"]) if texts["model"] else None
    digest = json.dumps([*(texts[k] for k in KEYS if k in texts and k != "source_ref"), size, to_text(at)])
    return NewChange(
        layer=texts["layer"],
        kind=texts["kind"] or "",
        subject=texts["subject"] or "",
        at=at,
        source=texts["source"] or source,
        source_ref=texts["source_ref"] or f"sha256:{hashlib.sha256(digest.encode()).hexdigest()}",
        model_id=model.id if model else None,
        by=texts["by"],
        size=size,
        reviewed_by=texts["reviewed_by"],
        before=texts["before"],
        after=texts["after"],
    )


def add(db: sqlite3.Connection, fields: Mapping[str, Any], *, source: str, actor: Actor, now: datetime) -> bool:
    """Record one change; False when it was known already.

    Raises:
        UsageError: as :func:`parse`.
    """
    return bool(_store(db, [parse(db, fields, source=source, now=now)], actor, now))


def add_lines(db: sqlite3.Connection, lines: Iterable[str], *, source: str, actor: Actor, now: datetime) -> Taken:
    """Record changes from JSON lines: good lines are kept, bad ones reported by number, empty ones passed over."""
    good: list[NewChange] = []
    bad: list[tuple[int, str]] = []
    read = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        read += 1
        try:
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise UsageError("not a JSON object")
            # A feed is told when things happened; the moment of reading would make each reading another change.
            if fields.get("at") is None:
                raise UsageError("at is missing", 'as in "at": "2026-11-23T02:10:00Z"')
            good.append(parse(db, fields, source=source, now=now))
        except UsageError as error:
            bad.append((number, str(error)))
        except (ValueError, RecursionError) as error:
            bad.append((number, f"not JSON: {error}"))
    added = _store(db, good, actor, now)
    return Taken(read, added, len(good) - added, tuple(bad))


def exported(
    db: sqlite3.Connection, where: ChangeFilter, *, sort: ChangeSort, descending: bool
) -> list[dict[str, Any]]:
    """The feed as plain values, for a file that leaves the machine: what a model file redacts is masked."""
    redactors = {m.id: redactor_for(db, m) for m in models.list_all(db)}
    every = Redactor(
        frozenset().union(*(r.columns for r in redactors.values())),
        tuple(sorted({s for r in redactors.values() for s in r.secrets}, key=lambda s: (-len(s), s))),
    )
    lines = []
    for c in changes.feed(db, limit=-1, sort=sort, descending=descending, where=where):
        redactor = every if c.model_id is None else redactors[c.model_id]
        told: dict[str, Any] = {name: getattr(c, name) for name in EXPORTED}
        for name in ("subject", "before", "after"):
            told[name] = redactor.optional(told[name])
        lines.append({**told, "at": to_text(c.at), "row": c.reference})
    return lines


def between(db: sqlite3.Connection, model_id: int | None, start: datetime, end: datetime) -> list[Change]:
    """What was altered in ``[start, end)``, for a model or for all: nearest to ``end`` first.

    Of two at the same moment the un-reviewed one comes first, then the larger one. The registration of a version alters
    nothing that runs, so it is not among them; its deployment is.
    """
    where = ChangeFilter(model_id=model_id, since=start, until=end, registrations=False)
    found = changes.feed(db, limit=-1, where=where)
    return sorted(found, key=lambda c: (end - c.at, not c.unreviewed, -(c.size or 0)))


def find(db: sqlite3.Connection, text: str) -> Change:
    """One line of the feed: ``deployments:9`` or ``rollback:1`` name the row, a number alone is a stored change.

    Raises:
        UsageError: there is none.
    """
    word, colon, number = text.strip().rpartition(":")
    table = TABLE_OF.get(word.lower(), word.lower()) if colon else "changes"
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise UsageError(f"{text!r} names no change", "write its ROW as midwatch changes list has it")
    return changes.get(db, table, int(number))


def _store(db: sqlite3.Connection, good: list[NewChange], actor: Actor, now: datetime) -> int:
    if not good:
        return 0
    with transaction(db):
        added = changes.add(db, good, now=now)
        if added:
            told = {"added": added, "known": len(good) - added, "sources": sorted({c.source for c in good})}
            audit.record(db, "changes.add", actor=actor, now=now, object_kind="changes", after=told)
    return added


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UsageError(f"{key} must be a text, not {value!r}", "put it in quotes")
    if len(value) > _MAXIMUM_TEXT:
        raise UsageError(f"{key} is longer than {_MAXIMUM_TEXT} characters", "name the thing, link the rest")
    if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise UsageError(f"{key} holds half a character", "write it as UTF-8")
    return value.strip() or None


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return from_text(str(value))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"at {value!r} is not a moment", "as in 2026-11-23T02:10:00Z") from error
