"""Numbers inside one slice, against the slice's own past."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, slice_named, slice_parts, slice_sql
from core.checks.statistics import Key
from core.checks.summary import NO_PAST, answer, ratio
from storage.records.results import Finding

SURE = 2.0


def run(context: CheckContext) -> list[Finding]:
    """The furthest slice per column, when the slice's other columns stayed."""
    if not context.departures.days:
        return answer(CHECK, [], 0, [NO_PAST])
    per: dict[str, list[tuple[float, str]]] = {}
    within: dict[str, list[tuple[float, str]]] = {}
    features = {name for name, trait in context.traits.items() if trait.kind == "feature"}
    own = any(spec.check == CHECK.name and spec.threshold is not None for spec in context.specs)
    for key, far in context.departures.table.ratios("slice_mean"):
        if key.column in features:
            loud = ratio(context, CHECK, key.column, context.departures.found[key]) if own else far
            per.setdefault(key.column, []).append((loud, key.slice))
            within.setdefault(key.slice, []).append((loud, key.column))
    tops = sorted((found[0][0] for found in per.values()), reverse=True)
    weather = max(1.0, tops[2]) if len(tops) > 2 else 1.0
    found = []
    for name, ratios in per.items():
        part = ratios[0][1]
        others = [loud for loud, column in within[part] if column != name]
        loud = ratios[0][0] / max(weather, others[0] if others else 1.0)
        if loud < 1:
            continue
        departure = context.departures.found[Key(name, "slice_mean", part)]
        by, value = slice_parts(context, part)
        message = (
            f"{name!r} moved where {slice_named(part)}: {departure.rise:+.2f} standard deviations "
            "against the slice's own past"
        )
        found.append(
            failed(
                context,
                CHECK,
                message,
                cause="slice shift",
                ratio=loud,
                column=name,
                part=part,
                value=departure.value,
                threshold=departure.bound,
                tier="ticket" if loud >= SURE and not _rare(context, name) else "digest",
                rows=context.current.slices[by][value].rows,
                rows_sql=slice_sql(by, value),
            )
        )
    return answer(CHECK, found, len(per))


def _rare(context: CheckContext, name: str) -> bool:
    """Whether nearly all its values are zero: the mean of such a column jumps by itself."""
    number = context.reference.columns[name].number
    return number is not None and number.zeros > 0.8 * number.finite


CHECK = Check(
    "slice_levels",
    "soft",
    "ticket",
    "slices and past batches",
    "a fault inside one slice hides in the average, and the worst slice of a good day is also the worst of a bad one",
    run,
)
