"""Labels against predictions slice by slice: where the model was suddenly wrong, or the labels are."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, slice_parts, slice_sql
from core.checks.summary import NO_PAST, answer, ratio
from storage.records.results import Finding


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


CHECK = Check(
    "label_residual",
    "soft",
    "ticket",
    "labels, predictions and past batches",
    "labels flipped inside one slice hide in the average",
    run,
    "look at the labels of that slice before the model",
)
