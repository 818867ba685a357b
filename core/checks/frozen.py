"""A column that stopped moving."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed
from core.checks.summary import answer
from core.stats.profile import BatchProfile, ColumnProfile
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """One value in every row, where there were several."""
    found, judged = [], 0
    past = [b.profile for b in context.past]
    for name, now, before in context.pairs("feature", "clock"):
        filled = now.rows - now.missing
        if filled < MINIMUM_ROWS or before.distinct < 2:
            continue
        judged += 1
        if now.distinct > 1 or _often_constant(name, past) or _rare(now.rows, before):
            continue
        text = next(iter(now.text.values.counts), "") if now.text is not None else ""
        value = text if now.number is None else f"{now.number.minimum:g}"
        shown = "one value" if name in context.roles.redact else repr(value)
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} is frozen: {shown} in all {filled:,} rows",
                cause="frozen",
                ratio=15.0,
                column=name,
                value=1.0,
                threshold=2.0,
                rows=filled,
            )
        )
    return answer(CHECK, found, judged)


def _often_constant(name: str, past: list[BatchProfile]) -> bool:
    same = [p.columns[name].distinct <= 1 for p in past if name in p.columns]
    return sum(same) >= max(1, len(same) // 10) if same else False


def _rare(rows: int, before: ColumnProfile) -> bool:
    """Whether chance explains it: the top value's share to the power of the rows is not tiny."""
    if before.number is not None and before.number.histogram.counts.size:
        top = float(before.number.histogram.counts.max()) / max(before.number.finite, 1)
    elif before.text is not None and before.text.values.counts:
        top = max(before.text.values.counts.values()) / max(before.text.values.kept_rows, 1)
    else:
        return False
    return top ** min(rows, 100_000) > 1e-6


CHECK = Check(
    "frozen",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} values",
    "a sensor, join or cache that stopped updating repeats its last value and breaks no range",
    run,
)
