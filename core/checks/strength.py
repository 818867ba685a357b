"""How surely a column left its past: several statistics must agree, and columns that all move together are weather."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.checks.base import CheckContext
from core.checks.company import LEFT, answers_left
from core.checks.statistics import STATS

CONTRAST = 5
ALONE = frozenset({"values", "pattern", "missing", "form"})
"""Groups that need no second opinion: they say that something impossible came."""

ALIKE: Mapping[str, str] = {"far": "range"}
"""Groups that say the same: a record is outside what was seen, and some way outside."""

FORM = 1.5
"""Times its threshold from which a form counts as broken."""


@dataclass(frozen=True, slots=True)
class Strength:
    """``ratio`` after corroboration and contrast (1.0 at the threshold), and the statistics that said most.

    ``form`` says that the column's form broke: something that it never was.
    """

    ratio: float
    said: tuple[str, ...]
    form: bool = False


def strengths(context: CheckContext) -> Mapping[str, Strength]:
    """Per column: the geometric mean of its two furthest statistics of different kind, over that of the fifth column.

    Features and clocks only; slices count as one kind.
    """
    groups: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
    alone = answers_left(context) >= LEFT  # then features that lost the answers say nothing of themselves
    for key, departure in context.departures.of_rows:
        if not key.column or context.traits[key.column].kind not in ("feature", "clock", "prediction"):
            continue
        group = ALIKE.get(STATS[key.stat].group, STATS[key.stat].group)
        if key.stat == "integers" and departure.rise < 0 and _whole(context, key.column):
            group = "form"
        if group in ("slice", "residual") or (group == "bond" and alone and key.column != context.roles.prediction):
            continue
        if departure.ratio > groups[key.column].get(group, (0.0, ""))[0]:
            groups[key.column][group] = (departure.ratio, key.stat)
    raw: dict[str, Strength] = {}
    for column, found in groups.items():
        best = sorted(found.items(), key=lambda item: -item[1][0])[:2]
        ratio = math.sqrt(best[0][1][0] * best[1][1][0]) if len(best) == 2 else 0.0
        if best and best[0][0] in ALONE:
            ratio = max(ratio, best[0][1][0])
        form = any(group == "form" and told >= FORM for group, (told, _) in best)
        raw[column] = Strength(ratio, tuple(stat for _, (_, stat) in best), form)
    order = sorted((s.ratio for n, s in raw.items() if context.traits[n].kind != "prediction"), reverse=True)
    weather = max(1.0, order[CONTRAST - 1]) if len(order) >= CONTRAST else 1.0
    return {name: replace(s, ratio=s.ratio / weather) for name, s in raw.items()}


def _whole(context: CheckContext, column: str) -> bool:
    """Whether the column never held a fraction: then one is of another form, and not of another day."""
    number = context.reference.columns[column].number
    return number is not None and number.integers == number.finite
