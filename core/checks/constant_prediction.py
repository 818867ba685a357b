"""A model that answers the same to everyone."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.summary import answer
from core.stats.profile import ColumnProfile
from storage.logs.quoting import sql_name
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """One answer in (nearly) all rows, or none at all."""
    name = context.roles.prediction
    if name is None or name not in context.current.columns:
        return answer(CHECK, [], 0, ["no prediction column is known"])
    now, before = context.current.columns[name], context.reference.columns.get(name)
    if now.rows < MINIMUM_ROWS:
        return answer(CHECK, [], 0, [f"fewer than {MINIMUM_ROWS} predictions"])
    filled = now.rows - now.missing
    if filled == 0:
        message = f"there is no prediction in any of {now.rows:,} rows"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="constant prediction",
                ratio=1e4,
                column=name,
                value=0.0,
                threshold=1.0,
                rows=now.rows,
                rows_sql=f"{sql_name(name)} IS NULL",
            )
        ]
    if before is not None and before.distinct < 2:
        return answer(CHECK, [], 0, ["the reference's predictions are constant, too"])
    top = _top_share(now)
    usual = _top_share(before) if before is not None else 0.0
    if now.distinct <= 1 or (top >= 0.99 and usual < 0.9):
        message = f"the model answers the same in {percent(top)} of {filled:,} rows"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="constant prediction",
                ratio=1e4,
                column=name,
                value=top,
                threshold=0.99,
                rows=round(top * filled),
            )
        ]
    return answer(CHECK, [], 1)


def _top_share(column: ColumnProfile) -> float:
    if column.number is not None and column.number.finite:
        if column.number.minimum == column.number.maximum:
            return 1.0
        return (
            float(column.number.histogram.counts.max()) / column.number.finite if column.number.histogram.exact else 0.0
        )
    if column.text is not None and column.text.values.counts:
        return max(column.text.values.counts.values()) / max(column.text.values.kept_rows, 1)
    return 0.0


CHECK = Check(
    "constant_prediction",
    "hard",
    "page",
    f"a prediction column and {MINIMUM_ROWS} rows",
    "a constant answer means that the model is not there",
    run,
    "roll back or fall back now",
)
