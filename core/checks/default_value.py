"""A value that fills in for others: a new mode, a sentinel, the last value repeated."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.clipped import CHECK as CLIPPED
from core.checks.clipped import run as clipped
from core.checks.spikes import spike, weather
from core.checks.summary import answer, ratio
from storage.logs.quoting import sql_name
from storage.records.results import Finding

USUAL = 0.2
"""A column with more zeros than this counts things that mostly do not happen: more of them is an ordinary day."""

SENTINELS = frozenset({-1.0, 0.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0})


def run(context: CheckContext) -> list[Finding]:
    """One value gained rows far beyond its own past, and did so alone."""
    cut = {f.column for f in clipped(context) if f.check == CLIPPED.name and f.status == "fail"}
    found, judged = [], 0
    for name, now, _ in context.pairs("feature", "clock"):
        if now.number is None or now.number.finite < MINIMUM_ROWS or now.kind == "boolean":
            continue
        judged += 1
        new = spike(context, name)
        if new is None or name in cut:
            continue
        stats = ("peak", "zeros") if new.value == 0 and new.exact and new.usual < USUAL else ("peak",)
        far = max(ratio(context, CHECK, name, context.departures.get(name, stat)) for stat in stats)
        loud = far / weather(context, name)
        gain = new.share - new.usual
        if loud < 1 or gain < 0.02 or (not context.departures.days and new.share < 2 * new.usual):
            continue
        middle = context.reference.columns[name].number
        mean = middle.moments.mean if middle is not None else 0.0
        sentinel = new.value in SENTINELS or abs(new.value - mean) < 1e-6 * max(1.0, abs(mean))
        strange = sentinel or new.usual < 0.001
        what = "looks like a default value" if strange else "is stuck at, or filled in with, one value"
        about = "" if new.exact else "about "
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} {what}: {about}{new.value:g} in {percent(new.share)} of rows, {percent(new.usual)} before",
                cause="default value",
                ratio=loud * (1.5 if strange else 1.0),
                column=name,
                value=new.share,
                threshold=new.usual + gain / loud,
                tier="ticket" if gain >= 0.05 else "digest",
                rows=round(new.share * now.number.finite),
                rows_sql=f"{sql_name(name)} = {new.value!r}" if new.exact else None,
            )
        )
    return answer(CHECK, found, judged)


CHECK = Check(
    "default_value",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} numbers",
    "an imputed -1 is a missing value that completeness can't see; a stuck feed repeats its last number",
    run,
)
