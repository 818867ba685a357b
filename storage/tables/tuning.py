"""What a check measured in the past, and what people said of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_HISTORY = """
SELECT r.value, r.threshold, r.status = 'fail' AS fired,
       EXISTS (SELECT 1 FROM alert_findings f JOIN alert_feedback k ON k.alert_id = f.alert_id
               WHERE f.result_id = r.id AND k.verdict IN ('noise', 'duplicate')) AS noise,
       EXISTS (SELECT 1 FROM alert_findings f JOIN alert_feedback k ON k.alert_id = f.alert_id
               WHERE f.result_id = r.id AND k.verdict IN ('acted', 'useful', 'late'))
       OR EXISTS (SELECT 1 FROM alert_findings f JOIN alert_events e ON e.alert_id = f.alert_id
                  WHERE f.result_id = r.id AND e.kind = 'link') AS known
FROM check_results r JOIN batches b ON b.id = r.batch_id
WHERE b.model_id = :model AND r.check_name = :check AND (:column IS NULL OR r.column_name = :column)
  AND r.status IN ('pass', 'fail') AND r.value IS NOT NULL AND r.threshold IS NOT NULL
ORDER BY r.id
"""


@dataclass(frozen=True, slots=True)
class PastResult:
    """One verdict of a check: ``known`` when a person acted on it, found it useful, or linked it to an incident."""

    value: float
    threshold: float
    fired: bool
    noise: bool
    known: bool


def history(db: sqlite3.Connection, model_id: int, check: str, column: str | None) -> list[PastResult]:
    """Every verdict with a value, oldest first."""
    rows = db.execute(_HISTORY, {"model": model_id, "check": check, "column": column})
    return [PastResult(r["value"], r["threshold"], bool(r["fired"]), bool(r["noise"]), bool(r["known"])) for r in rows]
