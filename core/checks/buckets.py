"""Hand-made buckets that died or overflow."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.summary import answer
from core.stats import drift
from storage.logs.quoting import sql_name
from storage.records.results import Finding

FEW = 64
OVERFLOW = 0.5
TIMES = 2.0


def run(context: CheckContext) -> list[Finding]:
    """Whole numbers of few values: one of them holds half of all rows and twice its past, or a common one is empty."""
    found, judged = [], 0
    for name, now, before in context.pairs("feature"):
        a, b = now.number, before.number
        if a is None or b is None or not (a.histogram.exact and b.histogram.exact) or a.finite < MINIMUM_ROWS:
            continue
        if not 3 <= before.distinct <= FEW or b.integers < b.finite:
            continue
        judged += 1
        _, p, q = drift.aligned(a.histogram, b.histogram, a.histogram.bits)
        values = sorted({*(a.values or {}), *(b.values or {})})
        share, usual = p / p.sum(), q / q.sum()
        top = int(share.argmax())
        far = max(context.departures.ratio(name, stat) for stat in ("peak", "distance", "lost"))
        dead = [i for i in range(len(values)) if p[i] == 0 and usual[i] >= 0.05]
        if far >= 1 and share[top] >= OVERFLOW and share[top] >= TIMES * usual[top]:
            found.append(
                failed(
                    context,
                    CHECK,
                    f"{name!r}: bucket {values[top]:g} overflows, {percent(share[top])} of rows, "
                    f"{percent(usual[top])} before",
                    cause="buckets",
                    ratio=1.2 * far,
                    column=name,
                    value=float(share[top]),
                    threshold=OVERFLOW,
                    rows=int(p[top]),
                    rows_sql=f"{sql_name(name)} = {values[top]!r}",
                )
            )
        elif far >= 1 and dead and a.finite * usual[dead[0]] >= 20:
            gone = ", ".join(f"{values[i]:g}" for i in dead[:5])
            found.append(
                failed(
                    context,
                    CHECK,
                    f"{name!r}: dead buckets {gone}, {percent(float(usual[dead].sum()))} of rows before",
                    cause="buckets",
                    ratio=far,
                    column=name,
                    value=0.0,
                    threshold=0.05,
                    tier="digest",
                    rows=0,
                )
            )
    return answer(CHECK, found, judged)


CHECK = Check(
    "buckets",
    "soft",
    "ticket",
    f"whole numbers of at most {FEW} values",
    "bucket borders drawn by hand years ago stop fitting the data",
    run,
    "draw the borders again and retrain",
)
