"""Two columns that hold each other's values."""

from __future__ import annotations

from itertools import combinations

from core.checks.base import MINIMUM_ROWS, Check, CheckContext, failed
from core.checks.similarity import distance
from core.checks.summary import answer
from core.stats.profile import ColumnProfile
from core.stats.unit_fit import known_rows
from storage.records.results import Finding

FORM = 0.1
"""By how large a share of rows a column may be less of the other's make than of its own and still be it."""

APART = 0.08
"""Two columns closer than this to their own reference are not suspected."""

FAR = ("distance", "unseen", "new_numbers", "outside", "overshoot", "patterns", "missing", "mean")


def run(context: CheckContext) -> list[Finding]:
    """Columns that left their own reference and match the other's at least twice as well, both of them."""
    own: dict[str, float] = {}
    loud: dict[str, float] = {}
    judged = 0
    for name, now, before in context.pairs("feature", "clock", "prediction", "label"):
        if now.rows - now.missing < MINIMUM_ROWS or before.rows - before.missing < MINIMUM_ROWS:
            continue
        judged += 1
        apart = distance(now, before)
        far = max(context.departures.ratio(name, stat) for stat in FAR)
        if now.kind != before.kind or (apart >= APART and far >= 0.3):
            own[name] = apart
            loud[name] = far if now.kind == before.kind else 10.0
    pairs = []
    for left, right in combinations(own, 2):
        current, reference = context.current.columns, context.reference.columns
        if max(loud[left], loud[right]) < (1.0 if context.departures.days else 0.5):
            continue
        usual = [_usual(context, left), _usual(context, right)]
        crossed = [
            max(0.0, distance(current[left], reference[right]) - usual[1]),
            max(0.0, distance(current[right], reference[left]) - usual[0]),
        ]
        straight = [max(0.0, own[left] - usual[0]), max(0.0, own[right] - usual[1])]
        if sum(crossed) <= 0.5 * sum(straight) and crossed[0] < straight[1] and crossed[1] < straight[0]:
            if not all(_bears_form(current[a], reference[b], reference[a]) for a, b in ((left, right), (right, left))):
                continue
            pairs.append((sum(crossed) - sum(straight), left, right, sum(crossed) / 2, sum(straight) / 2))
    found: list[Finding] = []
    used: set[str] = set()
    for _, left, right, crossed_mean, straight_mean in sorted(pairs):
        if {left, right} & used:
            continue
        used |= {left, right}
        found.append(
            failed(
                context,
                CHECK,
                f"{left!r} and {right!r} are swapped: each looks like the other's reference",
                cause="swap",
                ratio=10 * (1 + straight_mean / max(crossed_mean, 0.02)),
                column=left,
                columns=(left, right),
                value=straight_mean,
                threshold=APART,
                rows=context.current.rows,
                distance_if_swapped=crossed_mean,
            )
        )
    return answer(CHECK, found, judged)


def _bears_form(now: ColumnProfile, other: ColumnProfile, own: ColumnProfile) -> bool:
    """Whether numbers are of the other column's make at least as much as of their own: whole, zero, and known there.

    Any two columns that moved on one day may come to lie in each other's range; they don't take on each other's values.
    """
    a, b, c = now.number, other.number, own.number
    if a is None or b is None or c is None or not (a.finite and b.finite and c.finite):
        return True
    shares = [(n.integers / n.finite, n.zeros / n.finite) for n in (a, b, c)]
    if any(abs(now - there) > abs(now - here) + FORM for now, there, here in zip(*shares, strict=True)):
        return False
    there, here = known_rows(a.histogram, b.histogram), known_rows(a.histogram, c.histogram)
    return there is None or here is None or there >= here - FORM


def _usual(context: CheckContext, name: str) -> float:
    """How far the column's batches usually lie from the reference: a day is narrower than its month."""
    departure = context.departures.get(name, "distance")
    return max(0.0, departure.expected) if departure is not None and context.departures.days else 0.0


CHECK = Check(
    "swapped_columns",
    "hard",
    "ticket",
    f"two columns of {MINIMUM_ROWS} values",
    "swapped columns keep schema and ranges, and every answer is wrong",
    run,
    "swap them back and replay the batch",
)
