"""What alerts were worth, counted inside SQLite: a store of 100,000 alerts is read in one pass."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta

from storage.clock import from_text, to_text
from storage.records.alert_quality import AlertCount, JudgedAlert, Outcome, ScoreCount
from storage.records.alerts import VERDICTS
from storage.records.missed import Missed
from storage.records.results import TIERS

RIPE = timedelta(days=1)
"""How old an alert is before nobody's answer to it is an answer."""

_OUTCOMES: tuple[Outcome | None, ...] = (None, "right", "wrong", "repeat")

# Right or wrong by what people said, else by the incident it is linked to, of which each group stands once.
_OUTCOME = """CASE WHEN r.verdict IN ('acted', 'useful', 'late') THEN 'right'
                WHEN r.verdict IS NOT NULL THEN 'wrong'
                WHEN l.incident_was IS NULL THEN NULL
                WHEN l.judged OR l.number > 1 THEN 'repeat'
                WHEN l.incident_was = 'false alarm' THEN 'wrong'
                ELSE 'right' END"""
_RAW = """
    SELECT a.id, a.model_id, a.group_key, a.tier, a.cause, a.score, a.batch_id, a.fired_at,
           coalesce(a.window_end, a.fired_at) AS moment,
           (SELECT verdict FROM alert_feedback f WHERE f.alert_id = a.id ORDER BY f.id DESC LIMIT 1) AS verdict,
           (SELECT incident_id FROM alert_events e WHERE e.alert_id = a.id AND e.kind = 'link'
            ORDER BY e.id DESC LIMIT 1) AS incident_id
"""
_FROM = """
    FROM alerts a
    WHERE (:model IS NULL OR a.model_id = :model)
      AND coalesce(a.window_end, a.fired_at) >= :since AND coalesce(a.window_end, a.fired_at) < :until
"""
_LINKED = """
linked AS MATERIALIZED (
    SELECT id, row_number() OVER w AS number, max(verdict IS NOT NULL) OVER (
               PARTITION BY model_id, group_key, incident_id) AS judged,
           (SELECT state FROM incident_state s WHERE s.incident_id = raw.incident_id) AS incident_was
    FROM raw WHERE incident_id IS NOT NULL
    WINDOW w AS (PARTITION BY model_id, group_key, incident_id ORDER BY id)
)
"""
# An alert belongs to the moment at which its window ended, so that history taken in late does not crowd into one week.
# It calls for a person when its group was closed before it, or when it is louder than the one before. Where the program
# acknowledged or snoozed, it did so for a person: it continued an answer, or a silence. An acknowledgement covers what
# of a group is not resolved by name, so what came after a run was over is no answer to it. The counts are packed into
# one number, since grouping by one is several times faster than by eight columns.
_TOLD = f"""
WITH raw AS MATERIALIZED ({_RAW},
           CASE a.tier WHEN 'page' THEN 0 WHEN 'ticket' THEN 1 WHEN 'digest' THEN 2 ELSE 3 END AS rank,
           (SELECT max(b.id) FROM alerts b
            WHERE b.model_id = a.model_id AND b.group_key = a.group_key AND b.id < a.id) AS before_id
    {_FROM}
), {_LINKED}, begun AS (
    SELECT *,
           before_id IS NULL OR EXISTS (SELECT 1 FROM alert_events e
                                        WHERE e.alert_id = before_id AND e.kind = 'resolve') AS begins,
           rank < (SELECT CASE b.tier WHEN 'page' THEN 0 WHEN 'ticket' THEN 1 WHEN 'digest' THEN 2 ELSE 3 END
                   FROM alerts b WHERE b.id = before_id) AS louder
    FROM raw
), runs AS (
    SELECT *, sum(begins) OVER (PARTITION BY model_id, group_key ORDER BY id) AS run FROM begun
), ends AS (
    SELECT *, max(id) OVER (PARTITION BY model_id, group_key, run) AS last_id FROM runs
), ended AS (
    SELECT *, (SELECT min(e.id) FROM alert_events e WHERE e.kind = 'resolve' AND e.alert_id = last_id) AS end_id
    FROM ends
), answered AS (
    SELECT *, max(verdict IS NOT NULL OR incident_id IS NOT NULL
                  OR EXISTS (SELECT 1 FROM alert_events e WHERE e.alert_id = ended.id
                             AND (e.by <> 'midwatch' OR e.kind IN ('acknowledge', 'snooze'))
                             AND (end_id IS NULL OR e.id <= end_id)))
                  OVER (PARTITION BY model_id, group_key, run) AS was_answered
    FROM ended
), told AS MATERIALIZED (
    SELECT r.id, r.cause, CAST(substr(r.moment, 1, 4) || substr(r.moment, 6, 2) AS INTEGER) AS month,
           r.rank
           + 4 * CASE r.verdict WHEN 'acted' THEN 1 WHEN 'useful' THEN 2 WHEN 'noise' THEN 3 WHEN 'duplicate' THEN 4
                                WHEN 'late' THEN 5 ELSE 0 END
           + 32 * CASE {_OUTCOME} WHEN 'right' THEN 1 WHEN 'wrong' THEN 2 WHEN 'repeat' THEN 3 ELSE 0 END
           + 128 * (r.begins OR coalesce(r.louder, 0))
           + 256 * (r.fired_at <= :ripe)
           + 512 * (r.was_answered = 0) AS code
    FROM answered r LEFT JOIN linked l ON l.id = r.id
)
"""
# The checks of an alert as one text: a query with an arm for causes and one for checks would count everything twice.
_COUNTS = (
    _TOLD
    + """
SELECT cause, month, code,
       (SELECT group_concat(check_name) FROM (
            SELECT DISTINCT r.check_name FROM alert_findings f JOIN check_results r ON r.id = f.result_id
            WHERE f.alert_id = told.id ORDER BY r.check_name)) AS checks,
       count(*) AS alerts
FROM told GROUP BY cause, month, code, checks
"""
)
# Without those that nobody judged or linked there are few, whatever the store holds.
_JUDGED_ONLY = f"""
WITH raw AS MATERIALIZED ({_RAW} {_FROM}
      AND (EXISTS (SELECT 1 FROM alert_feedback f WHERE f.alert_id = a.id)
           OR EXISTS (SELECT 1 FROM alert_events e WHERE e.alert_id = a.id AND e.kind = 'link'))
), {_LINKED}, told AS MATERIALIZED (
    SELECT r.*, {_OUTCOME} AS outcome FROM raw r LEFT JOIN linked l ON l.id = r.id
)
"""
_OF_CHECK = (
    _JUDGED_ONLY
    + """
SELECT t.outcome, count(*) AS alerts FROM told t
WHERE t.outcome IN ('right', 'wrong')
  AND EXISTS (SELECT 1 FROM alert_findings f JOIN check_results r ON r.id = f.result_id
              WHERE f.alert_id = t.id AND r.check_name = :check)
GROUP BY t.outcome
"""
)
_EVERY = f"""
WITH raw AS MATERIALIZED ({_RAW} {_FROM}), {_LINKED}, told AS (
    SELECT r.*, {_OUTCOME} AS outcome FROM raw r LEFT JOIN linked l ON l.id = r.id
)
"""
# The score that a cut acts on: the alert's own, or that of the check's strongest finding in it.
_SCORES = (
    _EVERY
    + """,
scored AS MATERIALIZED (
    SELECT t.id, t.outcome, t.incident_id, t.batch_id,
           CASE WHEN :check IS NULL THEN t.score
                ELSE (SELECT max(r.score) FROM alert_findings f JOIN check_results r ON r.id = f.result_id
                      WHERE f.alert_id = t.id AND r.check_name = :check) END AS score
    FROM told t
), quiet AS (
    SELECT max(r.score) AS score FROM check_results r JOIN batches b ON b.id = r.batch_id
    WHERE r.status = 'fail' AND r.tier = 'evidence' AND (:check IS NULL OR r.check_name = :check)
      AND b.role = 'serving' AND (:model IS NULL OR b.model_id = :model)
      AND coalesce(b.window_end, b.arrived_at) >= :since AND coalesce(b.window_end, b.arrived_at) < :until
      AND r.batch_id NOT IN (SELECT batch_id FROM scored WHERE batch_id IS NOT NULL AND score IS NOT NULL)
    GROUP BY r.batch_id
)
SELECT round(score, 2) AS score, coalesce(outcome, 'unknown') AS kind, count(*) AS n FROM scored
WHERE score IS NOT NULL AND (outcome IS NULL OR outcome <> 'repeat') GROUP BY 1, 2
UNION ALL
SELECT round(score, 2) AS score, 'problem', count(*) FROM (
    SELECT max(score) AS score FROM scored
    WHERE score IS NOT NULL AND outcome IN ('right', 'repeat')
    GROUP BY CASE WHEN incident_id IS NULL THEN -id ELSE incident_id END
) GROUP BY 1
UNION ALL
SELECT round(score, 2) AS score, 'quiet', count(*) FROM quiet GROUP BY 1
"""
)
_JUDGED = """
SELECT a.id, m.name AS model, a.title, a.tier, a.score, f.verdict, f.by, f.at
FROM alert_feedback f JOIN alerts a ON a.id = f.alert_id JOIN models m ON m.id = a.model_id
WHERE f.id = (SELECT max(l.id) FROM alert_feedback l WHERE l.alert_id = f.alert_id)
  AND (:model IS NULL OR a.model_id = :model) AND (:cause IS NULL OR a.cause = :cause)
  AND (:check IS NULL OR EXISTS (
       SELECT 1 FROM alert_findings x JOIN check_results r ON r.id = x.result_id
       WHERE x.alert_id = a.id AND r.check_name = :check))
ORDER BY f.id DESC LIMIT :limit
"""
# The strongest finding at the time of a miss that was too quiet to raise an alert, on its column if one is named.
_QUIET_AT = """
SELECT max(r.score) AS score FROM check_results r JOIN batches b ON b.id = r.batch_id
WHERE b.model_id = :model AND b.role = 'serving' AND r.status = 'fail' AND r.tier = 'evidence'
  AND coalesce(b.window_start, b.arrived_at) <= :until AND coalesce(b.window_end, b.arrived_at) >= :at
  AND (:check IS NULL OR r.check_name = :check)
  AND (:column IS NULL OR r.column_name = :column
       OR EXISTS (SELECT 1 FROM json_each(r.evidence_json, '$.columns') c WHERE c.value = :column))
"""
_OUTSIDE = """
SELECT count(*) AS n FROM alerts a WHERE (:model IS NULL OR a.model_id = :model)
  AND NOT (coalesce(a.window_end, a.fired_at) >= :since AND coalesce(a.window_end, a.fired_at) < :until)
"""
_FIRST = """
SELECT min(moment) AS first FROM (
    SELECT min(coalesce(window_end, arrived_at)) AS moment FROM batches
    WHERE role = 'serving' AND (:model IS NULL OR model_id = :model)
    UNION ALL
    SELECT min(coalesce(window_end, fired_at)) FROM alerts WHERE :model IS NULL OR model_id = :model
)
"""
_PAGES = """
SELECT count(*) AS n FROM alerts a
WHERE a.model_id = :model AND a.tier = 'page'
  AND coalesce(a.window_end, a.fired_at) >= :since AND coalesce(a.window_end, a.fired_at) < :until
  AND NOT EXISTS (
      SELECT 1 FROM alerts b WHERE b.tier = 'page' AND b.id = (
          SELECT max(c.id) FROM alerts c
          WHERE c.model_id = a.model_id AND c.group_key = a.group_key AND c.id < a.id)
      AND NOT EXISTS (SELECT 1 FROM alert_events e WHERE e.alert_id = b.id AND e.kind = 'resolve'))
"""


