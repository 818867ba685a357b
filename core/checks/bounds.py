"""Numbers out of range: a person's bounds, or the reference's range with a margin."""

from __future__ import annotations

import math

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.measures import outside_rows
from core.checks.summary import answer, ratio
from core.stats.profile import NumberProfile
from storage.logs.quoting import sql_name
from storage.records.results import Finding

MARGIN = 0.1
LOUD = 0.03
MOST = 0.5
WIDE = 6.0
"""How many times its threshold a column is taken to be off when most of it lies far out of the range."""

FEW = 0.01
"""A smaller share of rows just beyond the range is what every new day brings: kept, and told to nobody."""


def inferred(before: NumberProfile) -> tuple[float, float]:
    """The reference's range widened by a tenth of it on either side; a side that never left zero or one stays there."""
    low, high = before.minimum, before.maximum
    room = MARGIN * (high - low)
    if before.minimum >= 0 and before.maximum <= 1 and before.integers < before.finite:
        return 0.0, 1.0
    return (0.0 if low >= 0 and low - room < 0 else low - room), high + room


def run(context: CheckContext) -> list[Finding]:
    """A person's bound is hard; an inferred one is soft, and loud only when many rows break it."""
    found, judged = [], 0
    for name in context.current.columns:
        number, spec = context.current.columns[name].number, context.spec("bounds", name)
        if number is None or not number.finite or name in context.roles.ignore:
            continue
        if spec is not None and (spec.minimum is not None or spec.maximum is not None):
            judged += 1
            low = -math.inf if spec.minimum is None else spec.minimum
            high = math.inf if spec.maximum is None else spec.maximum
            rows = outside_rows(number, low, high)
            if rows:
                share, allowed = rows / number.finite, spec.threshold or 0.0
                if share > allowed:
                    found.append(
                        _finding(context, name, number, (low, high), rows, 5.0 + 10 * share, "ticket", hard=True)
                    )
            continue
        if name not in context.reference.columns or context.traits[name].kind not in ("feature", "prediction"):
            continue
        before = context.reference.columns[name].number
        if before is None or before.finite < MINIMUM_ROWS:
            continue
        judged += 1
        low, high = inferred(before)
        rows = outside_rows(number, low, high)
        if rows:
            loud = ratio(context, CHECK, name, context.departures.get(name, "overshoot"))
            far = loud >= (2 if context.departures.days else 1)
            share = rows / number.finite
            if share >= MOST and _far_off(context, name, number, low, high):
                loud, far = max(loud, WIDE), True
            tier = "ticket" if far and share >= LOUD else "digest" if far or share >= FEW else "evidence"
            found.append(_finding(context, name, number, (low, high), rows, max(loud, 0.2), tier, hard=False))
    return answer(CHECK, found, judged)


def _far_off(context: CheckContext, name: str, number: NumberProfile, low: float, high: float) -> bool:
    """Whether the middle number lies beyond the widened range by a good part of it, in a column that seldom leaves it.

    A column that always grows leaves its range on every day: its past says so.
    """
    usual = context.departures.get(name, "outside")
    if usual is None or not context.departures.days or usual.expected > LOUD:
        return False
    middle, room = float(number.histogram.quantile(0.5)), MARGIN * (high - low)
    return middle < low - room or middle > high + room


def _finding(
    context: CheckContext,
    name: str,
    number: NumberProfile,
    bound: tuple[float, float],
    rows: float,
    loud: float,
    tier: str,
    *,
    hard: bool,
) -> Finding:
    low, high = bound
    worst = number.minimum if low - number.minimum > number.maximum - high else number.maximum
    sides = [f"{sql_name(name)} < {low!r}"] * (low > -math.inf) + [f"{sql_name(name)} > {high!r}"] * (high < math.inf)
    who = "the model file's bounds" if hard else "the reference's range"
    shown = "" if name in context.roles.redact else f", as far as {worst:g}"
    finding = failed(
        context,
        CHECK,
        f"{name!r}: {rows:,.0f} rows ({percent(rows / number.finite)}) outside {who} [{low:g}, {high:g}]{shown}",
        cause="bounds",
        ratio=loud,
        column=name,
        value=rows / number.finite,
        threshold=0.0,
        tier=tier,  # type: ignore[arg-type]
        rows=int(rows),
        rows_sql=" OR ".join(sides),
        minimum=low,
        maximum=high,
        inferred=not hard,
    )
    if hard:
        from dataclasses import replace

        return replace(finding, error_class="hard")
    return finding


CHECK = Check(
    "bounds",
    "soft",
    "digest",
    "numbers",
    "a value that can't be (a negative age) is wrong, one never seen is suspect",
    run,
)
