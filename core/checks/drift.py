"""Slow or broad change of a feature's distribution."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed
from core.checks.similarity import psi
from core.checks.strength import strengths
from core.checks.summary import answer
from storage.records.results import Finding

SHIFTED = 0.25
SUDDEN = 2.0
PLAIN = 3.5
"""From so many times its threshold on a column left its past however few rows did: its rows are not the measure."""

SMALL = 0.1


def run(context: CheckContext) -> list[Finding]:
    """Effect sizes, so that the answer is the same at 500 rows and at five million.

    Without a past: the stability index over ``SHIFTED``, missing as a bin of its own. With one: the column's own past
    is the measure, and a column that left it suddenly and alone is a ticket; the rest is digest.
    """
    found, few = [], []
    strong = strengths(context) if context.departures.days else {}
    pairs = context.pairs("feature", "clock") if context.departures.days else context.pairs("feature")
    for name, now, before in pairs:
        if min(now.rows, before.rows) < MINIMUM_ROWS:
            few.append(f"{name!r}: fewer than {MINIMUM_ROWS} rows")
            continue
        spec = context.spec(CHECK.name, name)
        limit = spec.threshold if spec is not None and spec.threshold else SHIFTED
        noise = 40.0 / min(now.rows, before.rows)  # twice what sampling alone adds over ten bins
        value = psi(now, before)
        if context.departures.days and not (spec is not None and spec.threshold):
            strength = strong.get(name)
            if strength is None or strength.ratio < 1:
                continue
            sudden = strength.ratio >= SUDDEN and (value >= SMALL + noise or strength.form or strength.ratio >= PLAIN)
            message = f"{name!r} left its own past ({', '.join(strength.said)}; PSI {value:.2f})"
            found.append(
                failed(
                    context,
                    CHECK,
                    message,
                    cause="drift",
                    ratio=strength.ratio,
                    column=name,
                    value=value,
                    threshold=limit,
                    tier="ticket" if sudden else "digest",
                    said=list(strength.said),
                )
            )
        elif value > limit + noise:
            found.append(
                failed(
                    context,
                    CHECK,
                    f"{name!r} drifted: PSI {value:.2f}",
                    cause="drift",
                    ratio=value / (limit + noise),
                    column=name,
                    value=value,
                    threshold=limit + noise,
                )
            )
    return answer(CHECK, found, len(pairs) - len(few), few)


CHECK = Check(
    "drift",
    "drift",
    "digest",
    f"{MINIMUM_ROWS} rows on both sides",
    "the world moves; a model trained on the old one fades",
    run,
)
