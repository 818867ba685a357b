"""The worst slices of one table: the exact top k under a score, ties in a fixed order."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.stats.slices.bound import MEAN, SLICELINE, Score
from core.stats.slices.candidates import Candidates, candidates, tallies
from core.stats.slices.lattice import Lattice
from core.stats.slices.table import Literal, Table, Tally

__all__ = ["MEAN", "SLICELINE", "Candidates", "Found", "Score", "Slice", "candidates", "tallies", "top_slices"]

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice with what is known of it.

    Attributes:
        mean: mean signal of its rows; for a 0/1 error, the error rate.
        effect: absolute ranking: mean here - mean overall; change: its change beyond the change elsewhere.
        interval: 95 % of the effect.
        z: the effect in standard errors, under draws of as many rows without replacement.
        q_value: paid for the search; the absolute ranking multiplies the one-sided p by the number of conjunctions
            (Bonferroni).
        explained: share of the whole signal (of the whole change) that would go if the slice were like the rest.
    """

    literals: tuple[Literal, ...]
    rows: int
    mean: float
    reference_rows: int
    reference_mean: float | None
    effect: float
    interval: tuple[float, float]
    z: float
    q_value: float
    explained: float
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search by change answers: at most k slices, best first, and whether any stands out.

    Attributes:
        least_rows: of a slice that was looked at, now and in the reference.
        least_effect: a change beyond the rest that is smaller counts as none.
        slope: of a real signal, the change of all rows as a line: below 1 the slices were drawn together by that
            factor, below 0 mirrored; None while nothing shows that it is not 1.
    """

    slices: tuple[Slice, ...]
    candidates: int
    evaluated: int
    overall: float
    reference_overall: float | None
    stands_out: bool
    least_rows: tuple[int, int] = (1, 0)
    least_effect: float = 0.0
    slope: float | None = None


def top_slices(
    table: Table,
    *,
    k: int = 10,
    depth: int = 3,
    support: float = 0.01,
    score: Score = SLICELINE,
    prune: bool = True,
    ties: bool = False,
) -> tuple[Slice, ...]:
    """The ``k`` best conjunctions of at most ``depth`` literals and at least ``support`` of the rows.

    A slice has a score above 0.

    Exact: equal to counting every conjunction. Order: score falling, then rows falling, then fewer literals first, then
    by columns and codes. ``ties`` adds every slice whose score equals that of the k-th.

    Args:
        prune: leave out branches whose bound (:mod:`core.stats.slices.bound`) is below the k-th score; the answer is
            the same without.

    Raises:
        ValueError: k or depth below 1, support outside 0..1, or SliceLine's score of a signal with a negative value or
            mean 0 (shift it, or rank by :data:`MEAN`).
    """
    if k < 1 or depth < 1 or not 0 <= support <= 1:
        raise ValueError("k and depth are at least 1, support is within 0..1")
    if table.rows == 0:
        return ()
    if score.alpha is not None and min((float(b.values.min(initial=0.0)) for b in table.blocks), default=0.0) < 0:
        raise ValueError(
            "SliceLine's score needs a signal without negative values: shift it, or rank by the mean difference"
        )
    if score.alpha is not None and table.total == 0:
        return ()
    lattice = Lattice(table, k, score, max(1, math.ceil(support * table.rows - 1e-9)), prune)
    lattice.run(depth)
    found = lattice.contenders()
    last = found[k - 1][2] if len(found) >= k else 0.0
    chosen = [item for item in found if item[2] >= last] if ties else found[:k]
    tried = _conjunctions(table.sizes, depth)
    return tuple(
        _described(table, tuple(table.literal(int(place)) for place in places), tally, value, tried)
        for places, tally, value in chosen
    )


def _described(table: Table, literals: tuple[Literal, ...], tally: Tally, score: float, tried: int) -> Slice:
    """A counted slice with its interval and error control."""
    n, everything = tally.rows, table.rows
    effect = tally.mean - table.mean
    outside = (table.total - tally.total) / (everything - n) if everything > n else tally.mean
    inside = max(0.0, tally.squares / n - tally.mean**2)
    variance = max(0.0, table.squares / everything - table.mean**2)
    # Sampling without replacement: a slice of all rows has no error at all.
    share = 1.0 - n / everything
    half = _Z * math.sqrt(inside / n * share)
    error = math.sqrt(variance / n * share * everything / max(1, everything - 1))
    z = effect / error if error > 0 else 0.0
    explained = (tally.total - n * outside) / table.total if table.total else 0.0
    q_value = min(1.0, tried * 0.5 * math.erfc(z / math.sqrt(2.0)))
    interval = (effect - half, effect + half)
    return Slice(literals, n, tally.mean, 0, None, effect, interval, z, q_value, explained, score)


def _conjunctions(sizes: tuple[int, ...], depth: int) -> int:
    """Conjunctions of 1 to ``depth`` literals of different columns.

    >>> _conjunctions((2, 3), 2)
    11
    """
    ways = [1] + [0] * depth
    for size in sizes:
        for length in range(depth, 0, -1):
            ways[length] += ways[length - 1] * size
    return sum(ways[1:])
