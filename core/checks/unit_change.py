"""Numbers that came in another unit, all of them or part of them."""

from __future__ import annotations

from dataclasses import replace

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent, slice_named
from core.checks.summary import answer
from core.stats.effect import best_unit
from core.stats.mixture import mixed_unit, plausible
from core.stats.profile import NumberProfile
from core.stats.unit_fit import by_days, by_values, contradicted, fits_source
from storage.logs.quoting import sql_name
from storage.records.results import Finding

SUSPECT = ("distance", "mean", "spread", "overshoot", "negatives", "integers")

GENTLE = (0.4, 2.5)
"""Factors that weather or a season may feign: they must also bring numbers of another form or range."""

SURE = 3.0

WHOLE = 0.98
"""From this share of rows on the column as a whole is in another unit."""

PROVEN = 8.0
"""A whole column that only one change explains is this loud at least, however wide its weather makes the scales."""

HELD = 0.85
"""Share of the converted rows that one slice must hold to be named."""

_Told = tuple[str, float, float, float, bool]
"""What the change is called, its factor and offset, the share of rows, and whether no other change comes near."""


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
        sign = _sign(context, name)
        told = _judge(a, b, usual.expected if usual is not None else 0.0)
        fit = _told_apart(context, name, a, b, told, sign)
        if fit is None:
            continue
        what, factor, offset, share, sure = fit
        middle = float(b.histogram.quantile(0.5))
        if context.departures.days and sign < 0.4 * share:
            continue  # weather moves a column; another unit throws it out of its range, form or level
        if GENTLE[0] < factor < GENTLE[1] and offset == 0.0 and not _new_form(context, name):
            continue
        whole = share >= WHOLE
        above = (factor * middle + offset) > middle
        cut = (middle + factor * middle + offset) / 2
        part = "" if whole else f" in {percent(share)} of the rows"
        held = None if whole else _held_by(context, name, share, factor, offset)
        if held is not None:
            part += f", all of {slice_named(held)}"
        if sure:
            message = f"{name!r} came in another unit{part}: {what}"
        else:
            what = f"moved by a factor of about {_ratio(a, b, factor) if whole else factor:.3g}"
            message = f"{name!r} {what}{part}: another unit, which one can't be told"
        one = failed(
            context,
            CHECK,
            message,
            cause="unit change",
            ratio=max(far * 4, PROVEN if sure else 0.0) if whole else far * 2,
            column=name,
            value=factor,
            threshold=1.0,
            rows=round(share * a.finite),
            rows_sql=f"{sql_name(name)} IS NOT NULL" if whole else f"{sql_name(name)} {'>' if above else '<'} {cut!r}",
            factor=factor,
            offset=offset,
            unit=what,
            share=share,
            held_by=held,
        )
        found.append(one if sure else replace(one, error_class="soft"))
    return answer(CHECK, found, judged)


def _told_apart(
    context: CheckContext, name: str, now: NumberProfile, before: NumberProfile, told: _Told | None, sign: float
) -> _Told | None:
    """The change by its own numbers or by the days before, where these know better than the pooled reference."""
    if told is None and (not context.departures.days or sign < WHOLE):
        return None
    proven = by_values(now.histogram, before.histogram)
    share = 1.0 if told is None or (proven is not None and sign >= WHOLE) else told[3]
    if proven is not None:
        return proven.name, proven.factor, proven.offset, share, True
    fits = [] if told is None else [told]
    if told is not None and _grid(context, name):
        what, factor, offset, _, sure = told
        fits = [
            (what, factor, offset, share, sure and not contradicted(now.histogram, before.histogram, factor, offset))
        ]
    elif share >= WHOLE and context.departures.days:
        days = [batch.profile.columns[name].number for batch in context.past if name in batch.profile.columns]
        near = by_days(now.histogram, [day.histogram for day in days if day is not None], before.histogram)
        if near is not None:
            fits.insert(0, (near.name, near.factor, near.offset, share, near.sure))
    return next((fit for fit in fits if plausible(now.histogram, before.histogram, fit[1], fit[2], share)), None)


def _grid(context: CheckContext, name: str) -> bool:
    """Whether most numbers of a usual batch were seen before."""
    usual = context.departures.get(name, "new_numbers")
    return usual is not None and context.departures.days > 0 and usual.expected < 0.3


def _ratio(now: NumberProfile, before: NumberProfile, otherwise: float) -> float:
    middle = float(before.histogram.quantile(0.5))
    return float(now.histogram.quantile(0.5)) / middle if middle else otherwise


def _held_by(context: CheckContext, name: str, share: float, factor: float, offset: float) -> str | None:
    """The slice in which all rows came in the other unit, and that holds nearly all that did."""
    best: tuple[float, str] | None = None
    number = context.current.columns[name].number
    converted_rows = share * (number.finite if number is not None else 0)
    for by, values in context.current.slices.items():
        for value, rows in values.items():
            earlier = context.reference.slices.get(by, {}).get(value)
            now, before = rows.moments.get(name), earlier.moments.get(name) if earlier is not None else None
            if now is None or before is None or not now.n or not before.n:
                continue
            step = factor * before.mean + offset - before.mean
            part = (now.mean - before.mean) / step if step else 0.0
            rest = number.moments.n - now.n if number is not None else 0
            others = (number.moments.total - now.total) / rest if number is not None and rest else before.mean
            if abs(others - before.mean) > 0.15 * abs(step) or rest < MINIMUM_ROWS:
                continue  # the others came in the other unit too
            if 0.75 <= part <= 1.3 and HELD <= now.n / converted_rows <= 2 - HELD:
                near = (abs(now.n / converted_rows - 1), f"{by}={value}")
                best = near if best is None else min(best, near)
    return best[1] if best else None


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


def _judge(now: NumberProfile, before: NumberProfile, usual: float) -> _Told | None:
    whole = best_unit(now.histogram, before.histogram)
    if whole is not None:
        what, factor, offset, misfit, plain = whole
        near = plain >= 0.3 and misfit <= 0.15 * plain and misfit <= 0.2 + usual
        if near and fits_source(what, before.histogram):
            return what, factor, offset, 1.0, True
    part = mixed_unit(now.histogram, before.histogram, usual)
    if part is not None:
        what, factor, offset, share, sure = part
        return what, factor, offset, share, sure
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
