"""In minus out is nothing: rows that were sent and never arrived."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent
from core.checks.summary import answer, ratio
from storage.records.results import Finding, Tier

ALLOWED = 0.002


def run(context: CheckContext) -> list[Finding]:
    """Rows and quarantined lines against what the source says it sent; else the holes in a running id."""
    arrived = context.current.rows + context.current.rejected - context.current.duplicates
    if context.expected_rows:
        lost = 1 - arrived / context.expected_rows
        spec = context.spec(CHECK.name, None)
        limit = spec.threshold if spec is not None and spec.threshold is not None else ALLOWED
        if abs(lost) <= limit:
            return answer(CHECK, [], 1)
        side = "lost" if lost > 0 else "too many"
        message = f"{arrived:,} of {context.expected_rows:,} rows arrived: {percent(abs(lost))} {side}"
        tier: Tier = "page" if lost >= 0.95 else "ticket"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="volume",
                ratio=abs(lost) / max(limit, 1e-9),
                value=lost,
                threshold=limit,
                tier=tier,
                rows=context.expected_rows - arrived,
            )
        ]
    departure, name = context.departures.get("", "lost_ids"), context.roles.id
    if departure is None:
        return answer(CHECK, [], 0, ["neither an expected number of rows nor ids that run on"])
    loud = ratio(context, CHECK, name, departure)
    if loud < 1 or departure.rise <= 0:
        return answer(CHECK, [], 1)
    rows = round(departure.value * arrived / max(1 - departure.value, 1e-9))
    message = f"{rows:,} ids ({percent(departure.value)}) are missing between the first and the last"
    return [
        failed(
            context,
            CHECK,
            message,
            cause="volume",
            ratio=loud,
            column=name,
            value=departure.value,
            threshold=departure.bound,
            rows=rows,
        )
    ]


CHECK = Check(
    "conservation",
    "ops",
    "ticket",
    "an expected number of rows, or ids that run on",
    "a row that was lost between two systems is in nobody's metric",
    run,
    "find the rows between the two systems",
)
