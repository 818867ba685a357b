"""Labels against predictions slice by slice: where the model was suddenly wrong, or the labels are."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent, slice_named, slice_parts, slice_sql
from core.checks.departed import Departure
from core.checks.summary import NO_PAST, answer, ratio
from storage.records.results import Finding

TURNED = 0.55
"""From so far on towards the opposite label on they are flipped; what else happens in a slice stays below one half."""

FLIPPED = 1.3
SURE = 1.6


def run(context: CheckContext) -> list[Finding]:
    """Label minus prediction in each slice, against the slice's own past; the furthest slice speaks."""
    name = context.roles.label
    if name is None or name not in context.shared:
        return answer(CHECK, [], 0, ["no labels in this batch"])
    if not context.departures.days:
        return answer(CHECK, [], 0, [NO_PAST])
    judged = context.departures.of("residual")
    if not judged:
        return answer(CHECK, [], 0, ["no slice with labels and predictions"])
    typical = max(1.0, sorted(d.ratio for _, d in judged)[len(judged) // 2])
    turned = {key: _turned(context, key.slice, departure) for key, departure in judged}
    key, departure = max(judged, key=lambda one: one[1].ratio * (2.0 if turned[one[0]] >= TURNED else 1.0))
    flipped = turned[key] >= TURNED
    loud = ratio(context, CHECK, name, departure) / typical
    loud *= FLIPPED if flipped else 1.0
    if loud < 1:
        return answer(CHECK, [], len(judged))
    by, value = slice_parts(context, key.slice)
    told = f"{percent(min(turned[key], 1.0))} of the way to the opposite label; " if flipped else ""
    message = (
        f"labels leave predictions where {slice_named(key.slice)}: {departure.value:+.3f} on average, "
        f"{departure.expected:+.3f} expected ({told}against the other rows)"
    )
    return [
        failed(
            context,
            CHECK,
            message,
            cause="labels",
            ratio=loud,
            column=name,
            columns=(name, by),
            part=key.slice,
            value=departure.value,
            threshold=departure.bound,
            tier="ticket" if flipped or loud >= SURE else "digest",
            turned=round(turned[key], 3),
            rows=context.current.slices[by][value].rows,
            rows_sql=slice_sql(by, value),
        )
    ]


def _turned(context: CheckContext, part: str, departure: Departure) -> float:
    """How far the slice's labels went from what was foretold to the opposite: 1.0 where all of them are flipped.

    Of labels 0 and 1 with mean ``e`` expected, flipping all gives ``1 - e``: the observed way over ``1 - 2 e``.
    """
    label = context.current.columns[context.roles.label or ""].number
    by, value = slice_parts(context, part)
    moments = context.current.slices[by][value].moments.get(context.roles.label or "")
    if label is None or moments is None or label.minimum < 0 or label.maximum > 1 or label.integers < label.finite:
        return 0.0
    foretold = moments.mean - departure.rise
    return departure.rise / (1 - 2 * foretold) if abs(1 - 2 * foretold) >= 0.05 else 0.0


CHECK = Check(
    "label_residual",
    "soft",
    "ticket",
    "labels, predictions and past batches",
    "labels flipped inside one slice hide in the average",
    run,
    "look at the labels of that slice before the model",
)
