"""A part of the traffic that the model hardly saw when it learned."""

from __future__ import annotations

from core.checks.base import Check, CheckContext, failed, percent, slice_sql
from core.checks.summary import answer
from storage.records.results import Finding, Tier

TIMES = 5.0
SHARE = 0.02
"""A smaller part of the traffic is told by nobody."""

EXPECTED = 20
"""So many training rows the part should have had before it can be called thin."""


def run(context: CheckContext) -> list[Finding]:
    """The thinnest value of each column: many times its share of the training rows."""
    training = context.beside.training
    if training is None or training.profile is None:
        return answer(CHECK, [], 0, [context.beside.reasons.get(CHECK.name, "no training rows of the live version")])
    rows, total = training.profile.rows, context.current.rows
    found, judged = [], 0
    for by, values in context.current.slices.items():
        learned = training.profile.slices.get(by)
        if not learned or by not in context.traits or context.traits[by].kind != "feature" or not total:
            continue
        judged += 1
        worst: tuple[float, str, float, int] | None = None
        for value, part in values.items():
            share, had = part.rows / total, learned[value].rows if value in learned else 0
            times = share / max(had / rows, 0.5 / rows) if rows else 0.0
            if times >= TIMES and share >= SHARE and part.rows >= EXPECTED and share * rows >= EXPECTED:
                worst = max(worst or (0.0, "", 0.0, 0), (times, value, share, had))
        if worst is not None:
            found.append(_failed(context, training.version, by, rows, worst))
    return answer(CHECK, found, judged)


def _failed(context: CheckContext, version: str, by: str, rows: int, worst: tuple[float, str, float, int]) -> Finding:
    times, value, share, had = worst
    tier: Tier = "ticket" if times >= 2 * TIMES else "digest"
    least = "at least " if not had else ""
    return failed(
        context,
        CHECK,
        f"{by}={value} is thin in training: {percent(share)} of rows here, {had:,} of {rows:,} training rows of "
        f"{version} ({percent(had / rows)}), {least}{times:.0f} times less; maybe not a bug, not enough examples",
        cause="thin training",
        ratio=times / TIMES,
        column=by,
        part=f"{by}={value}",
        value=times,
        threshold=TIMES,
        tier=tier,
        rows_sql=slice_sql(by, value),
        rows=context.current.slices[by][value].rows,
        times=times,
    )


CHECK = Check(
    "thin_training",
    "soft",
    "ticket",
    "training rows, named by the data of the live version",
    "a model guesses where it had few examples: more of them help, a rollback does not",
    run,
    "label rows of that part and train with them; until then trust its scores less",
)
