"""Reads how an alert's fault would touch the model, from the batch's own rows and the profiles of its past.

Rows stay on the host: the file of the batch is opened where it lies, so this belongs into a worker, never into the
thread of a screen. Where the file is gone, what the store keeps is told, and that the rest is not known.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from core.batch_log import log_of
from core.measure import trend
from core.served_rows import served_rows
from core.touch.effect import Side, Touch, Weight
from storage.errors import SourceError
from storage.logs.quoting import sql_name
from storage.records.alerts import Alert
from storage.records.batches import Batch
from storage.records.models import Model, ModelFile
from storage.records.results import Finding
from storage.tables import batches, metrics, models, results

if TYPE_CHECKING:
    from core.stats.profile import BatchProfile
    from storage.logs.source import LogSource

PAST = 14
"""Batches whose predictions are the past, the newest ones that the batch is compared with."""

LEAST = 100
"""Rows under which a column's association with the predictions is not read."""


def touch(db: sqlite3.Connection, alert: Alert) -> Touch | None:
    """How the alert's fault would touch the model; None for an alert without a batch."""
    if alert.batch_id is None:
        return None
    batch, model = batches.get(db, alert.batch_id), models.get_by_id(db, alert.model_id)
    finding = _named([r.finding for r in results.of_alert(db, alert.id)], alert.columns)
    sql = None if finding is None else finding.evidence.get("rows_sql")
    threshold = _threshold(model.file)
    notes: list[str] = []
    past = None
    try:
        past = _past_side(_past(db, batch), model.file, finding, threshold)
    except ValueError as error:  # a profile of another form, or a damaged one
        notes.append(f"the past is not read: {error}")
    column = next(iter(alert.columns), None)
    metric = _metric(db, model, batch)
    try:
        with log_of(batch, model) as source, served_rows(source, model.file, batch.stage) as served:
            log = served.source
            failing, others = _sides(log, model.file, None if sql is None else str(sql), threshold)
            weight = _given(model.file, column) or _associated(log, model.file, column, str(sql or "false"))
    except SourceError as error:
        known = 0 if finding is None else int(finding.evidence.get("rows") or 0)
        failing = Side(known or batch.rows, None, None)
        others = Side(batch.rows - known, None, None) if known else None
        weight = _given(model.file, column)
        notes.append(f"predictions not read: {error.message}")
        return Touch(batch.rows, failing, others, past, threshold, weight, metric, "; ".join(notes))
    rows = failing.rows + (others.rows if others else 0)
    return Touch(rows, failing, others, past, threshold, weight, metric, "; ".join(notes) or None)


def _named(findings: Sequence[Finding], columns: Sequence[str]) -> Finding | None:
    """The finding whose rows are looked at: one that names rows, of the first accused column if there is one."""
    with_rows = [f for f in findings if f.evidence.get("rows_sql")]
    first = [f for f in with_rows if columns and f.column == columns[0]]
    return next(iter(first or with_rows or findings), None)


def _threshold(file: ModelFile) -> float | None:
    if file.task != "binary":
        return None
    return file.primary_metric.threshold if file.primary_metric else 0.5


def _score(log: LogSource, file: ModelFile) -> str | None:
    """A prediction as a number; None where predictions are classes without an order."""
    from storage.logs.label_values import as_score, plain_text

    if file.task == "multiclass":
        return None
    column = file.columns.prediction
    if log.column(column).kind in ("number", "boolean"):
        return f"{sql_name(column)}::DOUBLE"
    return as_score(plain_text(log, column), file)


def _sides(log: LogSource, file: ModelFile, sql: str | None, threshold: float | None) -> tuple[Side, Side | None]:
    """Predictions of the failing rows and of the others; without a condition, of all rows and of none."""
    score = _score(log, file)
    value = f"CASE WHEN isfinite({score}) THEN {score} END" if score else "NULL::DOUBLE"
    over = "NULL::DOUBLE" if threshold is None else f"avg(({value} >= {threshold!r})::INTEGER)"
    asked = f"SELECT coalesce(({sql or 'true'}), false) AS fails, count(*), avg({value}), {over} FROM log GROUP BY 1"
    found = {bool(fails): Side(int(str(n)), _float(mean), _float(share)) for fails, n, mean, share in log.query(asked)}
    nothing = Side(0, None, None)
    return found.get(True, nothing), found.get(False)


