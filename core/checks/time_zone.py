"""A clock that runs hours ahead or behind."""

from __future__ import annotations

import numpy as np

from core.checks.base import Check, CheckContext, failed
from core.checks.summary import answer
from core.stats.drift import total_variation
from core.stats.profile import ColumnProfile
from core.stats.sketch_numbers import Floats
from storage.records.results import Finding

MINIMUM_ROWS = 200
STAYS = 0.25
"""The day's shape must differ by this share of rows before a shift is looked for."""


def run(context: CheckContext) -> list[Finding]:
    """Rows per hour of the day fit the reference much better when the clock is turned."""
    found, judged, skipped = [], 0, []
    names = [n for n in context.shared if n == context.roles.time or context.traits[n].kind in ("clock", "calendar")]
    for name in names:
        now = hours_of_day(context.current.columns[name])
        before = hours_of_day(context.reference.columns[name])
        if now is None or before is None or now.sum() < MINIMUM_ROWS or before.sum() < MINIMUM_ROWS:
            continue
        if (before > 0).sum() < 6 or (now > 0).sum() < 6:
            continue
        if total_variation(before, np.ones(24)) < 0.12:
            skipped.append(f"{name!r}: rows come evenly round the clock, a shift would not show")
            continue
        judged += 1
        apart = [total_variation(np.roll(now, -shift), before) for shift in range(24)]
        best = int(np.argmin(apart))
        if best == 0 or apart[0] < STAYS or apart[best] > 0.5 * apart[0]:
            continue
        hours = best if best <= 12 else best - 24
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} is shifted by {hours:+d} hours: a time zone, or summer time",
                cause="time zone",
                ratio=4 * apart[0] / max(apart[best], 0.05),
                column=name,
                value=float(hours),
                threshold=0.0,
                rows=context.current.rows,
                distance=apart[0],
                distance_if_shifted=apart[best],
            )
        )
    return answer(CHECK, found, judged, skipped or ([] if judged else ["no time column with several hours a day"]))


def hours_of_day(column: ColumnProfile) -> Floats | None:
    """Rows per hour of the day, 24 of them, of a time column or of a column of hours; None for another."""
    counts = np.zeros(24)
    if column.time is not None and column.time.hours.counts:
        if column.time.hours.unit != 3600:
            return None
        for stretch, rows in column.time.hours.counts.items():
            counts[stretch % 24] += rows
        return counts
    number = column.number
    if number is None or not number.histogram.exact or number.integers < number.finite or not number.finite:
        return None
    if number.minimum < 0 or not 12 <= number.maximum <= 23:
        return None
    for value, rows in (number.values or {}).items():
        counts[int(value)] += rows
    return counts


CHECK = Check(
    "time_zone",
    "soft",
    "ticket",
    f"a time column and {MINIMUM_ROWS} rows over the day",
    "a shifted clock moves every hour feature and joins the wrong labels",
    run,
    "turn the clock back and replay",
)
