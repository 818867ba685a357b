"""A column that no longer goes with the others, or whose rows no longer follow each other."""

from __future__ import annotations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed
from core.checks.company import LEFT, answers_left
from core.checks.departed import Departure
from core.checks.summary import NO_PAST, answer, ratio
from storage.records.results import Finding

BROKEN = 0.85
"""From this part of a bond gone on it is broken: a day may loosen it, mixed-up rows leave nothing."""

LOOSE = 2.5
"""A bond that is only looser must be so many times further beyond its past."""

SEVERAL = 2
"""Features that leave the answers at once: then it is the answers that left."""

STATS = ("bond", "tie", "serial", "repeats")
_KIND = {"bond": "company", "tie": "company", "serial": "rows", "repeats": "rows"}
_WATCHED = ("feature", "clock", "prediction")


def run(context: CheckContext) -> list[Finding]:
    """Bonds that are gone, those of other columns and those of neighbouring rows backing each other up."""
    if not context.departures.days:
        return answer(CHECK, [], 0, [NO_PAST])
    found: list[Finding] = []
    judged = 0
    for name in context.shared:
        if context.traits[name].kind not in _WATCHED or context.current.columns[name].rows < MINIMUM_ROWS:
            continue
        judged += 1
        signs = _signs(context, name)
        if not signs:
            continue
        loud, gone, stat, departure = signs[0]
        second = max((other[0] for other in signs[1:] if _KIND[other[2]] != _KIND[stat] or stat == "bond"), default=0.0)
        loud += second / 2
        if loud < 1:
            continue
        found.append(
            failed(
                context,
                CHECK,
                f"{name!r} {_WORDS[stat]}: {departure.value:.2f}, {departure.expected:.2f} expected",
                cause="prediction" if name == context.roles.prediction else "broken bond",
                ratio=loud,
                column=name,
                value=departure.value,
                threshold=departure.bound,
                tier="ticket" if gone >= BROKEN else "digest",
                gone=round(gone, 3),
                kind=_KIND[stat],
            )
        )
    return answer(CHECK, _blamed(context, found), judged)


def _blamed(context: CheckContext, found: list[Finding]) -> list[Finding]:
    """Who left whom: where the answers and several features lost each other at once, the answers alone are accused.

    A feature whose rows are mixed up loses all its company and takes only its own part of the answers' with it.
    """
    company = [f for f in found if f.column != context.roles.prediction and f.evidence["kind"] == "company"]
    if answers_left(context) < (LEFT if len(company) >= SEVERAL else BROKEN):
        return found
    return [f for f in found if f not in company]


def _signs(context: CheckContext, name: str) -> list[tuple[float, float, str, Departure]]:
    """What fell: how far beyond its past (less where a bond is only looser), and which part of it is gone."""
    found = []
    for stat in STATS:
        departure = context.departures.get(name, stat)
        if departure is None or departure.rise >= 0 or departure.expected <= 0:
            continue
        gone = min(1.0, -departure.rise / departure.expected)
        loud = ratio(context, CHECK, name, departure) / (1.0 if gone >= BROKEN else LOOSE)
        found.append((loud, gone, stat, departure))
    return sorted(found, key=lambda sign: (-sign[0], sign[2]))


_WORDS = {
    "bond": "no longer goes with the columns it went with (rank correlation)",
    "tie": "no longer depends on its categories as it did (share of variance explained)",
    "repeats": "no longer stays from row to row as it did (rows that repeat the one before, beyond chance)",
    "serial": "no longer follows from row to row as it did (serial correlation)",
}

CHECK = Check(
    "broken_bond",
    "soft",
    "ticket",
    f"{MINIMUM_ROWS} rows, numbers that go together or rows in their order, and past batches",
    "a column joined to the wrong rows keeps its range, its level and its shape; only its company tells",
    run,
    "look at the join and the sort order in front of this column",
)
