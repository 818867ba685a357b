"""Whether a version, stage or host is a good sample of the traffic beside it: an early stage often is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storage.logs.predicates import words

if TYPE_CHECKING:
    from core.slices.opened import Opened
    from core.slices.request import SliceRequest
    from core.stats.representative import ColumnFit
    from core.stats.slices.coding import Coding
    from storage.records.slices import Predicate

MOST = 20
"""Sides that are judged, those with most rows."""
TOLD = 5
"""Columns and thin slices that a sentence names."""


@dataclass(frozen=True, slots=True)
class ThinSlice:
    """A slice that a side hardly has: its share there with the 95 % interval, and in the rest of the traffic."""

    predicate: Predicate
    words: str
    rows: int
    share: float
    interval: tuple[float, float]
    rest_share: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One side against all others together, in the same window.

    Attributes:
        good: None where its rows are too few to tell.
        columns: the farthest first, with PSI and the PSI that sampling so few rows gives by itself.
        thin: slices with less than half their share in the rest, the largest first.
    """

    name: str
    rows: int
    rest_rows: int
    good: bool | None
    columns: tuple[ColumnFit, ...]
    thin: tuple[ThinSlice, ...]

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        if self.good is None:
            return f"{self.name}: {self.rows:,} rows are too few to tell whether it is a good sample of the rest"
        if self.good:
            farthest = self.columns[0]
            near = f"farthest {farthest.column}, PSI {farthest.psi:.2g}, {farthest.noise:.2g} by chance alone"
            return f"{self.name}: as far as {self.rows:,} rows tell, a good sample of the rest ({near})"
        off = [f"{one.column} (PSI {one.psi:.2g}, {one.noise:.2g} by chance)" for one in self.columns if one.off]
        thin = [
            f"{one.words} {one.share:.1%} [{one.interval[0]:.1%} {one.interval[1]:.1%}] against {one.rest_share:.1%}"
            for one in self.thin
        ]
        parts = [f"off in {_listed(off)}"] * bool(off) + [f"thin: {_listed(thin)}"] * bool(thin)
        return f"{self.name}: not a good sample of the rest; {'; '.join(parts)}"


def samples(opened: Opened, request: SliceRequest, part: str, *, only: str | None = None) -> tuple[Sample, ...]:
    """Every side but the one that is the bulk of the rows (half of them at least), the largest first.

    Columns that the deployment itself sets (version, stage, host) are not looked at.

    Args:
        part: SQL of the side of a row.
        only: judge this side alone, however large it is.
    """
    from core.slices.columns import plan
    from core.stats.representative import representation

    now = opened.sides.now
    set_by_deployment = {opened.sides.model.columns.version, opened.sides.model.columns.stage}
    set_by_deployment.add(opened.sides.model.columns.host)
    codings = [
        coding
        for coding in plan(replace(opened.sides, then=None), request).codings
        if coding.column not in set_by_deployment
    ]
    counts = _counts(opened, request, part, codings)
    sizes = {name: sum(found[0].values()) for name, found in counts.items() if found}
    ranked = sorted(sizes, key=lambda name: (-sizes[name], name))
    total = sum(sizes.values())
    judged = [name for i, name in enumerate(ranked[: MOST + 1]) if i or 2 * sizes[name] < total]
    if only is not None:
        judged = [name for name in ranked if name == only]
    if len(ranked) < 2 or not now.source.rows:
        return ()
    told = []
    for name in judged:
        held = {}
        for i, coding in enumerate(codings):
            codes = range(coding.size + (coding.kind == "category"))
            mine = [counts[name][i].get(code, 0) for code in codes]
            rest = [sum(counts[other][i].get(code, 0) for other in ranked if other != name) for code in codes]
            held[coding.column] = (mine, rest)
        found = representation(held)
        by_name = {coding.column: coding for coding in codings}
        thin = [
            ThinSlice(p, words([p]), one.rows, one.share, one.interval, one.rest_share)
            for one in found.thin
            for p in [_predicate(by_name[one.column], one.place)]
        ]
        told.append(Sample(name, sizes[name], total - sizes[name], found.good, found.columns, tuple(thin)))
    return tuple(told)


def _counts(opened: Opened, request: SliceRequest, part: str, codings: list[Coding]) -> dict[str, list[dict[int, int]]]:
    """Rows per side, column and code, in one pass; rows of no side are left out."""
    from core.slices.columns import code_sql

    if not codings:
        return {}
    side, n = opened.sides.now, range(len(codings))
    coded = ", ".join(f"{code_sql(coding)} as c{i}" for i, coding in enumerate(codings))
    found = side.source.query(
        f"select p, {', '.join(f'grouping(c{i})' for i in n)}, {', '.join(f'c{i}' for i in n)}, count(*) "
        f"from (select {part} as p, {coded} from {side.relation} where {side.condition(request.where)}) "
        f"where p is not null group by grouping sets ({', '.join(f'(p, c{i})' for i in n)})"
    )
    counts: dict[str, list[dict[int, int]]] = {}
    for row in found:
        i = next(i for i in n if row[1 + i] == 0)
        mine = counts.setdefault(str(row[0]), [{} for _ in n])
        mine[i][int(str(row[1 + len(codings) + i]))] = int(str(row[-1]))
    return counts


def _predicate(coding: Coding, code: int) -> Predicate:
    from core.slices.columns import predicate_of

    return predicate_of(coding, code)


def _listed(told: list[str]) -> str:
    more = f" and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return ", ".join(told[:TOLD]) + more
