"""The stored history of a model's verdicts, read once and walked by many back-tests."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.records.models import Model
from storage.records.verdict_history import JudgedBatch, PastAlert, PastFinding
from storage.tables import verdict_history

WEEK = 7 * 86_400.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class History:
    """Everything that was judged.

    Attributes:
        batches: serving batches in order of time.
        findings, alerts: by batch.
        streaks: by finding, in how many batches in a row it failed by then, that one included.
        failed_in: by check, the batches it failed in.
    """

    batches: tuple[JudgedBatch, ...]
    findings: Mapping[int, tuple[PastFinding, ...]]
    alerts: Mapping[int, tuple[PastAlert, ...]]
    streaks: Mapping[int, int] = field(default_factory=dict)
    failed_in: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def weeks(self) -> float:
        """The stretch of time that the batches cover, a day at least where there is any batch."""
        return weeks_of(self.batches)

    def every_alert(self) -> list[PastAlert]:
        """All alerts in order of time."""
        return [alert for batch in self.batches for alert in self.alerts.get(batch.id, ())]


def weeks_of(batches: tuple[JudgedBatch, ...]) -> float:
    """Weeks from the first batch to the end of the last, which is taken to be as long as the others are on average."""
    if not batches:
        return 0.0
    span = (batches[-1].at - batches[0].at).total_seconds()
    last = span / (len(batches) - 1) if len(batches) > 1 else DAY
    return max(span + last, DAY) / WEEK


def read(db: sqlite3.Connection, model: Model) -> History:
    """Read a model's history; nothing of it is computed anew."""
    batches = tuple(verdict_history.judged_batches(db, model.id))
    findings: dict[int, list[PastFinding]] = defaultdict(list)
    failed: dict[str, set[int]] = defaultdict(set)
    for finding in verdict_history.findings(db, model.id):
        findings[finding.batch_id].append(finding)
        failed[finding.check].add(finding.batch_id)
    alerts: dict[int, list[PastAlert]] = defaultdict(list)
    for alert in verdict_history.alerts(db, model.id):
        alerts[alert.batch_id].append(alert)
    return History(
        batches,
        {key: tuple(value) for key, value in findings.items()},
        {key: tuple(value) for key, value in alerts.items()},
        _streaks(batches, findings),
        {check: frozenset(ids) for check, ids in failed.items()},
    )


def stood(finding: PastFinding) -> bool:
    """Whether a finding was one that its check would tell, had nothing else made it quieter."""
    return (finding.tier_before or finding.tier) != "evidence" or (
        finding.tier_before is None and finding.explained_by is not None
    )


def _streaks(batches: tuple[JudgedBatch, ...], findings: Mapping[int, list[PastFinding]]) -> dict[int, int]:
    told: dict[int, int] = {}
    before: dict[tuple[str, str | None, str | None], int] = {}
    for batch in batches:
        now: dict[tuple[str, str | None, str | None], int] = {}
        for finding in findings.get(batch.id, ()):
            key = (finding.check, finding.column, finding.slice)
            told[finding.id] = before.get(key, 0) + 1
            if stood(finding):
                now[key] = told[finding.id]
        before = now
    return told
