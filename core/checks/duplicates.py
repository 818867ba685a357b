"""Rows that came twice."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent
from core.checks.summary import answer, ratio
from storage.logs.quoting import sql_name
from storage.records.results import Finding, Tier


def run(context: CheckContext) -> list[Finding]:
    """Rows beyond the first of each id, or of each whole row where no id is known."""
    if not context.current.rows:
        return answer(CHECK, [], 0, ["no rows"])
    departure = context.departures.get("", "duplicates")
    loud = ratio(context, CHECK, None, departure)
    if departure is None or loud < 1 or departure.rise <= 0:
        return answer(CHECK, [], 1)
    rows, key = context.current.duplicates, context.roles.id
    tier: Tier = "page" if departure.value >= 0.9 else "ticket" if departure.rise >= 0.01 else "digest"
    what = f"repeat an earlier {key!r}" if key else "repeat an earlier row"
    sql = _repeats(context, key) if key else None
    return [
        failed(
            context,
            CHECK,
            f"{rows:,} rows ({percent(departure.value)}) {what}, {percent(max(departure.expected, 0))} expected",
            cause="duplicates",
            ratio=3 * loud,
            value=departure.value,
            threshold=departure.bound,
            tier=tier,
            rows=rows,
            rows_sql=sql,
        )
    ]


def _repeats(context: CheckContext, key: str) -> str:
    """The rows that share their id with another one of the same version and stage."""
    known = context.current.columns
    parts = [sql_name(part) for part in (context.roles.version, context.roles.stage) if part in known and part]
    name = sql_name(key)
    if not parts:
        return f"{name} IN (SELECT {name} FROM log GROUP BY 1 HAVING count(*) > 1)"
    row = f"row({', '.join((name, *parts))})"
    return f"{row} IN (SELECT {row} FROM log WHERE {name} IS NOT NULL GROUP BY 1 HAVING count(*) > 1)"


CHECK = Check(
    "duplicates",
    "ops",
    "ticket",
    "rows",
    "a retry that was written twice counts twice in every metric",
    run,
    "deduplicate by id and replay; look for a retry or a double join",
)
