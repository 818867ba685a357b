"""Labels that turned round or moved too far."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent
from core.checks.summary import answer, ratio
from core.stats.profile import ColumnProfile
from storage.records.results import Finding

MINIMUM_LABELS = 100
MIRROR = 0.1
CERTAIN = 0.02
SURE = 1.3
"""How far beyond its own past the base rate must lie, too, before it is called a mirror image."""

RARE = 1e-6
"""Chance below which labels of one kind only are no accident."""


def run(context: CheckContext) -> list[Finding]:
    """A base rate that became its own mirror image is a flipped label."""
    name = context.roles.label
    if name is None or name not in context.shared:
        return answer(CHECK, [], 0, ["no labels in this batch"])
    now, before = rate(context.current.columns[name]), rate(context.reference.columns[name])
    labels = context.current.columns[name].rows - context.current.columns[name].missing
    if now is None or before is None or labels < MINIMUM_LABELS:
        return answer(CHECK, [], 0, [f"fewer than {MINIMUM_LABELS} labels of 0 and 1"])
    noise = 4 * (max(before * (1 - before), 0.01) / labels) ** 0.5
    moved = _predictions(context)
    departure = context.departures.get(name, "mean")
    loud = ratio(context, CHECK, name, departure)
    if now in (0.0, 1.0) and CERTAIN < before < 1 - CERTAIN and max(before, 1 - before) ** labels < RARE:
        message = f"every one of {labels:,} labels is {now:g}; {percent(before)} were positive before"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="labels",
                ratio=20.0,
                column=name,
                value=now,
                threshold=before,
                rows=labels,
            )
        ]
    if (
        loud >= (SURE if context.departures.days else 1)
        and moved < 0.5 * abs(now - before)
        and not _foretold(context, now - before)
        and abs(now - (1 - before)) <= min(MIRROR, noise + 0.03)
        and abs(now - before) > max(2 * MIRROR, 2 * noise)
    ):
        message = f"the labels look flipped: {percent(now)} positive, {percent(before)} before"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="labels",
                ratio=20.0,
                column=name,
                value=now,
                threshold=before,
                rows=labels,
            )
        ]
    if departure is not None and loud >= 1 and abs(now - before) > max(0.05, noise):
        message = f"{percent(now)} of labels are positive, {percent(before)} before"
        return [
            failed(
                context,
                CHECK,
                message,
                cause="labels",
                ratio=loud,
                column=name,
                value=now,
                threshold=before,
                tier="digest",
                rows=labels,
            )
        ]
    return answer(CHECK, [], 1)


def _predictions(context: CheckContext) -> float:
    """How far the mean prediction moved: what moves with the labels is the world, not the label job."""
    name = context.roles.prediction
    if name is None or name not in context.shared:
        return 0.0
    now, before = context.current.columns[name].number, context.reference.columns[name].number
    return abs(now.moments.mean - before.moments.mean) if now is not None and before is not None else 0.0


def _foretold(context: CheckContext, rise: float) -> bool:
    """Whether predictions left their own past towards the same side: the model saw coming what the labels say."""
    mean = context.departures.get(context.roles.prediction or "", "mean")
    return mean is not None and context.departures.days > 0 and mean.ratio >= 1 and mean.rise * rise > 0


def rate(column: ColumnProfile) -> float | None:
    """Share of positive labels; None when they are not zeros and ones."""
    number = column.number
    if (
        number is None
        or not number.finite
        or number.minimum < 0
        or number.maximum > 1
        or number.integers < number.finite
    ):
        return None
    return number.moments.mean


CHECK = Check(
    "label_sanity",
    "hard",
    "ticket",
    f"{MINIMUM_LABELS} labels of 0 and 1",
    "a flipped sign in the label job turns every metric round",
    run,
    "do not train or judge on these labels",
)
