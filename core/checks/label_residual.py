"""Labels against predictions slice by slice: where the model was suddenly wrong, or the labels are."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, slice_parts, slice_sql
from core.checks.summary import NO_PAST, answer, ratio
from storage.records.results import Finding

LIKE_FLIPPED = 1.2
"""How much more a departure says that is as large as labels turned round would make it."""

TELLING = 0.4
"""Labels of ones and zeros in equal parts look the same turned round: the least move that tells."""


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
    key, departure = judged[0]
    loud = ratio(context, CHECK, name, departure)
    typical = sorted(d.ratio for _, d in judged)[len(judged) // 2]
    loud /= max(1.0, typical)
    if loud < 1:
        return answer(CHECK, [], len(judged))
    by, value = slice_parts(context, key.slice)
    if _flipped(context, by, value, departure.rise):
        loud *= LIKE_FLIPPED
    message = (
        f"labels leave predictions where {key.slice}: {departure.value:+.3f} on average, "
        f"{departure.expected:+.3f} expected"
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
            rows=context.current.slices[by][value].rows,
            rows_sql=slice_sql(by, value),
        )
    ]


def _flipped(context: CheckContext, by: str, value: str, rise: float) -> bool:
    """Whether labels moved as labels turned round would: a share p of ones becomes 1 - p."""
    part = context.current.slices[by].get(value)
    labels = part.moments.get(context.roles.label or "") if part is not None else None
    if labels is None:
        return False
    turned = 1 - 2 * (labels.mean - rise)
    return abs(turned) >= TELLING and 0.5 <= rise / turned <= 1.5


CHECK = Check(
    "label_residual",
    "soft",
    "ticket",
    "labels, predictions and past batches",
    "labels flipped inside one slice hide in the average",
    run,
    "look at the labels of that slice before the model",
)
