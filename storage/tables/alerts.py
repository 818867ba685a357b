"""Alerts and what people did about them; the state is a view over the events."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from storage.clock import from_text, from_text_or_none, to_text
from storage.db import transaction
from storage.errors import UsageError
from storage.records.alerts import Alert, AlertDraft, AlertEvent
from storage.tables import worth

_SELECT = """
SELECT a.*, m.name AS model, s.state, s.until_at, s.by AS state_by, s.incident_id, s.verdict,
       (SELECT count(*) FROM alerts b WHERE b.fingerprint = a.fingerprint) AS seen,
       (SELECT count(*) FROM alert_feedback f JOIN alerts b ON b.id = f.alert_id
        WHERE b.fingerprint = a.fingerprint AND f.verdict = 'acted') AS acted,
       (SELECT count(*) FROM alert_feedback f JOIN alerts b ON b.id = f.alert_id
        WHERE b.fingerprint = a.fingerprint) AS judged,
       w.probability, w.place, w.method, w.fit_id, w.tier_before, w.worthy, w.judged AS like_judged, w.reasons_json
FROM alerts a JOIN models m ON m.id = a.model_id JOIN alert_state s ON s.alert_id = a.id
LEFT JOIN alert_worth w ON w.alert_id = a.id
"""
_BY_ID = _SELECT + "WHERE a.id = ?"
_OF_BATCH = _SELECT + "WHERE a.batch_id = ? ORDER BY a.score DESC, a.id"
_OF_GROUP = _SELECT + "WHERE a.model_id = ? AND a.group_key = ? ORDER BY a.id DESC LIMIT ?"
_OF_INCIDENT = _SELECT + "WHERE s.incident_id = ? ORDER BY a.id"
# One line per group: its latest alert stands for it (alert_groups is kept by triggers).
_GROUPS = """
FROM alert_groups g JOIN alerts a ON a.id = g.head_id JOIN models m ON m.id = g.model_id
WHERE (:open = 0 OR g.open = 1) AND (:model IS NULL OR g.model_id = :model) AND (:tier IS NULL OR a.tier = :tier)
  AND (:like IS NULL OR (a.title || ' ' || a.cause || ' ' || m.name) LIKE :like ESCAPE '\\')
  AND (NOT :fold OR CASE WHEN :model IS NULL THEN g.leads ELSE g.leads_model END)
"""
_ORDERS = {
    "tier": "g.quiet, g.tier_rank, g.place DESC, g.head_id DESC",
    "score": "g.score, g.head_id",
    "model": "m.name, g.head_id DESC",
    "time": "g.head_id",
}
_FIRING = """
SELECT a.tier, count(*) AS n FROM alert_groups g JOIN alerts a ON a.id = g.head_id
JOIN alert_state s ON s.alert_id = g.head_id
WHERE g.open = 1 AND (:model IS NULL OR g.model_id = :model)
  AND (g.quiet = 1 OR CASE WHEN :model IS NULL THEN g.leads ELSE g.leads_model END)
  AND (g.quiet = 0 OR (s.state = 'snoozed' AND s.until_at <= :now))
