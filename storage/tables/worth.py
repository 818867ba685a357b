"""What was said of the worth of alerts, what people answered, and the models learned from that."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.clock import from_text, to_text
from storage.records.worth import Answered, Example, Moved, StoredFit, Worth

_INSERT = """
INSERT INTO alert_worth(alert_id, probability, place, method, fit_id, tier_before, worthy, judged, reasons_json,
                        features_json, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_FIT = "INSERT INTO worth_fits(answers, in_force, body_json, at) VALUES (?, ?, ?, ?)"
_LATEST_FIT = "SELECT * FROM worth_fits ORDER BY id DESC LIMIT 1"
# A link that the program made by itself only repeats what a person said of an earlier alert.
_ANSWERED_IDS = """
SELECT alert_id AS id FROM alert_feedback
UNION SELECT alert_id FROM alert_events WHERE kind = 'link' AND by <> 'midwatch'
"""
_LAST_VERDICT = "(SELECT verdict FROM alert_feedback f WHERE f.alert_id = a.id ORDER BY f.id DESC LIMIT 1)"
_ANSWERED = f"""
SELECT a.*, coalesce(w.tier_before, a.tier) AS tier_before, {_LAST_VERDICT} AS verdict,
       (SELECT r.check_name FROM alert_findings k JOIN check_results r ON r.id = k.result_id
        WHERE k.alert_id = a.id ORDER BY r.score DESC, r.id LIMIT 1) AS check_name
FROM alerts a LEFT JOIN alert_worth w ON w.alert_id = a.id
WHERE a.id IN ({_ANSWERED_IDS}) ORDER BY a.id DESC LIMIT :limit
"""
_COUNT_ANSWERED = f"SELECT count(*) FROM ({_ANSWERED_IDS}) JOIN alert_worth w ON w.alert_id = id"
_EXAMPLES = f"""
SELECT a.id, w.features_json, {_LAST_VERDICT} AS verdict FROM alert_worth w JOIN alerts a ON a.id = w.alert_id
WHERE a.id IN ({_ANSWERED_IDS}) ORDER BY a.id DESC LIMIT :limit
"""
# Silence: shown as a page or a ticket at the checks' own word or louder, open for long, and nobody touched its group
# afterwards, though somebody answered another alert of the model. What was put to sleep, or moved down by the program,
# was not shown, so that nobody's silence about it says anything.
_SILENT = """
WITH last_answer AS MATERIALIZED (
    SELECT b.model_id, max(f.at) AS at FROM alert_feedback f CROSS JOIN alerts b ON b.id = f.alert_id
    GROUP BY b.model_id
), shown AS MATERIALIZED (
    SELECT a.* FROM alerts a JOIN last_answer l ON l.model_id = a.model_id
    WHERE a.tier IN ('page', 'ticket') AND a.class <> 'hard' AND a.cause <> :burn
      AND a.fired_at <= :before AND a.fired_at <= l.at
    ORDER BY a.id DESC LIMIT :limit
)
SELECT a.id, w.features_json FROM shown a CROSS JOIN alert_worth w ON w.alert_id = a.id
WHERE NOT EXISTS (SELECT 1 FROM alert_events e WHERE e.alert_id = a.id
                  AND (e.kind IN ('acknowledge', 'snooze', 'link')
                       OR e.kind = 'resolve' AND julianday(e.at) < julianday(a.fired_at) + :shown))
  AND NOT EXISTS (SELECT 1 FROM alerts b CROSS JOIN alert_feedback f ON f.alert_id = b.id
                  WHERE b.model_id = a.model_id AND b.group_key = a.group_key AND f.at >= a.fired_at)
  AND NOT EXISTS (SELECT 1 FROM alerts b CROSS JOIN alert_events e ON e.alert_id = b.id
                  WHERE b.model_id = a.model_id AND b.group_key = a.group_key AND e.by <> 'midwatch'
                    AND e.at >= a.fired_at)
ORDER BY a.id DESC
"""
_MOVED = f"""
SELECT a.id, a.title, w.tier_before, a.tier, w.probability, w.reasons_json, a.fired_at, {_LAST_VERDICT} AS verdict,
       (SELECT incident_id FROM alert_events e WHERE e.alert_id = a.id AND kind = 'link'
        ORDER BY e.id DESC LIMIT 1) AS incident_id
FROM alert_worth w JOIN alerts a ON a.id = w.alert_id
WHERE (:model IS NULL OR a.model_id = :model) AND w.tier_before <> a.tier ORDER BY a.id DESC LIMIT :limit
"""
_METHODS = """
SELECT w.method, count(*) AS n FROM alert_worth w JOIN alerts a ON a.id = w.alert_id
WHERE :model IS NULL OR a.model_id = :model GROUP BY w.method
"""
_SEEN = """
SELECT (SELECT count(*) FROM alerts WHERE fingerprint = :fingerprint) AS fingerprint,
       (SELECT count(*) FROM alerts WHERE model_id = :model AND group_key = :group AND fired_at >= :since) AS lately
"""
_NEAR = """
SELECT (SELECT count(*) FROM incidents i JOIN incident_state s ON s.incident_id = i.id
        WHERE i.model_id = :model AND s.state IN ('triage', 'open', 'mitigated')) AS incidents,
       (SELECT version FROM deployments WHERE model_id = :model AND at > :since AND at <= :at
        ORDER BY at DESC, id DESC LIMIT 1) AS deployed,
       EXISTS (SELECT 1 FROM alert_groups g JOIN alerts a ON a.id = g.head_id
               WHERE g.model_id = :model AND g.open = 1 AND a.cause IN (SELECT value FROM json_each(:causes))) AS moved
"""
_UNWEIGHED = """
SELECT a.id FROM alert_groups g JOIN alerts a ON a.id = g.head_id
WHERE g.model_id = ? AND g.open = 1 AND NOT EXISTS (SELECT 1 FROM alert_worth w WHERE w.alert_id = a.id)
  AND NOT EXISTS (SELECT 1 FROM alert_feedback f WHERE f.alert_id = a.id)
  AND NOT EXISTS (SELECT 1 FROM alert_events e WHERE e.alert_id = a.id AND e.kind = 'link')
"""


def insert(db: sqlite3.Connection, alert_id: int, worth: Worth, features: Mapping[str, Any], now: datetime) -> None:
    """Append what was said of an alert, with all that it rests on."""
    w = worth
    db.execute(
        _INSERT,
        (
            alert_id, w.probability, w.place, w.method, w.fit_id, w.tier_before, w.worthy, w.judged,
            json.dumps(w.reasons, ensure_ascii=False), json.dumps(features, ensure_ascii=False, allow_nan=False),
            to_text(now),
        ),
    )  # fmt: skip


def of_row(row: sqlite3.Row) -> Worth | None:
    """What was said, from a row with the columns of ``alert_worth``; None when nothing was."""
    if row["probability"] is None:
        return None
    return Worth(
        probability=row["probability"],
        place=row["place"],
        method=row["method"],
        tier_before=row["tier_before"],
        worthy=row["worthy"],
        judged=row["like_judged"],
        reasons=tuple(json.loads(row["reasons_json"])),
        fit_id=row["fit_id"],
    )


def answered(db: sqlite3.Connection, limit: int) -> list[Answered]:
    """The newest answered alerts of all models, the newest first."""
    return [
        Answered(
            alert_id=row["id"],
            model_id=row["model_id"],
            fingerprint=row["fingerprint"],
            group_key=row["group_key"],
            cause=row["cause"],
            columns=tuple(json.loads(row["columns_json"])),
            tier=row["tier"],
            tier_before=row["tier_before"],
            check=row["check_name"],
            verdict=row["verdict"],
        )
        for row in db.execute(_ANSWERED, {"limit": limit})
    ]


def count_answered(db: sqlite3.Connection) -> int:
    """How many alerts there are to learn from: answered, and weighed when they were raised."""
    return int(db.execute(_COUNT_ANSWERED).fetchone()[0])


def examples(db: sqlite3.Connection, limit: int) -> list[Example]:
    """What a person said of the newest alerts, in order of time."""
    rows = db.execute(_EXAMPLES, {"limit": limit}).fetchall()
    return [_example(row, row["verdict"] not in ("noise", "duplicate"), 1.0) for row in reversed(rows)]


def silent(
    db: sqlite3.Connection,
    *,
    before: datetime,
    shown_days: float,
    burn: str,
    weight: float,
    limit: int,
) -> list[Example]:
    """Alerts that nobody answered for long, in order of time, as weak signs that they were not worth it.

    Args:
        before: only those raised till then.
        shown_days: one that ended sooner does not count.
        burn: the cause whose alerts never count.
    """
    asked = {"before": to_text(before), "shown": shown_days, "burn": burn, "limit": limit}
    return [_example(row, False, weight) for row in reversed(db.execute(_SILENT, asked).fetchall())]


def insert_fit(db: sqlite3.Connection, *, answers: int, in_force: bool, body: Mapping[str, Any], now: datetime) -> int:
    """Append what was learned and return its id."""
    told = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return int(db.execute(_INSERT_FIT, (answers, int(in_force), told, to_text(now))).lastrowid or 0)


def latest_fit(db: sqlite3.Connection) -> StoredFit | None:
    """What was learned last."""
    row = db.execute(_LATEST_FIT).fetchone()
    if row is None:
        return None
    return StoredFit(
        row["id"], row["answers"], bool(row["in_force"]), json.loads(row["body_json"]), from_text(row["at"])
    )


def moved(db: sqlite3.Connection, model_id: int | None, limit: int) -> list[Moved]:
    """The newest alerts whose tier was moved, the newest first."""
    return [
        Moved(
            alert_id=row["id"],
            title=row["title"],
            tier_before=row["tier_before"],
            tier=row["tier"],
            probability=row["probability"],
            reasons=tuple(json.loads(row["reasons_json"])),
            fired_at=from_text(row["fired_at"]),
            verdict=row["verdict"],
            incident_id=row["incident_id"],
        )
        for row in db.execute(_MOVED, {"model": model_id, "limit": limit})
    ]


def methods(db: sqlite3.Connection, model_id: int | None) -> dict[str, int]:
    """How many alerts were weighed by each method."""
    return {row["method"]: row["n"] for row in db.execute(_METHODS, {"model": model_id})}


def seen(db: sqlite3.Connection, model_id: int, fingerprint: str, group_key: str, since: datetime) -> tuple[int, int]:
    """How many alerts have this fingerprint, and how many this group raised since a moment."""
    asked = {"model": model_id, "fingerprint": fingerprint, "group": group_key, "since": to_text(since)}
    row = db.execute(_SEEN, asked).fetchone()
    return row["fingerprint"], row["lately"]


def near(
    db: sqlite3.Connection, model_id: int, *, since: datetime, at: datetime, causes: tuple[str, ...]
) -> tuple[int, str | None, bool]:
    """What else is going on: incidents open, the version deployed in (since, at], whether a group of causes is open."""
    asked = {"model": model_id, "since": to_text(since), "at": to_text(at), "causes": json.dumps(causes)}
    row = db.execute(_NEAR, asked).fetchone()
    return row["incidents"], row["deployed"], bool(row["moved"])


def unweighed(db: sqlite3.Connection, model_id: int) -> list[int]:
    """Ids of the unanswered alerts that stand for an open group and were never weighed.

    One that is answered already can't be weighed any more as it was known when it was raised.
    """
    return [row["id"] for row in db.execute(_UNWEIGHED, (model_id,))]


def _example(row: sqlite3.Row, worth: bool, weight: float) -> Example:
    known = json.loads(row["features_json"])
    return Example(row["id"], known["values"], known["counted"], bool(known["exempt"]), worth, weight)
