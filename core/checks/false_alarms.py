"""How many false alarms a batch is to be expected to raise, from how its own past would have been judged."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.checks.base import CheckContext
from core.checks.belief import doubt
from core.checks.statistics import STATS, Key
from core.checks.strength import ALIKE, ALONE, CONTRAST
from core.stats.sketch_numbers import Floats

USUAL = 0.023
"""False alarms per clean batch over planted days of several public data sets."""

ASKED_BESIDES = 0.4
"""Of days whose statistics pass their bounds some two in five raise a ticket: the checks ask for more besides."""

BATCHES = 14
"""How many batches of one's own ``USUAL`` is worth."""

BUDGET = 0.12
"""Expected false alarms per batch from which on tickets must lie further out."""

ALONE_OF: Mapping[str, str] = {
    "slice_missing": "slice_completeness",
    "slice_mean": "slice_levels",
    "residual": "label_residual",
    "rows": "volume",
    "duplicates": "duplicates",
    "hours": "freshness",
    "gap": "freshness",
}
"""Statistics that one check judges by themselves."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's record of clean batches: false alarms ``expected`` before the fact, and ``noise`` that came.

    >>> Answered(3.0, 0).factor, Answered(0.0, 0).factor, Answered(1.0, 3).factor
    (0.25, 1.0, 2.0)
    """

    expected: float = 0.0
    noise: int = 0

    @property
    def factor(self) -> float:
        """Times as many as expected, with one expected alarm added that came: few answers say little."""
        return (self.noise + 1.0) / (self.expected + 1.0)

    def after(self, expected: float, *, noise: bool) -> Answered:
        """With one more batch; ``expected`` is what was said of it without a record."""
        return Answered(self.expected + expected, self.noise + noise)


def expected_false_alarms(context: CheckContext, answered: Answered | None = None) -> float:
    """False alarms to be expected of this batch if nothing is wrong with it, 0.0 to 1.0.

    What a batch's own past tells, by how often batches come and by what was ``answered`` noise so far.
    """
    told = _by_past(context) * _share_of_a_day(context) * (answered.factor if answered else 1.0)
    return min(told, 1.0)


def _share_of_a_day(context: CheckContext) -> float:
    """What a batch that comes more often than daily weighs: the root of its part of a day.

    Odd weather lasts: it alarms once however often batches come (its part of a day), while sampling makes each batch
    odd by itself (1.0). The geometric mean of both is the guess from which the answers are learned.
    """
    starts = [b.window_start.timestamp() for b in context.past if b.window_start is not None]
    gaps = np.diff(starts)
    if not gaps.size:
        return 1.0
    return math.sqrt(min(max(float(np.median(gaps)), 60.0) / 86_400, 1.0))


def _by_past(context: CheckContext) -> float:
    """As of daily batches.

    Each past batch is judged as this one is, by the others: by how much its furthest finding passed, or fell short of,
    being a ticket. The chance that a day of that kind passes it is Student's, shrunk towards ``USUAL``.
    """
    short = _shortfalls(context)
    if short.size < 2:
        return USUAL
    own = ASKED_BESIDES * _beyond(short, 0.0)
    return (USUAL * BATCHES + short.size * own) / (BATCHES + short.size)


def further(context: CheckContext) -> float:
    """How much further than usual a ticket's score must lie so that at most ``BUDGET`` false alarms are expected."""
    short = _shortfalls(context)
    if short.size < 2 or _by_past(context) <= BUDGET:
        return 0.0
    steps = np.arange(0.0, 1.05, 0.05)
    return float(next((s for s in steps if ASKED_BESIDES * _beyond(short, float(s)) <= BUDGET), steps[-1]))


def _beyond(short: Floats, cut: float) -> float:
    """Chance that the next of such days lies beyond ``cut`` (Wallace's normal form of Student's distribution)."""
    n = short.size
    spread = float(short.std(ddof=1)) * math.sqrt(1 + 1 / n)
    if spread <= 1e-9:
        return float(short.mean() > cut)
    t, free = (cut - float(short.mean())) / spread, n - 1
    z = math.copysign(math.sqrt(free * math.log1p(t * t / free)), t) * (8 * free + 1) / (8 * free + 3)
    return 1.0 - NormalDist().cdf(z)


def _shortfalls(context: CheckContext) -> Floats:
    """Per past batch: its furthest score less the score at which that check raises a ticket."""
    told, ratios = list(context.departures.found), context.departures.past_ratios
    if ratios is None or not ratios.size:
        return np.zeros(0)
    columns: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    alone: dict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(told):
        if key.stat in ALONE_OF:
            alone[ALONE_OF[key.stat]].append(i)
        elif _counts(context, key):
            group = STATS[key.stat].group
            columns[key.column][ALIKE.get(group, group)].append(i)
    found = [_score(ratios[:, at].max(axis=1)) - doubt(check) for check, at in alone.items()]
    strong = [s for groups in columns.values() if (s := _strength(ratios, groups)) is not None]
    if strong:
        order = -np.sort(-np.stack(strong), axis=0)
        weather = np.maximum(order[CONTRAST - 1], 1.0) if len(strong) >= CONTRAST else 1.0
        found.append(_score(order[0] / weather) - doubt("drift"))
    return np.max(found, axis=0) if found else np.zeros(0)


def _counts(context: CheckContext, key: Key) -> bool:
    return bool(key.column) and context.traits[key.column].kind in ("feature", "clock") and not key.slice


def _strength(ratios: Floats, groups: Mapping[str, list[int]]) -> Floats | None:
    """Per past batch: the geometric mean of a column's two furthest groups, or one that needs no second."""
    furthest = {group: ratios[:, at].max(axis=1) for group, at in groups.items()}
    if len(furthest) < 2:
        return None
    order = -np.sort(-np.stack([*furthest.values()]), axis=0)
    single = [told for group, told in furthest.items() if group in ALONE]
    furthest_two: Floats = np.sqrt(order[0] * order[1])
    furthest_told: Floats = np.maximum.reduce([furthest_two, *single])
    return furthest_told


def _score(ratios: Floats) -> Floats:
    """As :func:`core.stats.effect.log_score`, of many."""
    return np.where(ratios <= 1, ratios, 1 + np.log(np.maximum(ratios, 1.0)))
