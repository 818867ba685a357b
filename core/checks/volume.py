"""How many rows came, against the same weekday or hour of the past."""

from __future__ import annotations

import math

from core.checks.base import Check, CheckContext, failed
from core.checks.summary import answer, ratio
from storage.records.results import Finding, Tier

SURE = 1.2


def run(context: CheckContext) -> list[Finding]:
    """Too few or too many rows; nearly none pages. Duplicates are taken out first, they have a name of their own."""
    rows, spec = context.current.rows, context.spec("volume", None)
    if rows == 0:
        message = "the batch has no rows"
        return [
            failed(context, CHECK, message, cause="volume", ratio=1e4, value=0.0, threshold=1.0, tier="page", rows=0)
        ]
    if spec is not None and (spec.minimum is not None or spec.maximum is not None):
        low, high = spec.minimum or 0.0, math.inf if spec.maximum is None else spec.maximum
        if low <= rows <= high:
            return answer(CHECK, [], 1)
        message = f"{rows:,} rows, the model file allows {low:,.0f} to {high:,.0f}"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="volume",
                ratio=5.0,
                value=float(rows),
                threshold=low if rows < low else high,
                rows=rows,
            )
        ]
    departure = context.departures.get("", "rows")
    if departure is None:
        return answer(CHECK, [], 0, ["no past batch tells how many rows to expect"])
    expected = math.exp(departure.expected)
    loud = ratio(context, CHECK, None, departure)
    if spec is not None and spec.threshold:
        loud = abs(rows / expected - 1) / spec.threshold
    if loud < 1:
        return answer(CHECK, [], 1)
    doubled = rows - context.current.duplicates
    again = abs(math.log(max(doubled, 1)) - departure.expected) < departure.scale and context.current.duplicates > 0
    tier: Tier = "page" if rows <= 0.01 * expected else "ticket" if loud >= SURE else "digest"
    return [
        failed(
            context,
            CHECK,
            f"{rows:,} rows, about {expected:,.0f} expected",
            cause="duplicates" if again else "volume",
            ratio=loud,
            value=float(rows),
            threshold=math.exp(departure.bound),
            tier="evidence" if again else tier,
            rows=max(0, round(expected - rows)),
            expected=round(expected),
        )
    ]


CHECK = Check(
    "volume",
    "ops",
    "ticket",
    "past batches",
    "rows that never came can't be wrong, only missing",
    run,
    "look for the rows that did not arrive before judging those that did",
)