def _associated(log: LogSource, file: ModelFile, column: str | None, sql: str) -> Weight | None:
    """The share of the predictions' variance between values of a column, over the rows that are in order.

    It is the correlation ratio (Pearson 1905), less what chance alone gives to that many groups (Kelley's epsilon
    squared, 1935). A fault that leaves under :data:`LEAST` rows in order leaves nothing to read it from.
    """
    if column is None or column == file.columns.prediction or all(known.name != column for known in log.columns):
        return None
    score = _score(log, file)
    if score is None:
        return None
    name = sql_name(column)
    part = f"ntile(10) OVER (ORDER BY {name})" if log.column(column).kind in ("number", "time") else f"{name}::VARCHAR"
    fine = f"NOT coalesce(({sql}), false) AND {name} IS NOT NULL AND isfinite({score})"
    groups = (
        f"WITH fine AS (SELECT {part} AS part, {score} AS score FROM log WHERE {fine}), "
        "groups AS (SELECT count(*) AS n, avg(score) AS mean, coalesce(var_pop(score), 0) AS var "
        "FROM fine GROUP BY part), "
        "whole AS (SELECT sum(n) AS n, sum(n * mean) / sum(n) AS mean, count(*) AS parts FROM groups) "
        "SELECT w.n, w.parts, sum(g.n * (g.mean - w.mean) * (g.mean - w.mean)), sum(g.n * g.var) "
        "FROM groups g, whole w GROUP BY w.n, w.parts"
    )
    found = log.query(groups)
    if not found:
        return None
    rows, parts, between, within = (float(str(cell)) for cell in found[0])
    if rows < LEAST or parts < 2 or rows <= parts or between + within <= 0:
        return None
    chance = within / (rows - parts)
    share = max(0.0, (between - (parts - 1) * chance) / (between + within))
    return Weight(column, share, f"in {rows:,.0f} rows that are in order")


def _given(file: ModelFile, column: str | None) -> Weight | None:
    if column is None or column not in file.alerts.importance:
        return None
    return Weight(column, file.alerts.importance[column], "model file")


def _past(db: sqlite3.Connection, batch: Batch) -> BatchProfile | None:
    """The merged profiles of the newest batches that this one is compared with."""
    from core.stats.packing import unpack

    taken = batches.admitted(db, batch.model_id, before=batch.window_start, without=batch.id, limit=PAST)
    merged = None
    for one in taken:
        profile = unpack(batches.profile(db, one.id))
        merged = profile if merged is None else merged.merge(profile)
    return merged


def _past_side(
    merged: BatchProfile | None, file: ModelFile, finding: Finding | None, threshold: float | None
) -> Side | None:
    """Predictions of the past: of the same slice where the finding is in one, else of all rows."""
    if merged is None:
        return None
    prediction = file.columns.prediction
    if finding is not None and finding.slice is not None:
        by = max((name for name in merged.slices if finding.slice.startswith(f"{name}=")), key=len, default="")
        part = merged.slices.get(by, {}).get(finding.slice[len(by) + 1 :])
        moments = None if part is None else part.moments.get(prediction)
        if moments is not None and moments.n:
            return Side(int(moments.n), moments.mean, None)
    column = merged.columns.get(prediction)
    if column is None or column.number is None or not column.number.finite:
        return None
    numbers = column.number
    positive = None
    if threshold is not None:
        below = numbers.histogram.cdf([_under(threshold)])
        positive = 1.0 - float(below[0])
    return Side(numbers.finite, numbers.moments.mean, positive)


def _under(threshold: float) -> float:
    """The largest number below: a prediction at the threshold is positive."""
    import math

    return math.nextafter(threshold, -math.inf)


def _metric(db: sqlite3.Connection, model: Model, batch: Batch) -> str | None:
    """The primary metric of the batch beside the median of the batches before it, or why there is none."""
    primary = model.file.primary_metric
    if primary is None:
        return None
    now = next((value for value in metrics.current(db, batch.id) if value.metric == primary.name), None)
    if now is None:
        return None
    if now.value is None:
        return f"{primary.name} of this batch is not known: {now.note or 'not measured'}"
    moment = batch.window_end or batch.arrived_at
    earlier = trend(db, model, primary.name, 30, now=moment)
    before = [p.value for p in earlier if p.value is not None and p.batch_id != batch.id and p.window_start < moment]
    bounds = "" if now.low is None or now.high is None else f" [{now.low:.3g} {now.high:.3g}]"
    usual = f", usually {median(before):.3g} ({len(before)} batches)" if before else ""
    return f"{primary.name} of this batch {now.value:.3g}{bounds}{usual}"


def _float(cell: object) -> float | None:
    return None if cell is None else float(str(cell))
