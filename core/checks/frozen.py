"""A column that stopped moving."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.summary import answer, ratio
from core.small_profiles import SMALL_ROWS
from core.stats.profile import BatchProfile, ColumnProfile
from storage.records.results import Finding

LEAST = 0.05
"""A run shorter than this share of the rows is a coincidence."""

SURE = 1.5


def run(context: CheckContext) -> list[Finding]:
    """One value in every row where there were several, or in a run of rows that is far longer than any before."""
    found, judged = [], 0
    past = [b.profile for b in context.past]
    for name, now, before in context.pairs("feature", "clock", "prediction", "label"):
        filled = now.rows - now.missing
        if filled < MINIMUM_ROWS or before.distinct < 2:
            continue
        judged += 1
        if now.distinct > 1:
            found += _stood_still(context, name) if context.traits[name].kind != "label" else []
            continue
        if context.traits[name].kind == "prediction" or _often_constant(name, past) or _rare(now.rows, before):
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


def _stood_still(context: CheckContext, name: str) -> list[Finding]:
    """A run of one value, against the longest runs of the column's own past."""
    order, departure = context.current.orders.get(name), context.departures.get(name, "run")
    loud = ratio(context, CHECK, name, departure)
    if order is None or departure is None or loud < 1 or departure.rise < LEAST or not context.departures.days:
        return []
    share = order.longest / order.rows
    return [
        failed(
            context,
            CHECK,
            f"{name!r} stood still{_onset(context, order.first)}: one value in {order.longest:,} rows in a row "
            f"({percent(share)}), {percent(max(departure.expected, 0.0))} expected",
            cause="frozen",
            ratio=loud,
            column=name,
            value=share,
            threshold=departure.bound,
            tier="ticket" if loud >= SURE else "digest",
            rows=order.longest,
            first_row=order.first,
        )
    ]


def _onset(context: CheckContext, row: int) -> str:
    """Since when: the hour in which the row lies, where rows are known to be in the order of time."""
    column = context.current.columns.get(context.roles.time or "")
    time = column.time if column is not None else None
    if time is None or time.hours.unit != 3600 or time.missing or context.current.rows > SMALL_ROWS:
        return f" from row {row + 1:,} on"
    seen = 0
    for hour in sorted(time.hours.counts):
        seen += time.hours.counts[hour]
        if seen > row:
            return f" since {hour % 24:02d}:00"
    return ""


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