def counts(
    db: sqlite3.Connection, model_id: int | None, *, since: datetime, until: datetime, now: datetime
) -> list[AlertCount]:
    """Alerts of [since, until) by cause, checks and all else; some hundred rows however many alerts there are."""
    return [_count(row) for row in db.execute(_COUNTS, _bound(model_id, since, until, now))]


def of_check(
    db: sqlite3.Connection, model_id: int | None, check: str, *, since: datetime, until: datetime
) -> tuple[int, int]:
    """How many alerts with a finding of a check were right, and how many wrong."""
    bound = {**_bound(model_id, since, until, until), "check": check}
    found = {row["outcome"]: row["alerts"] for row in db.execute(_OF_CHECK, bound)}
    return found.get("right", 0), found.get("wrong", 0)


def scores(
    db: sqlite3.Connection, model_id: int | None, check: str | None, *, since: datetime, until: datetime
) -> list[ScoreCount]:
    """Alerts, problems and quiet batches of [since, until) by score, of one check or all."""
    bound = {**_bound(model_id, since, until, until), "check": check}
    return [ScoreCount(row["score"], row["kind"], row["n"]) for row in db.execute(_SCORES, bound)]


def judged(
    db: sqlite3.Connection, model_id: int | None, *, check: str | None = None, cause: str | None = None, limit: int = 10
) -> list[JudgedAlert]:
    """The alerts that people judged last, newest first."""
    bound = {"model": model_id, "check": check, "cause": cause, "limit": limit}
    return [JudgedAlert(**{key: row[key] for key in row.keys()}) for row in db.execute(_JUDGED, bound)]  # noqa: SIM118


