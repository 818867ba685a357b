"""Lines that could not be read."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent
from core.checks.summary import answer, ratio
from storage.records.results import Finding, Tier


def run(context: CheckContext) -> list[Finding]:
    """The share of quarantined lines, against the past."""
    rejected, lines = context.current.rejected, context.current.rows + context.current.rejected
    departure = context.departures.get("", "rejected")
    loud = ratio(context, CHECK, None, departure)
    if not rejected or departure is None:
        return answer(CHECK, [], 1)
    share = rejected / lines
    tier: Tier = "page" if share >= 0.9 else "ticket" if loud >= 1 and departure.rise > 0 else "digest"
    message = f"{rejected:,} of {lines:,} lines ({percent(share)}) could not be read and are quarantined"
    return [
        failed(
            context,
            CHECK,
            message,
            cause="quarantine",
            ratio=max(loud, 0.2),
            value=share,
            threshold=departure.bound,
            tier=tier,
            rows=rejected,
        )
    ]


CHECK = Check(
    "quarantined",
    "ops",
    "ticket",
    "lines of text",
    "a line that can't be read is a prediction nobody sees",
    run,
    "read the quarantined lines with their reasons",
)
