"""Ten rows that are ten different stories: forward selection, each slice judged by what those above it do not explain.

The excess of a chosen slice (what it holds beyond what the rest's change would give it) is spread evenly over its
rows and taken from every other slice by the rows they have in common. What is left of a slice that merely overlaps is
then nothing; a part of a chosen slice that is worse than its whole, and a whole of which the chosen slice was a part,
still show what is their own. Before a slice is chosen, predicates are dropped that do not move its score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.candidates import Candidates
from core.stats.slices.change import Changes, changes
from core.stats.slices.error_control import Chance
from core.stats.slices.sides import Sums

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

SLACK = 0.5
"""Nats of evidence that a predicate has to add, or it is dropped."""
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
    candidates: Candidates,
    now: Sums,
    then: Sums,
    whole_now: Sums,
    whole_then: Sums,
    found: Changes,
    chance: Chance,
    *,
    k: int,
    sign: NDArray[np.int8],
    is_binary: bool,
    common: Callable[[int], Numbers],
) -> list[Story]:
    """At most ``k`` stories, the strongest first.

    Args:
        candidates, now, then, found, sign: of the slices that may be told; ``parents`` index into them (-1: not there).
        sign: 1 where a rise of the slice is judged, -1 where a fall is.
        common: index of a slice to the rows (m,) that each slice shares with it in the current window.
    """
    lengths = (candidates.literals >= 0).sum(axis=1)
    z = found.z * sign
    whole = whole_now
    left = now
    open_ = np.ones(len(candidates), np.bool_)
    stories: list[Story] = []
    while len(stories) < k and open_.any():
        evidence = np.where(open_ & (z >= FAINT), chance.evidence(z, lengths), -np.inf)
        index = int(np.argmax(evidence))
        if not np.isfinite(evidence[index]):
            break
        index = _simplest(candidates, evidence, index)
        stories.append(Story(index, float(evidence[index]), float(z[index] * sign[index])))
        open_[index] = False
        rows = common(index)
        rest = Sums(whole.rows - left.rows[index], whole.totals - left.totals[index], whole.squares)
        excess = left.totals[index] - left.rows[index] * found.expected[index]
        if stories[1:] and rest.rows[0] > 0:  # beyond what is told already
            again = _again(left, then, whole, whole_then, index, is_binary, int(sign[index]))
            excess = left.totals[index] - left.rows[index] * again
        taken = excess * rows / max(1.0, float(now.rows[index]))
        left = _without(left, taken, is_binary)
        whole = _without(whole, np.array([excess]), is_binary)
        z = np.minimum(z, _conditional(now, left, then, whole, whole_then, sign, is_binary))
    return stories


def _simplest(candidates: Candidates, evidence: Numbers, index: int) -> int:
    """The slice without the predicates that add less than ``SLACK``."""
    while True:
        parents = candidates.parents[index]
        parents = parents[parents >= 0]
        if not len(parents):
            return index
        best = int(parents[np.argmax(evidence[parents])])
        if evidence[best] < evidence[index] - SLACK:
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


def _again(left: Sums, then: Sums, whole: Sums, whole_then: Sums, index: int, is_binary: bool, sign: int) -> float:
    one = np.array([index])
    return float(
        changes(left.take(one), then.take(one), whole, whole_then, is_binary=is_binary, worse=sign > 0).expected[0]
    )


def _conditional(
    now: Sums, left: Sums, then: Sums, whole: Sums, whole_then: Sums, sign: NDArray[np.int8], is_binary: bool
) -> Numbers:
    z = np.full(len(now.rows), -np.inf)
    for side in (1, -1):
        which = np.flatnonzero(sign == side)
        if len(which):
            part = left.take(which)
            found = changes(part, then.take(which), whole, whole_then, is_binary=is_binary, worse=side > 0)
            z[which] = found.z * side
    if is_binary:  # what was taken keeps the noise of the errors that it was
        spread = np.clip(left.means, 0.005, 0.995) * (1 - np.clip(left.means, 0.005, 0.995))
        before = np.clip(now.means, 0.005, 0.995) * (1 - np.clip(now.means, 0.005, 0.995))
        z = z * np.sqrt(np.minimum(1.0, spread / before))
    return z
