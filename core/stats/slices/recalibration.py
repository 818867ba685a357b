"""All scores drawn together, mirrored or spread apart alike: now = a + b * reference mean of the slice, one a and b.

A model whose scores collapse to about 0.5 for everybody moves its low slices up and its high ones down, and yet no
slice changed beyond the rest. So a slice of a real signal is tested against that change too: its mean then, carried
along the line that the *rest* of the rows follow. The line's ``b`` is the slope of the signal on what the rows are
expected to be (:mod:`core.stats.slices.expected`, fitted on one half of the reference's sample), over the same slope
in the other half, so that what the expectation lacks cancels. For each slice the part of both sums of products that
lies between the slice and the rest is taken out (analysis of covariance: the slice has a level of its own): a slice
that moved by itself bends no line that it is held against.

The line counts only where the rest shows that ``b`` is not 1 (:data:`CLEAR` standard errors); its own noise is added
to that of the slice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.stats.slices.expected import Expectation, Sample, fit
from core.stats.slices.sides import Slope, Sums

Numbers = NDArray[np.float64]

CLEAR = 2.0
"""Standard errors from 1 at which ``b`` counts as another slope."""
SEEN = 5.0
"""Standard errors from 0 that the expectation's slope in the reference must have: else the slices hardly differ."""
_LEFT = 0.02
"""Share of the sums of products that is left to the rest at least."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the current rows know of ``b``; all per row, about the means.

    Attributes:
        spread: variance of what the reference expects of the rows; ``common``: its covariance with the signal now.
        noise: variance of the signal about the line, over the rows sampled.
        doubt: variance of the expectation's own slope, relative to its square.
    """

    spread: float
    common: float
    noise: float
    doubt: float

    @property
    def slope(self) -> float | None:
        """``b`` of all rows; None while it may be 1."""
        b = self.common / self.spread
        error = math.sqrt(self.noise / self.spread + b * b * self.doubt)
        return b if abs(b - 1) > CLEAR * error else None

    def beside(self, now: Sums, then: Sums, whole_now: Sums, whole_then: Sums) -> Slope:
        """``b`` of the rows beside each slice, 1 and certain where it may be 1."""
        rest_now, rest_then = whole_now.beyond(now), whole_then.beyond(then)
        share = now.rows / whole_now.rows
        weight = share * (1 - share)
        apart = np.nan_to_num(then.means - rest_then.means)
        moved = np.nan_to_num(now.means - rest_now.means)
        between = np.minimum(weight * apart**2, (1 - _LEFT) * self.spread)
        # where the slice is nearly all there is to expect, its part is taken out as far as the line's sums go
        kept = np.divide(between, weight * apart**2, out=np.ones_like(between), where=weight * apart**2 > 0)
        inside = self.spread - between
        b = (self.common - kept * weight * apart * moved) / inside
        variance = self.noise / inside + b * b * self.doubt
        other = np.abs(b - 1) > CLEAR * np.sqrt(variance)
        return Slope(np.where(other, b, 1.0), np.where(other, variance, 0.0))


def learn_line(now: Sample, then: Sample, sizes: tuple[int, ...]) -> Line | None:
    """The line of two windows' samples; None where the reference's rows are expected to be all the same."""
    rows = len(then.signal)
    half = np.arange(rows) % 2 == 0
    if len(now.signal) < 64 or rows < 128:
        return None
    fitted, held = _part(then, half), _part(then, ~half)
    nothing = _part(fitted, np.zeros(len(fitted.signal), np.bool_))
    model = fit(nothing, fitted, sizes, is_binary=False)
    spread, common, noise = _products(model, held)
    if spread <= 0 or common <= SEEN * math.sqrt(noise * spread / len(held.signal)):
        return None
    c = common / spread
    doubt = noise / (spread * len(held.signal)) / c**2
    spread, common, _ = _products(model, now)
    if spread <= 0:
        return None
    spread, common = c * c * spread, c * common
    residual = max(0.0, float(now.signal.var()) - common * common / spread)
    return Line(spread, common, residual / len(now.signal), doubt)


def _products(model: Expectation, of: Sample) -> tuple[float, float, float]:
    expected = model.of(of.codes)
    expected = expected - expected.mean()
    spread, common = float((expected**2).mean()), float((expected * (of.signal - of.signal.mean())).mean())
    return spread, common, max(0.0, float(of.signal.var()) - (common * common / spread if spread > 0 else 0.0))


def _part(of: Sample, which: NDArray[np.bool_]) -> Sample:
    return Sample(of.on[:, which], of.codes[:, which], of.signal[which])