def quiet_score(db: sqlite3.Connection, missed: Missed, check: str | None = None) -> float | None:
    """The largest score of a finding at the time of a miss that raised no alert; None where there was none."""
    bound = {
        "model": missed.model_id,
        "at": to_text(missed.at),
        "until": to_text(missed.until),
        "column": missed.column,
        "check": check,
    }
    found: float | None = db.execute(_QUIET_AT, bound).fetchone()["score"]
    return found


def first_moment(db: sqlite3.Connection, model_id: int | None) -> datetime | None:
    """When the record begins: the end of the first served batch or alert; None for an empty one."""
    found = db.execute(_FIRST, {"model": model_id}).fetchone()["first"]
    return None if found is None else from_text(found)


def outside(db: sqlite3.Connection, model_id: int | None, *, since: datetime, until: datetime) -> int:
    """How many alerts of a model, or of all, :func:`counts` does not count in that span."""
    bound = {"model": model_id, "since": to_text(since), "until": to_text(until)}
    return int(db.execute(_OUTSIDE, bound).fetchone()["n"])


def pages(db: sqlite3.Connection, model_id: int, *, since: datetime, until: datetime) -> int:
    """Pages of [since, until) that called for a person: the first of a group, or the first that was so loud."""
    bound = {"model": model_id, "since": to_text(since), "until": to_text(until)}
    return int(db.execute(_PAGES, bound).fetchone()["n"])


def ids(found: list[int]) -> str:
    """Row ids as the JSON list that a query takes."""
    return json.dumps(found)


def _count(row: sqlite3.Row) -> AlertCount:
    """The packed number of ``_TOLD``, taken apart."""
    code, month = row["code"], row["month"]
    return AlertCount(
        cause=row["cause"],
        checks=tuple(row["checks"].split(",")) if row["checks"] else (),
        tier=TIERS[code & 3],
        month=f"{month // 100:04d}-{month % 100:02d}",
        verdict=(None, *VERDICTS)[code >> 2 & 7],
        outcome=_OUTCOMES[code >> 5 & 3],
        called=bool(code & 128),
        ripe=bool(code & 256),
        silent=bool(code & 512),
        alerts=row["alerts"],
    )


def _bound(model_id: int | None, since: datetime, until: datetime, now: datetime) -> dict[str, object]:
    return {"model": model_id, "since": to_text(since), "until": to_text(until), "ripe": to_text(now - RIPE)}
