"""What an alert is about, batch by batch: the statistic or metric that accuses, and what was altered meanwhile."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from core.breaking_through import SLO_BURN
from core.changes import feed as changes
from core.checks.departures import slice_column
from core.checks.slice_measures import SLICE_ROWS
from core.checks.statistics import Key
from core.checks.stored_readings import FORM, unpack
from core.measure import trend
from core.redaction import redactor_for
from core.watchdogs import METRIC_DROP
from storage.records.alerts import Alert
from storage.records.changes import Change
from storage.records.results import Finding
from storage.tables import alerts, batches, models, results

BATCHES = 40

STAT_OF: Mapping[str, str] = {
    "volume": "rows", "quarantined": "rejected", "duplicates": "duplicates", "freshness": "last_hour",
    "constant_prediction": "spread", "unit_change": "mean", "completeness": "missing",
    "slice_completeness": "slice_missing", "bounds": "outside", "categories": "unseen", "default_value": "peak",
    "clipped": "at_maximum", "segments": "slice_share", "slice_levels": "slice_mean", "label_residual": "residual",
    "prediction_drift": "distance", "drift": "distance", "frozen": "run", "number_form": "integers",
    "broken_bond": "bond",
}  # fmt: skip
"""The statistic that stands for a check; of other checks the one that departed furthest is drawn."""

WORDS: Mapping[str, str] = {
    "rows": "rows", "rejected": "share of lines that can't be read", "duplicates": "share of rows repeated",
    "last_hour": "last hour with rows", "spread": "log of the spread against the reference",
    "mean": "mean, in spreads from the reference's", "missing": "share of values missing",
    "slice_missing": "share of values missing", "outside": "share outside the range seen", "unseen": "share never seen",
    "peak": "share gained by one value", "at_maximum": "share at the maximum", "slice_share": "share of rows",
    "slice_mean": "mean, in spreads from the reference's", "residual": "labels away from the predictions",
    "distance": "distance from the reference", "distinct": "distinct values",
    "run": "longest run of one value, share of rows", "integers": "share of whole numbers",
    "bond": "rank correlation with its closest columns", "tie": "share of the variance a category explains",
    "at_minimum": "share at the minimum", "zeros": "share of zeros", "negatives": "share below zero",
    "empty": "share of empty texts", "infinite": "share of infinite values", "padded": "share with blanks around it",
    "patterns": "share of forms of writing never seen", "numeric": "share of texts that are numbers",
    "new_numbers": "share of numbers never seen", "off_grid": "share with more decimals than known",
    "lost": "share of rows of values that are gone", "overshoot": "distance beyond the range, in its widths",
    "hours": "hours with rows", "gap": "most hours from one with rows to the next",
    "lost_ids": "share of ids left out", "agreement": "correlation of label and prediction",
    "lost_run": "longest run of missing values, share of rows",
    "repeats": "rows that repeat the one before, beyond chance",
    "visits": "share of rows that come back to one value", "serial": "correlation of a row with the one before",
}  # fmt: skip
SHARES = frozenset(stat for stat, told in WORDS.items() if "share" in told)
"""Statistics between 0 and 1: drawn from 0 on."""

_LOGARITHMS = ("rows", "distinct")


@dataclass(frozen=True, slots=True)
class PastValue:
    """One batch's value; ``accused`` where a batch of the alert's group is meant."""

    at: datetime
    value: float
    accused: bool


@dataclass(frozen=True, slots=True)
class PastValues:
    """A statistic over the past batches.

    Attributes:
        words: what it is.
        onset: when the first accused batch began.
        altered: what was altered from the first batch on, nearest to the onset first.
        usual: the median of the batches that are not accused; None where all of them are.
        share: whether the values lie between 0 and 1.
    """

    words: str
    values: tuple[PastValue, ...]
    onset: datetime
    altered: tuple[Change, ...]
    usual: float | None
    share: bool


def past_values(db: sqlite3.Connection, alert: Alert, now: datetime) -> PastValues | None:
    """What the alert is about over the last :data:`BATCHES` batches; None where fewer than three have a value of it."""
    group = alerts.of_group(db, alert.model_id, alert.group_key)
    accused = {a.batch_id for a in group}
    if alert.cause in (SLO_BURN, METRIC_DROP):
        found = _metric(db, alert, accused, now)
    else:
        found = _statistic(db, alert, accused)
    if found is None or len(found[1]) < 3:
        return None
    words, values, share = found
    others = [v.value for v in values if not v.accused]
    usual = median(others) if others else None
    known = [v.at for v in values if v.accused]
    onset = min(known, default=alert.window_start or alert.fired_at)
    redactor = redactor_for(db, models.get_by_id(db, alert.model_id), [alert.id])
    altered = changes.between(db, alert.model_id, values[0].at, now + timedelta(microseconds=1))
    masked = tuple(replace(c, subject=redactor.text(c.subject)) for c in altered)
    return PastValues(redactor.told(words, alert.columns), tuple(values), onset, masked, usual, share)


def _metric(
    db: sqlite3.Connection, alert: Alert, accused: set[int | None], now: datetime
) -> tuple[str, list[PastValue], bool] | None:
    model = models.get_by_id(db, alert.model_id)
    primary = model.file.primary_metric
    if primary is None:
        return None
    points = [p for p in trend(db, model, primary.name, BATCHES, now=now) if p.value is not None and not p.immature]
    return primary.name, [PastValue(p.window_start, p.value or 0.0, p.batch_id in accused) for p in points], False


def _statistic(
    db: sqlite3.Connection, alert: Alert, accused: set[int | None]
) -> tuple[str, list[PastValue], bool] | None:
    findings = [r.finding for r in results.of_alert(db, alert.id)]
    taken = [b for b in batches.page(db, model_id=alert.model_id, limit=BATCHES) if b.window_start is not None][::-1]
    packed = batches.readings(db, [b.id for b in taken], form=FORM)
    read = {batch_id: unpack(body) for batch_id, body in packed.items()}
    days = [(b, {key: told.value for key, told in read[b.id].items()}) for b in taken if b.id in read]
    now = next((day for b, day in reversed(days) if b.id == alert.batch_id), None)
    if now is None:
        return None
    past = [day for b, day in days if b.id not in accused]
    for finding in findings:
        key = _key(finding, now, past)
        if key is not None:
            of = " in ".join(filter(None, (key.column, key.slice)))
            words = f"{WORDS.get(key.stat, key.stat)}{f' of {of}' if of else ''}"
            values = [
                PastValue(b.window_start, math.exp(value) if key.stat in _LOGARITHMS else value, b.id in accused)
                for b, day in days
                if b.window_start is not None and (value := _read(key, day, b.rows)) is not None
            ]
            return words, values, key.stat in SHARES
    return None


def _read(key: Key, day: Mapping[Key, float], rows: int) -> float | None:
    """A batch's value of a statistic; a slice that lacked nothing has no reading of what is missing: that is a zero."""
    value = day.get(key)
    if value is None and key.stat == "slice_missing":
        share = day.get(Key(slice_column(key.slice), "slice_share", key.slice), 0.0)
        return 0.0 if share * rows >= SLICE_ROWS else None
    return value


def _key(finding: Finding, now: Mapping[Key, float], past: Sequence[Mapping[Key, float]]) -> Key | None:
    """The statistic of a finding: its check's own, else the one of its column that departed furthest."""
    column, part = finding.column or "", finding.slice or ""
    own = STAT_OF.get(finding.check)
    for where in (column, "") if own in ("rows", "rejected", "duplicates", "last_hour") else (column,):
        if own is not None and Key(where, own, part) in now:
            return Key(where, own, part)
    candidates = [key for key in now if key.column == column and key.slice == part] if column else []
    return max(candidates, key=lambda key: _departed(key, now, past), default=None)


def _departed(key: Key, now: Mapping[Key, float], past: Sequence[Mapping[Key, float]]) -> float:
    """How far a statistic lies from its own past, in its usual steps; 0.0 without a past."""
    seen = [day[key] for day in past if key in day]
    if not seen:
        return 0.0
    middle = median(seen)
    usual = median(abs(value - middle) for value in seen)
    return abs(now[key] - middle) / (usual + 0.01)
