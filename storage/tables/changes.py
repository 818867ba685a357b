"""The change feed: stored changes, deployments, rollbacks and registrations as one list; none is told twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

from storage.clock import from_text, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.changes import Change, ChangeFilter, ChangeSort, NewChange
from storage.tables.change_details import describe
from storage.tables.change_parts import OF_ROLLBACK, TABLES, WINDOW

_INSERT = """
INSERT INTO changes(layer, kind, subject, model_id, before, after, size, reviewed_by, at, by, source, source_ref,
                    recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(source, source_ref) DO NOTHING
"""
_MATCHES = """
WHERE (:layer IS NULL OR layer = :layer)
  AND (NOT :unreviewed OR (source_table = 'changes' AND coalesce(reviewed_by, '') = '' AND source <> 'midwatch'))
  AND (:text IS NULL OR instr(lower(kind || ' ' || subject || ' ' || coalesce(by, '') || ' '
       || coalesce(before, '') || ' ' || coalesce(after, '')), lower(:text)) > 0)
"""
_PARTS = tuple(TABLES.values())
_FEED = f"""
SELECT f.*, m.name AS model FROM (SELECT * FROM ({" UNION ALL ".join(_PARTS)}) {_MATCHES}) f
LEFT JOIN models m ON m.id = f.model_id
"""


def _nearest(direction: str) -> str:
    """The feed by moment: of each part only as many rows as the page may need, so that no part is sorted whole."""
    cut = f"{_MATCHES} ORDER BY at {direction}, id DESC LIMIT :reach"
    parts = " UNION ALL ".join(f"SELECT * FROM (SELECT * FROM ({part}) {cut})" for part in _PARTS)
    return f"SELECT f.*, m.name AS model FROM ({parts}) f LEFT JOIN models m ON m.id = f.model_id"


# Without the columns nobody counts; a rollback's state, a search for every row, is not looked up either.
_COUNT = f"""
SELECT (SELECT count(*) FROM changes c WHERE (:layer IS NULL OR c.layer = :layer) AND NOT ({OF_ROLLBACK})
        AND (NOT :unreviewed OR (coalesce(c.reviewed_by, '') = '' AND c.source <> 'midwatch'))
        {WINDOW.format("c", " OR c.model_id IS NULL")})
     + CASE WHEN :unreviewed OR coalesce(:layer, 'run') <> 'run' THEN 0 ELSE
       (SELECT count(*) FROM deployments d WHERE d.rollback_id IS NULL {WINDOW.format("d", "")})
     + (SELECT count(*) FROM rollbacks r WHERE 1 {WINDOW.format("r", "")})
     + (SELECT count(*) FROM versions v WHERE :registrations
        {WINDOW.format("v", "").replace("v.at", "v.registered_at")}) END
"""
_ORDER: dict[ChangeSort, str] = {
    "at": "f.at",
    "layer": "f.layer",
    "kind": "f.kind",
    "subject": "f.subject",
    "model": "m.name",
    "size": "f.size",
}


_SAME = """
SELECT 'deployments:' || id FROM deployments WHERE rollback_id = :id
UNION ALL
SELECT 'changes:' || id FROM changes WHERE source = 'midwatch' AND source_ref = 'rollback:' || :id
"""
_ROLLBACK_OF = {
    "deployments": "SELECT rollback_id FROM deployments WHERE id = ? AND rollback_id IS NOT NULL",
    "changes": f"SELECT CAST(substr(source_ref, 10) AS INTEGER) FROM changes c WHERE id = ? AND {OF_ROLLBACK}",
}


def add(db: sqlite3.Connection, changes: Sequence[NewChange], *, now: datetime) -> int:
    """Store changes in one transaction and return how many were new; known (source, source_ref) are left alone."""
    new = 0
    with transaction(db):
        for c in changes:
            cursor = db.execute(
                _INSERT,
                (
                    c.layer,
                    c.kind,
                    c.subject,
                    c.model_id,
                    c.before,
                    c.after,
                    c.size,
                    c.reviewed_by,
                    to_text(c.at),
                    c.by,
                    c.source,
                    c.source_ref,
                    to_text(now),
                ),
            )
            new += cursor.rowcount
            if cursor.rowcount and c.details is not None:
                describe(db, "changes", int(cursor.lastrowid or 0), c.details, now=now)
    return new


def related(db: sqlite3.Connection, change: Change) -> tuple[str, ...]:
    """Other rows of the store that this line tells, as ``table:id``: what a rollback wrote besides itself."""
    if change.table != "rollbacks":
        return ()
    return tuple(row[0] for row in db.execute(_SAME, {"id": change.id}))


def feed(
    db: sqlite3.Connection,
    *,
    offset: int = 0,
    limit: int = 100,
    sort: ChangeSort = "at",
    descending: bool = True,
    where: ChangeFilter | None = None,
) -> list[Change]:
    """``limit`` lines of the feed from ``offset`` on; ties by moment, then newest row first."""
    order = _ordered(sort, descending)
    rows_from = _nearest("DESC" if descending else "ASC") if sort == "at" else _FEED
    query = f"{rows_from} ORDER BY {order}"
    bound = {**_bound(where), "limit": limit, "offset": offset, "reach": -1 if limit < 0 else offset + limit}
    rows = db.execute(f"{query} LIMIT :limit OFFSET :offset", bound)
    return [_change(row) for row in rows]


def count(db: sqlite3.Connection, where: ChangeFilter | None = None) -> int:
    """How many lines :func:`feed` would go through."""
    bound = _bound(where)
    query = f"SELECT count(*) FROM ({_FEED})" if bound["text"] else _COUNT
    return int(db.execute(query, bound).fetchone()[0])


def get(db: sqlite3.Connection, table: str, row_id: int) -> Change:
    """One line of the feed, by the row it is; by a row that a rollback wrote, the rollback's line.

    Raises:
        UsageError: there is none.
    """
    if table in _ROLLBACK_OF and (told := db.execute(_ROLLBACK_OF[table], (row_id,)).fetchone()):
        return get(db, "rollbacks", int(told[0]))
    if table in TABLES:
        line = f"SELECT f.*, m.name AS model FROM ({TABLES[table]}) f LEFT JOIN models m ON m.id = f.model_id"
        row = db.execute(f"{line} WHERE f.id = :id", {**_bound(None), "id": row_id}).fetchone()
        if row is not None:
            return _change(row)
    raise UsageError(f"there is no change {table}:{row_id} in this store", "see midwatch changes list")


def place(
    db: sqlite3.Connection,
    table: str,
    row_id: int,
    *,
    sort: ChangeSort = "at",
    descending: bool = True,
    where: ChangeFilter | None = None,
) -> int | None:
    """Where a line stands in the list that :func:`feed` goes through, from 0; None if it is not in it."""
    if sort != "at":
        numbered = f"SELECT row_number() OVER (ORDER BY {_ordered(sort, descending)}) - 1 AS place, source_table, f.id"
        query = f"SELECT place FROM ({_FEED.replace('SELECT f.*, m.name AS model', numbered, 1)})"
        bound = {**_bound(where), "table": table, "id": row_id}
        row = db.execute(f"{query} WHERE source_table = :table AND id = :id", bound).fetchone()
        return None if row is None else int(row["place"])
    # By moment: how many lie before it, counted by index, then its place among those of the same moment.
    chosen, at = where or ChangeFilter(), get(db, table, row_id).at
    after = at + timedelta(microseconds=1)
    tied = feed(db, limit=-1, descending=descending, where=_within(chosen, at, after))
    inside = next((n for n, c in enumerate(tied) if (c.table, c.id) == (table, row_id)), None)
    if inside is None:
        return None
    before = _within(chosen, after, None) if descending else _within(chosen, None, at)
    return count(db, before) + inside


def _within(where: ChangeFilter, since: datetime | None, until: datetime | None) -> ChangeFilter:
    """The same filter, narrowed to moments from ``since`` to before ``until``."""
    start = max(filter(None, (where.since, since)), default=None)
    end = min(filter(None, (where.until, until)), default=None)
    return replace(where, since=start, until=end)


def _ordered(sort: ChangeSort, descending: bool) -> str:
    if sort not in get_args(ChangeSort):
        raise UsageError(f"changes can't be sorted by {sort!r}", f"one of {', '.join(get_args(ChangeSort))}")
    return f"{_ORDER[sort]} {'DESC' if descending else 'ASC'}, f.at DESC, f.source_table, f.id DESC"


def _bound(where: ChangeFilter | None) -> dict[str, Any]:
    chosen = where or ChangeFilter()
    return {
        "model": chosen.model_id,
        "layer": chosen.layer,
        "since": to_text(chosen.since) if chosen.since else None,
        "until": to_text(chosen.until) if chosen.until else None,
        "text": chosen.text or None,
        "unreviewed": chosen.unreviewed,
        "registrations": chosen.registrations,
    }


def _change(row: sqlite3.Row) -> Change:
    return Change(
        table=row["source_table"],
        id=row["id"],
        layer=row["layer"],
        kind=row["kind"],
        subject=row["subject"],
        model_id=row["model_id"],
        model=row["model"],
        before=row["before"],
        after=row["after"],
        size=row["size"],
        reviewed_by=row["reviewed_by"],
        at=from_text(row["at"]),
        by=row["by"],
        source=row["source"],
        in_keys=bool(row["in_keys"]),
        also=tuple(json.loads(row["also_json"] or "[]")),
        hosts=tuple(json.loads(row["hosts_json"] or "[]")),
    )
