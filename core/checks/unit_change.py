"""Numbers that came in another unit, all of them or part of them."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.summary import answer
from core.stats.effect import best_unit
from core.stats.mixture import mixed_unit, plausible
from core.stats.profile import NumberProfile
from storage.logs.quoting import sql_name
from storage.records.results import Finding

SUSPECT = ("distance", "mean", "spread", "overshoot", "negatives", "integers")

GENTLE = (0.4, 2.5)
"""Factors that weather or a season may feign: they must also bring numbers of another form or range."""

SURE = 3.0


def run(context: CheckContext) -> list[Finding]:
    """A constant ratio of quantiles names the factor; a share of rows in the other unit is told as a share."""
    found, judged = [], 0
    for name, now, before in context.pairs("feature", "prediction", "clock"):
        a, b = now.number, before.number
        if a is None or b is None or a.finite < MINIMUM_ROWS or b.finite < MINIMUM_ROWS or b.minimum == b.maximum:
            continue
        judged += 1
        far = max(context.departures.ratio(name, stat) for stat in SUSPECT)
        if far < 1 or a.minimum == a.maximum:
            continue
        usual = context.departures.get(name, "distance") if context.departures.days else None
        told = _judge(a, b, usual.expected if usual is not None else 0.0)
        if told is None:
            continue
        what, share, factor, offset, middle = told
        if context.departures.days and _sign(context, name) < 0.4 * share:
            continue  # weather moves a column; another unit throws it out of its range, form or level
        if not plausible(a.histogram, b.histogram, factor, offset, share):
            continue
        if GENTLE[0] < factor < GENTLE[1] and offset == 0.0 and not _new_form(context, name):
            continue
        above = (factor * middle + offset) > middle
        cut = (middle + factor * middle + offset) / 2
        part = "" if share >= 0.98 else f" in {percent(share)} of the rows"
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} came in another unit{part}: {what}",
                cause="unit change",
                ratio=far * (4 if share >= 0.98 else 2),
                column=name,
                value=factor,
                threshold=1.0,
                rows=round(share * a.finite),
                rows_sql=f"{sql_name(name)} IS NOT NULL"
                if share >= 0.98
                else f"{sql_name(name)} {'>' if above else '<'} {cut!r}",
                factor=factor,
                offset=offset,
                unit=what,
                share=share,
            )
        )
    return answer(CHECK, found, judged)


def _new_form(context: CheckContext, name: str) -> bool:
    ratio = context.departures.ratio
    if context.departures.days:
        return ratio(name, "overshoot") >= 2 or ratio(name, "integers") >= 1 or ratio(name, "mean") >= SURE
    return any(ratio(name, stat) >= 1 for stat in ("outside", "new_numbers", "integers"))


def _sign(context: CheckContext, name: str) -> float:
    """Share of rows that bear a hard sign of another unit: out of the range, or no longer whole. 1.0 far off level."""
    outside, whole = context.departures.get(name, "outside"), context.departures.get(name, "integers")
    if context.departures.ratio(name, "mean") >= SURE:
        return 1.0
    return max(outside.rise if outside is not None else 0.0, -whole.rise if whole is not None else 0.0)


def _judge(now: NumberProfile, before: NumberProfile, usual: float) -> tuple[str, float, float, float, float] | None:
    whole = best_unit(now.histogram, before.histogram)
    middle = float(before.histogram.quantile(0.5))
    if whole is not None:
        what, factor, offset, misfit, plain = whole
        if plain >= 0.3 and misfit <= 0.15 * plain and misfit <= 0.2 + usual:
            return what, 1.0, factor, offset, middle
    part = mixed_unit(now.histogram, before.histogram, usual)
    if part is not None:
        what, factor, offset, share = part
        return what, share, factor, offset, middle
    return None


CHECK = Check(
    "unit_change",
    "hard",
    "ticket",
    f"{MINIMUM_ROWS} numbers",
    "hours for minutes pass every type check and most ranges",
    run,
    "convert at the source and replay the batch",
)
