"""Hours that the batch covers: a gap, or an early end."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from core.checks.base import Check, CheckContext, failed
from core.checks.summary import NO_PAST, answer, ratio
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """Fewer hours with rows than usual, a longer gap, an earlier last row."""
    name = context.roles.time
    time = context.current.columns[name].time if name is not None and name in context.current.columns else None
    if name is None or time is None or not time.hours.counts:
        return answer(CHECK, [], 0, ["no time column is known"])
    if not context.past:
        return answer(CHECK, [], 0, [NO_PAST])
    hours, gap, last = (context.departures.get("", stat) for stat in ("hours", "gap", "last_hour"))
    louds = [
        ratio(context, CHECK, name, d) if d is not None and sign * d.rise > 0 else 0.0
        for d, sign in ((hours, -1), (gap, 1), (last, -1))
    ]
    if max(louds) < 1:
        return answer(CHECK, [], 1)
    at = int(np.argmax(louds))
    stretches = sorted(time.hours.counts)
    ended = datetime.fromtimestamp(time.maximum, UTC).strftime("%Y-%m-%d %H:%M")
    if at == 1 and gap is not None:
        after = stretches[int(np.argmax(np.diff(stretches)))]
        begun = datetime.fromtimestamp((after + 1) * time.hours.unit, UTC).strftime("%Y-%m-%d %H:%M")
        message = f"no rows for {gap.value - 1:.0f} hours from {begun} UTC"
    elif at == 2 and last is not None:
        message = f"the last row is of {ended} UTC, about {last.expected - last.value:.0f} hours earlier than usual"
    elif hours is not None:
        message = (
            f"{hours.value:.0f} hours hold rows, about {hours.expected:.0f} expected; the last row is of {ended} UTC"
        )
    shown = (hours, gap, last)[at]
    return [
        failed(
            context,
            CHECK,
            message,
            cause="volume",
            ratio=louds[at],
            column=name,
            value=shown.value if shown else None,
            threshold=shown.bound if shown else None,
        )
    ]


CHECK = Check(
    "freshness",
    "ops",
    "ticket",
    "a time column and past batches",
    "a day that ends at noon has right values and half the truth",
    run,
    "wait for the rest, then ingest again",
)