GROUP BY a.tier
"""
_INSERT = """
INSERT INTO alerts(model_id, batch_id, fingerprint, group_key, tier, class, cause, title, columns_json, score,
                   window_start, window_end, fired_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_FINDING = "INSERT INTO alert_findings(alert_id, result_id) VALUES (?, ?)"
_INSERT_EVENT = (
    "INSERT INTO alert_events(alert_id, kind, until_at, incident_id, by, note, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_EVENTS = "SELECT * FROM alert_events WHERE alert_id = ? ORDER BY id"
_INSERT_FEEDBACK = "INSERT INTO alert_feedback(alert_id, verdict, by, note, at) VALUES (?, ?, ?, ?, ?)"
_OPEN_GROUPS = _SELECT + "WHERE a.id IN (SELECT head_id FROM alert_groups WHERE model_id = ? AND open = 1)"
_HEAD = _SELECT + "WHERE a.id = (SELECT head_id FROM alert_groups WHERE model_id = ? AND group_key = ?)"


def insert(
    db: sqlite3.Connection,
    draft: AlertDraft,
    *,
    model_id: int,
    batch_id: int | None,
    result_ids: Sequence[int],
    window: tuple[datetime | None, datetime | None],
    now: datetime,
) -> int:
    """Append one alert with the findings it rests on."""
    start, end = window
    with transaction(db):
        cursor = db.execute(
            _INSERT,
            (
                model_id,
                batch_id,
                draft.fingerprint,
                draft.group_key,
                draft.tier,
                draft.error_class,
                draft.cause,
                draft.title,
                json.dumps(draft.columns, ensure_ascii=False),
                draft.score,
                None if start is None else to_text(start),
                None if end is None else to_text(end),
                to_text(now),
            ),
        )
        alert_id = int(cursor.lastrowid or 0)
        db.executemany(_INSERT_FINDING, [(alert_id, result_ids[i]) for i in draft.findings])
    return alert_id


def event(
    db: sqlite3.Connection,
    alert_id: int,
    kind: str,
    *,
    by: str,
    now: datetime,
    until: datetime | None = None,
    incident_id: int | None = None,
    note: str | None = None,
) -> None:
    """Append what happened to an alert: acknowledge, snooze, wake, resolve, reopen or link."""
    values = (alert_id, kind, None if until is None else to_text(until), incident_id, by, note, to_text(now))
    with transaction(db):
        db.execute(_INSERT_EVENT, values)


def feedback(
    db: sqlite3.Connection, alert_id: int, verdict: str, *, by: str, now: datetime, note: str | None = None
) -> None:
    """Append what a person said of an alert."""
    with transaction(db):
        db.execute(_INSERT_FEEDBACK, (alert_id, verdict, by, note, to_text(now)))


def get(db: sqlite3.Connection, alert_id: int) -> Alert:
    """The alert of that id.

    Raises:
        UsageError: there is none.
    """
    row = db.execute(_BY_ID, (alert_id,)).fetchone()
    if row is None:
        raise UsageError(f"there is no alert {alert_id} in this store", "list them: midwatch alerts")
    return _alert(row)


def of_batch(db: sqlite3.Connection, batch_id: int) -> list[Alert]:
    """Alerts that a batch raised or continued, the worst first."""
    return [_alert(row) for row in db.execute(_OF_BATCH, (batch_id,))]


def of_group(db: sqlite3.Connection, model_id: int, group_key: str, limit: int = 100) -> list[Alert]:
    """Alerts of one group, newest first."""
    return [_alert(row) for row in db.execute(_OF_GROUP, (model_id, group_key, limit))]


def of_incident(db: sqlite3.Connection, incident_id: int) -> list[Alert]:
    """Alerts linked to an incident, in order of time."""
    return [_alert(row) for row in db.execute(_OF_INCIDENT, (incident_id,))]


def open_groups(db: sqlite3.Connection, model_id: int) -> list[Alert]:
    """The latest alert of each group of a model that is not resolved."""
    return [_alert(row) for row in db.execute(_OPEN_GROUPS, (model_id,))]


def head(db: sqlite3.Connection, model_id: int, group_key: str) -> Alert | None:
    """The latest alert of a group."""
    row = db.execute(_HEAD, (model_id, group_key)).fetchone()
    return _alert(row) if row else None


def page(
    db: sqlite3.Connection,
    *,
    model_id: int | None = None,
    tier: str | None = None,
    like: str | None = None,
    only_open: bool = True,
    fold: bool = False,
    order: str = "tier",
    descending: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> list[Alert]:
    """A window of the list of groups, each shown by its latest alert; ``order`` is tier, score, model or time.

    With ``fold`` the groups of a storm are one line, unless a tier or a text is looked for.
    """
    query = f"SELECT g.head_id {_GROUPS} ORDER BY {_order(order, descending)} LIMIT :limit OFFSET :offset"
    values = {**_filter(model_id, tier, like, only_open, fold), "limit": limit, "offset": offset}
    ids = [row["head_id"] for row in db.execute(query, values)]
    return [_alert(db.execute(_BY_ID, (alert_id,)).fetchone()) for alert_id in ids]


def count(
    db: sqlite3.Connection,
    *,
    model_id: int | None = None,
    tier: str | None = None,
    like: str | None = None,
    only_open: bool = True,
    fold: bool = False,
) -> int:
    """How many groups :func:`page` walks over."""
    values = _filter(model_id, tier, like, only_open, fold)
    return int(db.execute(f"SELECT count(*) {_GROUPS}", values).fetchone()[0])


def place(
    db: sqlite3.Connection,
    group: tuple[int, str],
    *,
    model_id: int | None = None,
    tier: str | None = None,
    like: str | None = None,
    only_open: bool = True,
    fold: bool = False,
    order: str = "tier",
    descending: bool = False,
) -> int | None:
    """Where a group (model id and key) stands in the list that :func:`page` walks over, from 0."""
    numbered = f"SELECT g.model_id, g.group_key, row_number() OVER (ORDER BY {_order(order, descending)}) - 1 AS place"
    query = f"SELECT place FROM ({numbered} {_GROUPS}) WHERE model_id = :of AND group_key = :key"
    row = db.execute(
        query, {**_filter(model_id, tier, like, only_open, fold), "of": group[0], "key": group[1]}
    ).fetchone()
    return row["place"] if row else None


def firing(db: sqlite3.Connection, now: datetime, model_id: int | None = None) -> dict[str, int]:
    """Number of firing groups per tier; what fires in a storm is one, by its loudest."""
    return {row["tier"]: row["n"] for row in db.execute(_FIRING, {"model": model_id, "now": to_text(now)})}


def events(db: sqlite3.Connection, alert_id: int) -> list[AlertEvent]:
    """What happened to an alert, in order."""
    return [
        AlertEvent(
            id=row["id"],
            alert_id=row["alert_id"],
            kind=row["kind"],
            until=from_text_or_none(row["until_at"]),
            incident_id=row["incident_id"],
            by=row["by"],
            note=row["note"],
            at=from_text(row["at"]),
        )
        for row in db.execute(_EVENTS, (alert_id,))
    ]


def _order(order: str, descending: bool) -> str:
    terms = _ORDERS[order].split(", ")
    if not descending:
        return ", ".join(terms)
    return ", ".join(term.removesuffix(" DESC") if term.endswith(" DESC") else f"{term} DESC" for term in terms)


def _filter(model_id: int | None, tier: str | None, like: str | None, only_open: bool, fold: bool) -> dict[str, object]:
    escaped = None if like is None else like.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = None if escaped is None else f"%{escaped}%"
    folded = fold and tier is None and like is None  # who looks for something finds it inside a storm, too
    return {"model": model_id, "tier": tier, "like": pattern, "open": int(only_open), "fold": int(folded)}


def _alert(row: sqlite3.Row) -> Alert:
    return Alert(
        id=row["id"],
        model_id=row["model_id"],
        model=row["model"],
        batch_id=row["batch_id"],
        fingerprint=row["fingerprint"],
        group_key=row["group_key"],
        tier=row["tier"],
        error_class=row["class"],
        cause=row["cause"],
        title=row["title"],
        columns=tuple(json.loads(row["columns_json"])),
        score=row["score"],
        window_start=from_text_or_none(row["window_start"]),
        window_end=from_text_or_none(row["window_end"]),
        fired_at=from_text(row["fired_at"]),
        state=row["state"],
        until=from_text_or_none(row["until_at"]),
        by=row["state_by"],
        incident_id=row["incident_id"],
        verdict=row["verdict"],
        seen=row["seen"],
        acted=row["acted"],
        judged=row["judged"],
        worth=worth.of_row(row),
    )
