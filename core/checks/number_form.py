"""Numbers of a form that the column never had: off the grid it is measured on, no longer whole."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed, percent
from core.checks.departed import Departure
from core.checks.summary import NO_PAST, answer, ratio
from core.stats.profile import NumberProfile
from storage.logs.quoting import sql_name
from storage.records.results import Finding

LEAST = 0.02
"""A share of the rows below this is told in the digest."""

SURE = 2.0


def run(context: CheckContext) -> list[Finding]:
    """One finding a column, by the sign that says most: more decimals, or whole numbers lost."""
    if not context.departures.days:
        return answer(CHECK, [], 0, [NO_PAST])
    found, judged = [], 0
    for name, now, before in context.pairs("feature", "prediction"):
        if now.number is None or now.number.finite < MINIMUM_ROWS:
            continue
        judged += 1
        told = [
            (loud, stat, departure)
            for stat in ("off_grid", "integers")
            if (departure := context.departures.get(name, stat)) is not None
            and _never(stat, departure, before.number)
            and (loud := ratio(context, CHECK, name, departure)) >= 1
        ]
        if not told:
            continue
        loud, stat, departure = max(told, key=lambda one: (one[0], one[1]))
        share = abs(departure.rise)
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r}: {percent(share)} of rows have numbers {_WORDS[stat]}",
                cause="new values",
                ratio=loud,
                column=name,
                value=share,
                threshold=share / loud,
                tier="ticket" if share >= LEAST and loud >= SURE else "digest",
                rows=round(share * now.number.finite),
                rows_sql=f"{sql_name(name)} <> floor({sql_name(name)})" if stat == "integers" else None,
                stat=stat,
            )
        )
    return answer(CHECK, found, judged)


def _never(stat: str, departure: Departure, before: NumberProfile | None) -> bool:
    """Whether the past never had it: numbers that are no longer whole, or of more decimals."""
    if stat == "integers":
        return before is not None and before.integers == before.finite and departure.rise < 0
    return departure.rise > 0


_WORDS = {
    "off_grid": "with more decimals than the column has",
    "integers": "that are not whole, as all were before",
}

CHECK = Check(
    "number_form",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} numbers of few values and past batches",
    "a number that was moved, averaged or converted leaves the grid it was measured on, within every range",
    run,
    "look for a conversion, a fill-in by the mean or a rescaling in front of this column",
)
