"""Ten rows that are ten different stories: forward selection, each slice judged by what those above it do not explain.

The excess of a chosen slice (what it holds beyond what the rest's change would give it) is spread evenly over its rows
and taken from every other slice by the rows they have in common; and each slice is judged once more without those rows
at all. The better of the two is left of it, never more than it had: of a slice that merely overlaps nothing, while a
part of a chosen slice that is worse than its whole, and a whole of which the chosen slice was a part, show what is
their own. Before a slice is chosen, predicates are dropped whose excluded rows changed too.

Behind the first story, what is left of a slice pays for the slices that stood out on their own, if it is one of them:
only those can be another side of a story told (gatekeeping; the evidence never exceeds what the slice had on its own).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Words
from core.stats.slices.candidates import Candidates, tallies
from core.stats.slices.change import Changes, changes
from core.stats.slices.error_control import Chance
from core.stats.slices.sides import Slope, Sums
from core.stats.slices.table import Table

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

ALSO = 1.645
"""z of the rows that a predicate excludes from which it is dropped: one test at 5 %."""
GATE = 0.05
"""Greatest q-value of a slice that stood out on its own."""
FAINT = 1.0
"""z under which a slice is no story, not even one that chance could have made."""


@dataclass(frozen=True, slots=True)
class Story:
    """A chosen slice: its index, the evidence beyond the stories above it, and the z that this is of."""

    index: int
    evidence: float
    z: float


def ancestors_best(candidates: Candidates, score: Numbers) -> Numbers:
    """(m,) the best score among all conjunctions of part of each slice's literals; -inf for a single literal."""
    best = np.full(len(candidates), -np.inf)
    lengths = (candidates.literals >= 0).sum(axis=1)
    for length in range(2, candidates.literals.shape[1] + 1):
        which = np.flatnonzero(lengths == length)
        for column in range(length):
            parents = candidates.parents[which, column]
            best[which] = np.maximum(best[which], np.maximum(score[parents], best[parents]))
    return best


def select(
    current: Table,
    reference: Table,
    candidates: Candidates,
    now: Sums,
    then: Sums,
    found: Changes,
    chance: Chance,
    *,
    k: int,
    sign: NDArray[np.int8],
    least: float = 0.0,
    slope: Slope | None = None,
) -> list[Story]:
    """At most ``k`` stories, the strongest first.

    Args:
        candidates, now, then, found, sign: of the slices that may be told; ``parents`` index into them (-1: not there).
        sign: 1 where a rise of the slice is judged, -1 where a fall is.
        least: an effect below it is none.
        slope: the line that the rows beside each slice followed.
    """
    is_binary = current.is_binary
    lengths = (candidates.literals >= 0).sum(axis=1)
    z = found.z * sign
    outside = Side(current, now, Sums.whole(current)), Side(reference, then, Sums.whole(reference))
    left, whole, whole_then = now, outside[0].whole, outside[1].whole
    untold = np.ones(len(candidates), np.bool_)
    stories: list[Story] = []
    raw = chance.evidence(z, lengths)
    passed = chance.q_values(raw) <= GATE
    gated = Chance(tuple(int((passed & (lengths == d)).sum()) for d in range(1, len(chance.counts) + 1)), chance.rate)
    beyond = raw
    while len(stories) < k:
        evidence = np.where(untold & (z >= FAINT), beyond, -np.inf)
        index = int(np.argmax(evidence)) if len(evidence) else 0
        if not len(evidence) or not np.isfinite(evidence[index]):
            break
        index = _widest(candidates, evidence, index, outside, sign, slope)
        stories.append(Story(index, float(evidence[index]), float(z[index] * sign[index])))
        untold[index] = False
        mask = current.mask(candidates.of(current, index))
        common = tallies(current, candidates, [mask])[1][:, 0].astype(np.float64)
        expected = float(found.expected[index])
        if len(stories) > 1:  # of what is beyond the stories before
            one = np.array([index])
            parts, line = (left.take(one), then.take(one)), slope.take(one) if slope else None
            beside = changes(*parts, whole, whole_then, is_binary=is_binary, worse=bool(sign[index] > 0), slope=line)
            expected = float(beside.expected[0])
        excess = left.totals[index] - left.rows[index] * expected
        left = _without(left, excess * common / max(1.0, float(now.rows[index])), is_binary)
        whole = _without(whole, np.array([excess]), is_binary)
        outside = (
            outside[0].beyond(mask, candidates),
            outside[1].beyond(reference.mask(candidates.of(reference, index)), candidates),
        )
        spread = _judged(left, then, whole, whole_then, sign, is_binary, least, slope)
        if is_binary:  # what was taken keeps the noise of the errors that it was
            spread = spread * np.sqrt(np.minimum(1.0, _noise(left.means) / _noise(now.means)))
        elsewhere = _judged(
            outside[0].sums, outside[1].sums, outside[0].whole, outside[1].whole, sign, is_binary, least, slope
        )
        z = np.minimum(z, np.maximum(spread, elsewhere))
        beyond = np.minimum(raw, np.where(passed, gated.evidence(z, lengths), chance.evidence(z, lengths)))
    return stories


