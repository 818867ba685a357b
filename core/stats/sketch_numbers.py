"""Mergeable summaries of numbers: a histogram over universal bins, and moments.

Both are monoids: the empty summary changes nothing, and the result does not depend on how rows were cut or ordered
(counts exactly; moments up to float rounding, see :class:`Moments`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_BINS = 1024
EXACT_BITS = 52
LARGEST = 1e150
_SAMPLE = 8192
_BLOCK = 131072
_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations from the mean (``m2``) of finite numbers.

    Merging follows Chan, Golub, LeVeque (1979). Mean and ``m2`` agree with those computed at once within 1e-9 of the
    scale of the data (``max |x|``, and its square times the count).

    >>> Moments.of(np.array([1.0, 2.0, 3.0])).variance
    1.0
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    @staticmethod
    def of(values: Floats) -> Moments:
        """Moments of finite ``values``; magnitudes above 1e150 are clipped there, so that squares stay finite.

        Clipping depends on the numbers alone, not on whether their squares overflow together: merging stays exact.
        """
        n = int(values.size)
        if n == 0:
            return Moments()
        if max(float(values.max()), -float(values.min())) > LARGEST:
            values = np.clip(values, -LARGEST, LARGEST)
        mean = float(values.mean())
        centred = values - mean
        m2 = float(np.einsum("i,i->", centred, centred))  # not dot: that starts threads, which cost more than they give
        return Moments(n, mean, m2)

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets of numbers together."""
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        delta = other.mean - self.mean
        mean = (self.n * self.mean + other.n * other.mean) / n
        return Moments(n, mean, self.m2 + other.m2 + delta * delta * (self.n * (other.n / n)))

    @property
    def total(self) -> float:
        """Sum of the numbers."""
        return self.mean * self.n

    @property
    def variance(self) -> float:
        """Variance with ``n - 1``; 0 for fewer than two numbers."""
        return self.m2 / (self.n - 1) if self.n > 1 else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation, the root of :attr:`variance`."""
        return float(np.sqrt(self.variance))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts over bins that are the same for every data set: the leading bits of the float64.

    A bin's key is sign, exponent and the first ``bits`` bits of the mantissa, so its width is at most ``2**-bits`` of
    its value. ``bits`` is the largest number at which at most ``MAX_BINS`` bins are occupied: it depends on the union
    of the numbers alone, so merging is exact (uniform collapse after Epicoco et al., UDDSketch, 2020, on the
    log-linear bins of HDR histograms). At ``bits == 52`` every bin is one number: the counts are exact value counts.

    Attributes:
        bits: mantissa bits per key, 52 down to -11 (below 0, exponents are joined too).
        keys: occupied bins, ascending, in the order of the numbers.
        counts: numbers per bin, all positive.
    """

    bits: int
    keys: Ints
    counts: Ints

    @staticmethod
    def empty() -> Histogram:
        """No numbers."""
        none = np.zeros(0, np.int64)
        return Histogram(EXACT_BITS, none, none)

    @staticmethod
    def of(values: Floats, bits: int = EXACT_BITS) -> Histogram:
        """Histogram of finite ``values``; ``bits`` is where to begin, when a coarser answer is known to be needed."""
        if values.size == 0:
            return Histogram.empty()
        if values.size > 4 * _SAMPLE:  # a part of the numbers bounds the bits for all of them, cheaply
            bits = Histogram.of(values[:: values.size // _SAMPLE], bits).bits
        low, high = (int(_keys(np.array([end]), bits)[0]) for end in (values.min(), values.max()))
        if high - low >= max(values.size // 4, 65536):
            found, counts = np.unique(_keys(values, bits), return_counts=True)
            return _collapse(bits, found, counts.astype(np.int64))
        counted = np.zeros(high - low + 1, dtype=np.int64)
        for start in range(0, values.size, _BLOCK):
            keys = _keys(values[start : start + _BLOCK], bits)
            keys -= low
            counted += np.bincount(keys, minlength=counted.size)
        found = np.flatnonzero(counted)
        return _collapse(bits, found + low, counted[found])

    def merge(self, other: Histogram) -> Histogram:
        """Histogram of both sets of numbers together."""
        if not self.keys.size or not other.keys.size:
            return self if self.keys.size else other
        bits = min(self.bits, other.bits)
        joined = np.concatenate([self.keys >> (self.bits - bits), other.keys >> (other.bits - bits)])
        return _collapse(bits, *_add_up(joined, np.concatenate([self.counts, other.counts])))

    @property
    def n(self) -> int:
        """How many numbers were counted."""
        return int(self.counts.sum())

    @property
    def exact(self) -> bool:
        """Whether every bin is a single number, so that counts are exact value counts."""
        return self.bits == EXACT_BITS

    def edges(self) -> tuple[Floats, Floats]:
        """Lowest and highest number of each occupied bin, ascending; equal to each other when :attr:`exact`."""
        shift = EXACT_BITS - self.bits
        negative = self.keys < 0
        magnitude = np.where(negative, ~self.keys, self.keys)
        near = magnitude << shift
        far = near + (np.int64(1) << np.int64(shift)) - 1
        top = np.array(np.finfo(np.float64).max).view(np.int64)
        small, large = near.view(np.float64), np.minimum(far, top).view(np.float64)
        return np.where(negative, -large, small), np.where(negative, -small, large)

    def cdf(self, points: npt.ArrayLike) -> Floats:
        """Share of numbers at or below each point, 0 to 1; inside a bin they are taken as evenly spread."""
        asked = np.asarray(points, dtype=np.float64)
        if not self.keys.size:
            return np.full(asked.shape, np.nan)
        low, high = self.edges()
        before = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.float64)
        bin_at = np.searchsorted(low, asked, side="right") - 1
        inside = np.clip(bin_at, 0, None)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            part = np.where(high[inside] > low[inside], (asked - low[inside]) / (high[inside] - low[inside]), 1.0)
        found = before[inside] + np.clip(part, 0.0, 1.0) * self.counts[inside]
        return np.where(bin_at < 0, 0.0, found / before[-1])

    def quantile(self, shares: npt.ArrayLike) -> Floats:
        """Numbers below which each share (0 to 1) lies; the inverse of :meth:`cdf`, NaN when empty.

        >>> Histogram.of(np.arange(1.0, 101.0)).quantile([0.5, 0.99]).tolist()
        [50.0, 99.0]
        """
        asked = np.asarray(shares, dtype=np.float64)
        if not self.keys.size:
            return np.full(asked.shape, np.nan)
        low, high = self.edges()
        upto = np.cumsum(self.counts).astype(np.float64)
        target = asked * upto[-1]
        at = np.minimum(np.searchsorted(upto, target - 1e-9 * upto[-1]), upto.size - 1)
        part = np.clip((target - (upto[at] - self.counts[at])) / self.counts[at], 0.0, 1.0)
        return np.asarray(low[at] * (1 - part) + high[at] * part, dtype=np.float64)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Histogram)
            and self.bits == other.bits
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]


def _keys(values: Floats, bits: int) -> Ints:
    """Bin keys, in the order of the numbers: the magnitude's leading bits, complemented for negative numbers."""
    raw: Ints = (values + 0.0).view(np.int64)  # + 0.0 turns -0.0 into 0.0
    sign = raw >> 63
    raw &= _MAGNITUDE
    raw ^= sign
    raw >>= EXACT_BITS - bits
    return raw


def _add_up(keys: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """One entry per key, ascending, with the sum of its counts."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts)


def _collapse(bits: int, keys: Ints, counts: Ints) -> Histogram:
    """Halve the resolution until at most ``MAX_BINS`` bins are occupied. ``keys`` ascend and differ.

    Neighbours share a bin once all bits in which they differ are gone: the ``MAX_BINS``-th largest difference of
    neighbours says how many must go.
    """
    if keys.size <= MAX_BINS:
        return Histogram(bits, keys, counts)
    apart = (keys[1:] ^ keys[:-1]).view(np.uint64)
    gone = int(np.partition(apart, apart.size - MAX_BINS)[apart.size - MAX_BINS]).bit_length()
    keys = keys >> gone
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return Histogram(bits - gone, keys[starts], np.add.reduceat(counts, starts))
