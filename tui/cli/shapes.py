"""The JSON shapes that scripts rely on: findings and alerts as the command line's contract names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storage.records.alerts import Alert
from storage.records.results import Finding


def finding(found: Finding) -> dict[str, Any]:
    """A finding: ``check``, ``column`` (or null), ``slice`` (or null), ``class``, ``tier``, ``value``, …."""
    return {
        "check": found.check,
        "column": found.column,
        "slice": found.slice,
        "class": found.error_class,
        "tier": found.tier,
        "status": found.status,
        "value": found.value,
        "threshold": found.threshold,
        "score": found.score,
        "message": found.message,
        "evidence": found.evidence,
    }


def worth(raised: Alert) -> dict[str, Any] | None:
    """What is said of an alert's worth: ``probability``, ``method``, ``reasons``, …; None for one never weighed."""
    told = raised.worth
    if told is None:
        return None
    return {
        "probability": told.probability,
        "method": told.method,
        "tier_before": told.tier_before,
        "worthy": told.worthy,
        "judged": told.judged,
        "reasons": told.reasons,
    }


def alert(raised: Alert, findings: Sequence[Finding]) -> dict[str, Any]:
    """An alert: one batch, one cause; ``columns`` are the accused ones, most likely first."""
    return {
        "id": raised.id,
        "model": raised.model,
        "batch": raised.batch_id,
        "window_start": raised.window_start,
        "tier": raised.tier,
        "class": raised.error_class,
        "cause": raised.cause,
        "title": raised.title,
        "columns": raised.columns,
        "findings": [finding(f) for f in findings],
        "state": raised.state,
        "until": raised.until,
        "score": raised.score,
        "fingerprint": raised.fingerprint,
        "group": raised.group_key,
        "seen": raised.seen,
        "acted": raised.acted,
        "judged": raised.judged,
        "worth": worth(raised),
        "verdict": raised.verdict,
        "incident": raised.incident_id,
        "fired_at": raised.fired_at,
    }
