"""What stands beside an alert: how often its checks were right, and how its fault would touch the model."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from core.quality.figures import WEEKS, precision_of
from core.touch.reading import touch
from storage.records.alerts import Alert
from storage.records.results import Finding
from storage.tables import batches

LARGEST = 200_000
"""Rows of a batch that a screen reads without being asked: about a second."""

CHECKS = 2
"""Checks whose precision is told, those of the strongest findings."""


def precision_words(db: sqlite3.Connection, alert: Alert, findings: Sequence[Finding], now: datetime) -> list[str]:
    """Of the alert's strongest checks: how many of their alerts were right, of those that somebody judged."""
    told = []
    for check in list(dict.fromkeys(finding.check for finding in findings))[:CHECKS]:
        found = precision_of(db, alert.model_id, check, now=now)
        where = f"in {alert.model}, {check}"
        if not found.n:
            told.append(f"{where}: nobody has judged an alert of it yet (f)")
        elif found.value is None or found.low is None or found.high is None:
            told.append(f"{where}: {found.hits} of {found.n} judged alerts were right, too few for a rate")
        else:
            told.append(
                f"{where}: {found.hits} of {found.n} judged alerts were right, "
                f"{100 * found.value:.0f} % [{100 * found.low:.0f} {100 * found.high:.0f}]"
            )
    return [f"{line}, counting alerts of the last {WEEKS} weeks" for line in told]


def touch_words(db: sqlite3.Connection, alert: Alert, *, most: int | None = None) -> list[str]:
    """How its fault would touch the model, one sentence a fact; reads the batch's file, so it belongs into a worker.

    Args:
        most: rows of a batch that may be read; of a larger one the command that reads it is told.
    """
    if most is not None and alert.batch_id is not None and (rows := batches.get(db, alert.batch_id).rows) > most:
        return [f"its batch has {rows:,} rows; how it would touch the model: midwatch alerts show {alert.id}"]
    found = touch(db, alert)
    return [] if found is None else list(found.words)