@dataclass(frozen=True, slots=True)
class Side:
    """One window without the rows of the stories told: its table, the candidates in it, all of it."""

    table: Table
    sums: Sums
    whole: Sums

    def beyond(self, mask: Words, candidates: Candidates) -> Side:
        """Without the rows of ``mask`` too."""
        blocks, at = [], 0
        for block in self.table.blocks:
            kept = ~mask[at : at + block.words]
            at += block.words
            blocks.append(replace(block, bits=block.bits & kept, valid=block.valid & kept))
        table = replace(self.table, blocks=tuple(blocks))
        every = table.tally(())
        table = replace(table, rows=every.rows, total=every.total, squares=every.squares)
        return Side(table, Sums.counted(table, candidates), Sums.whole(table))


def _widest(
    candidates: Candidates, evidence: Numbers, index: int, outside: tuple[Side, Side], sign: NDArray[np.int8],
    slope: Slope | None,
) -> int:  # fmt: skip
    """The slice without the predicates whose excluded rows changed likewise.

    Among thousands of parts of what changed, the best is one that chance favoured. A predicate goes when the rows that
    it excludes have a z of their own of ``ALSO`` and at least half of the slice's effect.
    """
    is_binary, (now, then) = outside[0].table.is_binary, outside
    while True:
        one = np.array([index])
        here, there = now.sums.take(one), then.sums.take(one)
        side = int(sign[index])
        line = slope.take(one) if slope else None
        own = changes(here, there, now.whole, then.whole, is_binary=is_binary, worse=side > 0, slope=line)
        best, most = index, ALSO
        for parent in candidates.parents[index]:
            if parent < 0 or sign[parent] != side or evidence[parent] < evidence[index] / 2:
                continue
            wider = np.array([parent])
            parts = now.sums.take(wider).beyond(here), then.sums.take(wider).beyond(there)
            rest = now.whole.beyond(here), then.whole.beyond(there)
            more = changes(*parts, *rest, is_binary=is_binary, worse=side > 0, slope=line)
            if more.z[0] * side >= most and more.effects[0] * side >= own.effects[0] * side / 2:
                best, most = int(parent), float(more.z[0] * side)
        if best == index:
            return index
        index = best


def _without(side: Sums, taken: Numbers, is_binary: bool) -> Sums:
    totals = side.totals - taken
    if is_binary:
        totals = np.clip(totals, 0.0, side.rows)
        return Sums(side.rows, totals, totals)
    return Sums(
        side.rows, totals, np.maximum(side.squares - 2 * taken * side.means, totals**2 / np.maximum(side.rows, 1.0))
    )


def _judged(
    now: Sums, then: Sums, whole_now: Sums, whole_then: Sums, sign: NDArray[np.int8], is_binary: bool,
    least: float, slope: Slope | None,
) -> Numbers:  # fmt: skip
    z = np.full(len(now.rows), -np.inf)
    for side in (1, -1):
        which = np.flatnonzero(sign == side)
        if len(which):
            parts = now.take(which), then.take(which)
            lines = slope.take(which) if slope else None
            found = changes(*parts, whole_now, whole_then, is_binary=is_binary, worse=side > 0, slope=lines)
            z[which] = np.where(np.abs(found.effects) >= least, found.z * side, np.minimum(0.0, found.z * side))
    return z


def _noise(rates: Numbers) -> Numbers:
    rates = np.clip(rates, 0.005, 0.995)
    return rates * (1 - rates)
