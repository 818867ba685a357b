"""What the search has to pay: the chance that any of thousands of overlapping slices looks as strange as this one.

Each length of conjunction gets the same share of the error (weights as in Genovese, Roeder and Wasserman 2006): a
slice of ``d`` literals with upper tail ``p`` counts ``u = slices of d literals * p``. Were all slices disjoint, the
least ``u`` of a search of clean data would be exponential with mean ``1 / lengths``; overlapping ones are fewer
tests. How many fewer depends on their overlap alone: random signs on the rows, summed over every slice, have the same
correlations as the slices' z under "no slice changed", and the least ``u`` of each draw is exponential to good
accuracy, so that one rate is all there is to be learned: 64 draws know it to an eighth, which moves 5 % to no more
than 5.7 %. (Thresholds from quantiles of permutations need hundreds.) Fair signs are symmetric, so that their own
tails are close to normal on a slice of 80 rows; the tails of the real z are the business of the test.

The adjusted value is family-wise: a list cut at 0.05 holds any false slice in at most 5 % of the searches, so its false
discovery rate is at most 5 % too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.blocks import Words
from core.stats.slices.candidates import Candidates

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

DRAWS = 64
ROWS = 8_192
"""Rows that carry random signs."""
WORK = 1 << 20
"""Slices times draws at most: more slices get fewer draws, never under 16."""
_CHUNK = 512
_FEWEST = 16
_ERFC = np.array([-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
                  -0.82215223, 0.17087277])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chance:
    """What a search pays.

    Attributes:
        counts: slices looked at with 1, 2, ... literals.
        rate: of the least ``u`` on data without any change; at most the number of lengths.
    """

    counts: tuple[int, ...]
    rate: float

    def evidence(self, z: Numbers, lengths: Places) -> Numbers:
        """How surprising, in nats: ``-log u``. Grows with z; a longer conjunction needs more."""
        weights = np.log(np.maximum(1, np.array([1, *self.counts], dtype=np.float64)))
        return np.asarray(-(weights[lengths] + log_tail(z)), dtype=np.float64)

    def q_values(self, evidence: Numbers) -> Numbers:
        """Chance that a search without any change meets as much evidence anywhere, 0 to 1; falls with the evidence."""
        u = np.exp(np.minimum(50.0, -evidence))
        return np.asarray(-np.expm1(-self.rate * u), dtype=np.float64)

    def critical(self, q: float, length: int) -> float:
        """The z from which a conjunction of ``length`` literals has a q-value of at most ``q``."""
        tail = -math.log1p(-q) / (self.rate * max(1, self.counts[length - 1]))
        return -NormalDist().inv_cdf(min(0.5, tail))


def learn(candidates: Candidates, literals: NDArray[np.uint8], rng: np.random.Generator, *, sides: int = 1) -> Chance:
    """The price of a search among ``candidates``.

    Args:
        literals: (literals, rows) 0 or 1: which literals hold in a sample of rows, drawn in proportion to the variance
            of the signal in a row, since rows that are never wrong carry no noise.
        sides: 2 when rises and falls are both looked for.
    """
    lengths = (candidates.literals >= 0).sum(axis=1)
    counts = tuple(int((lengths == d).sum()) for d in range(1, candidates.literals.shape[1] + 1))
    ceiling = float(sides * sum(count > 0 for count in counts))
    rows = literals.shape[1]
    if not len(candidates) or rows < 64:
        return Chance(counts, ceiling)
    packed = pack_bits(literals)
    packed = np.vstack([packed, pack_bits(np.ones((1, rows), np.uint8))])  # place -1 is "any row"
    draws = max(_FEWEST, min(DRAWS, WORK // len(candidates)))
    signs = rng.integers(0, 1 << 64, size=(draws, packed.shape[1]), dtype=np.uint64) & packed[-1]
    whole = 2.0 * np.bitwise_count(signs).sum(axis=1, dtype=np.int64) - rows
    scored = Chance(counts, 1.0)
    most = np.full((draws, len(counts) + 1), -np.inf)
    for start in range(0, len(candidates), _CHUNK):
        part = candidates.literals[start : start + _CHUNK]
        masks = packed[part[:, 0]]
        for column in range(1, part.shape[1]):
            masks &= packed[part[:, column]]
        size = np.bitwise_count(masks).sum(axis=1, dtype=np.uint32).astype(np.float64)
        share = size / rows
        usable = (size >= 8) & (share < 0.98)
        masks, size, share = masks[usable], size[usable], share[usable]
        scale = 1.0 / np.sqrt(size * (1 - share))
        length = lengths[start : start + _CHUNK][usable]
        cuts = [np.flatnonzero(length == d) for d in range(len(counts) + 1)]
        for draw in range(draws):
            ones = np.bitwise_count(masks & signs[draw])
            if not ones.shape[1] % 2:  # two counts of at most 64 fit a byte, and half as many are to be widened
                ones = ones[:, ::2] + ones[:, 1::2]
            common = ones.sum(axis=1, dtype=np.uint32)
            z = (2.0 * common - size - share * whole[draw]) * scale
            if sides == 2:
                z = np.abs(z)
            for d, which in enumerate(cuts):
                if len(which):
                    most[draw, d] = max(most[draw, d], float(z[which].max()))
    peaks = np.stack([scored.evidence(most[:, d], np.full(draws, d)) for d in range(1, len(counts) + 1)])
    least = np.exp(-peaks.max(axis=0))
    return Chance(counts, float(min(ceiling, draws / max(least.sum(), 1e-12))))


def log_tail(z: Numbers) -> Numbers:
    """Logarithm of the standard normal upper tail, to 1.2e-7; erfc by Chebyshev fit (Numerical Recipes, 6.2).

    >>> [round(float(log_tail(np.array(z))), 4) for z in (-3.0, 0.0, 1.644854, 40.0)]
    [-0.0014, -0.6931, -2.9957, -804.6084]
    """
    x = np.minimum(np.abs(z), 1e100) / math.sqrt(2)  # a length without slices has no peak, -inf
    t = 1 / (1 + 0.5 * x)
    series = np.polynomial.polynomial.polyval(t, _ERFC)
    far = np.log(t) - x * x + series - math.log(2)
    return np.asarray(np.where(z >= 0, far, np.log1p(-np.exp(np.minimum(far, -1e-12)))), dtype=np.float64)


def pack_bits(rows: NDArray[np.uint8]) -> Words:
    """0/1 rows as whole 64-bit words, the last padded with zeros."""
    bits = np.packbits(rows, axis=1, bitorder="little")
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))
    return np.ascontiguousarray(padded).view(np.uint64)
