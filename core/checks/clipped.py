"""Numbers cut off at an edge: they pile up at the smallest or largest value."""

from __future__ import annotations

import math

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.spikes import spike, weather
from core.checks.summary import answer, ratio
from storage.logs.quoting import sql_name
from storage.records.results import Finding


def run(context: CheckContext) -> list[Finding]:
    """A pile at the edge that holds about what the reference had beyond it."""
    found, judged = [], 0
    for name, now, _ in context.pairs("feature", "prediction"):
        if now.number is None or now.number.finite < MINIMUM_ROWS:
            continue
        judged += 1
        pile = spike(context, name)
        if pile is None or not pile.edge:
            continue
        stats = ("peak", "at_maximum" if pile.edge == "high" else "at_minimum")
        ratios = [ratio(context, CHECK, name, context.departures.get(name, stat)) for stat in stats]
        loud = math.sqrt(ratios[0] * ratios[1]) / weather(context, name) if context.departures.days else max(ratios)
        gain = pile.share - pile.usual
        if loud < 1 or gain < 0.03 or not 0.4 <= pile.beyond / gain <= 2.5:
            continue
        side = "above" if pile.edge == "high" else "below"
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} is clipped at {pile.value:g}: {percent(pile.share)} of rows sit there, none {side}",
                cause="clipped",
                ratio=1.5 * loud,
                column=name,
                value=pile.share,
                threshold=pile.usual + gain / loud,
                rows=round(pile.share * now.number.finite),
                rows_sql=f"{sql_name(name)} = {pile.value!r}",
                edge=pile.edge,
            )
        )
    return answer(CHECK, found, judged)


CHECK = Check(
    "clipped",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} numbers",
    "an overflow, a new cap or a saturated sensor makes large values equal",
    run,
)
