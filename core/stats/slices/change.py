"""Did a slice change beyond the rest? A z each, least favourable over what "alike" means.

A model that got worse everywhere alike changes no slice beyond the rest. But alike on which scale? The same points,
the same odds, the same factor of the errors, of what was right, or so many answers replaced by a coin: they differ
wherever a slice starts from another level than the rest. Every scale gives what the slice would hold had it changed
like the rest; the highest of these is what it is tested against when worse is sought (the lowest when better is). The
test rejects only when the test of every scale rejects, so its level holds under uniform change on any of them
(intersection-union test, Berger 1982). Where the rest did not change all scales agree, and nothing is lost. No change
at all is one of them: a slice that stayed as it was is not worse because the rest became better.

A 0/1 signal is tested by the signed root of the likelihood ratio of the slice's own 2 x 2 table (window by error)
against the odds ratio of that least favourable change, with half a case of continuity: its normal tail is close to
the conditional exact test's also where ten errors are expected (a Wald z is not). A real signal is tested by Welch's
t, turned into a z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal as Choice

import numpy as np
from numpy.typing import NDArray

from core.stats.intervals import Z95
from core.stats.slices.sides import Mix, Slope, Sums

Numbers = NDArray[np.float64]
Direction = Choice["worse", "better", "both"]

SCALES = ("points", "odds", "factor", "right factor", "coin")
"""Scales of uniform change of a 0/1 error; a real signal has the first, the third where all means are
positive, and the line of the rest (:mod:`core.stats.slices.recalibration`)."""
_TINY = 1e-12
_LENT = 4.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found of every slice, an array a field.

    Attributes:
        expected: mean that the slice would have now had it changed like the rest, least favourable scale.
        moves: what took the slice's mean then to ``expected``: a ratio of odds (0/1), a difference (real).
        effects: mean now less ``expected``, in the unit of the signal; NaN where a side has no rows.
        z: of that effect, standard normal where the slice changed like the rest; 0 where a side has no rows.
    """

    expected: Numbers
    moves: Numbers
    effects: Numbers
    z: Numbers


def changes(
    now: Sums,
    then: Sums,
    whole_now: Sums,
    whole_then: Sums,
    *,
    is_binary: bool,
    worse: bool = True,
    mix: Mix | None = None,
    slope: Slope | None = None,
) -> Changes:
    """Change of every slice beyond the change of the rows outside it.

    Args:
        now, then: the slices in the current window and in the reference.
        whole_now, whole_then: the two windows, of length 1.
        worse: test against the highest of the scales, so that large z means a rise beyond the rest; False: the
            lowest, and large negative z means a fall.
        mix: other kinds of rows than before, in the slice or outside, are no change of either. None: as if the mix had
            stayed.
        slope: of a real signal, the line that the rows beside each slice followed.
    """
    rest_now, rest_then = whole_now.beyond(now), whole_then.beyond(then)
    if is_binary:
        expected, moves, z = _binary(now, then, rest_now, rest_then, worse, mix)
    else:
        expected, moves, z = _real(now, then, rest_now, rest_then, worse, mix, slope)
    known = (now.rows > 0) & (then.rows > 0) & (rest_now.rows > 0) & (rest_then.rows > 0)
    effects = np.where(known, now.means - expected, np.nan)
    return Changes(np.where(known, expected, np.nan), moves, effects, np.where(known, z, 0.0))


def _binary(
    now: Sums, then: Sums, rest_now: Sums, rest_then: Sums, worse: bool, mix: Mix | None
) -> tuple[Numbers, Numbers, Numbers]:
    here, there = _smooth(rest_now), _smooth(rest_then)
    mixing = np.ones_like(now.rows) if mix is None else _odds(mix.now) / _odds(mix.then)
    there = there if mix is None else _shifted(there, _odds(mix.rest_now) / _odds(mix.rest_then))
    pick = np.maximum if worse else np.minimum
    # The slice's level then is estimated with the ratio of odds under test: few rows then borrow from now.
    ratio = mixing  # a slice that did not change at all is not worse, however much better the rest became
    for scale in SCALES:
        level = _smooth(then)
        for _ in range(3):
            tried = _odds(alike(scale, _shifted(level, mixing), there, here)) / _odds(level)
            level = np.clip(_level(now, then, tried), _TINY, 1 - _TINY)
        ratio = pick(ratio, tried)
    level = _level(now, then, ratio)
    half = 0.5 if worse else -0.5
    root = _signed_root(now, then, level, _shifted(level, ratio), half)
    # The rest's change is estimated too: the variances of the two differences add.
    slice_variance = _variance(_smooth(now), now.rows) + _variance(_smooth(then), then.rows)
    rest_variance = _variance(here, rest_now.rows) + _variance(there, rest_then.rows)
    z = root * np.sqrt(slice_variance / (slice_variance + rest_variance))
    return _shifted(then.means, ratio), ratio, z


def alike(scale: str, level: Numbers, there: Numbers, here: Numbers) -> Numbers:
    """The mean of a slice that stood at ``level`` once it changed as the rest did, from ``there`` to ``here``.

    >>> [round(float(alike(scale, np.array(0.3), np.array(0.1), np.array(0.2))), 3) for scale in SCALES]
    [0.4, 0.491, 0.6, 0.378, 0.35]
    """
    if scale == "points":
        found = level + here - there
    elif scale == "odds":
        found = _shifted(level, _odds(here) / _odds(there))
    elif scale == "factor":
        found = level * here / there
    elif scale == "right factor":
        found = 1 - (1 - level) * (1 - here) / (1 - there)
    else:
        far = np.abs(there - 0.5) > 0.05
        found = np.where(
            far, 0.5 + (level - 0.5) * (here - 0.5) / np.where(far, there - 0.5, 1.0), level + here - there
        )
    return np.clip(found, _TINY, 1 - _TINY)


def _level(now: Sums, then: Sums, ratio: Numbers) -> Numbers:
    """Greatest likelihood of a 2 x 2 table under odds ratio ``ratio``: the error rate then, root of a quadratic."""
    total = now.totals + then.totals
    c = ratio - 1.0
    b = now.rows * ratio + then.rows - total * c
    root = np.sqrt(np.maximum(0.0, b * b + 4 * then.rows * c * total))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(b + root > 0, 2 * total / (b + root), 0.0), 0.0, 1.0)


def _signed_root(now: Sums, then: Sums, low: Numbers, high: Numbers, half: float) -> Numbers:
    """Signed root of a 2 x 2 table's deviance from rates ``high`` now and ``low`` then, ``half`` a case nearer."""
    expected = now.rows * high
    moved = now.totals - expected
    step = np.clip(half, np.minimum(0.0, moved), np.maximum(0.0, moved))
    errors, others = now.totals - step, then.totals + step
    deviance = (
        _deviance(errors, expected)
        + _deviance(now.rows - errors, now.rows - expected)
        + _deviance(others, then.rows * low)
        + _deviance(then.rows - others, then.rows - then.rows * low)
    )
    return np.asarray(np.sign(moved - step) * np.sqrt(np.maximum(0.0, 2 * deviance)), dtype=np.float64)


def _deviance(seen: Numbers, expected: Numbers) -> Numbers:
    ratio = np.maximum(seen, _TINY) / np.maximum(expected, _TINY)
    return np.asarray(np.where(seen > 0, seen * np.log(ratio), 0.0), dtype=np.float64)


def _real(
    now: Sums, then: Sums, rest_now: Sums, rest_then: Sums, worse: bool, mix: Mix | None, slope: Slope | None
) -> tuple[Numbers, Numbers, Numbers]:
    level, here, there = (np.nan_to_num(side.means) for side in (then, rest_now, rest_then))
    if mix is not None:
        level, there = level + mix.now - mix.then, there + mix.rest_now - mix.rest_then
    expected = level + here - there
    positive = (level > 0) & (here > 0) & (there > 0)
    factor = level * here / np.where(positive, there, 1.0)
    pick = np.maximum if worse else np.minimum
    expected = pick(level, np.where(positive, pick(expected, factor), expected))
    parts = _noises(now, then, rest_now, rest_then, slope)
    if slope is not None:
        expected = pick(expected, here + slope.b * (level - there))
    sides = ((now, rest_now), (then, rest_then), (rest_now, rest_now), (rest_then, rest_then))
    variance = np.asarray(sum(parts))
    freedom = variance**2 / np.maximum(
        sum(v * v / (side.rows + _LENT) for v, (side, _) in zip(parts, sides, strict=False)), 1e-300
    )
    moved = np.nan_to_num(now.means) - expected
    certain = np.abs(moved) > 1e-9 * np.maximum(1.0, np.abs(expected))
    t = np.where(
        variance > 0, moved / np.sqrt(np.maximum(variance, 1e-300)), np.where(certain, np.sign(moved) * 38.0, 0)
    )
    return expected, expected - then.means, _normal(t, np.maximum(freedom, 1.0))


def _noises(now: Sums, then: Sums, rest_now: Sums, rest_then: Sums, slope: Slope | None) -> list[Numbers]:
    """Variances of the four means, and of the line that the slice is held against, of the least certain null."""
    sides = ((now, rest_now), (then, rest_then), (rest_now, rest_now), (rest_then, rest_then))
    parts = [_spread(side, rest) / np.maximum(side.rows, 1.0) for side, rest in sides]
    if slope is None:
        return parts
    steeper = np.maximum(1.0, slope.b**2)
    apart = np.nan_to_num(then.means - rest_then.means)
    return [parts[0], steeper * parts[1], parts[2], steeper * parts[3], slope.variance * apart**2]


def _spread(side: Sums, rest: Sums) -> Numbers:
    """Variance of a row, the slice's own with ``_LENT`` rows of the rest's: three equal rows prove no certainty."""
    own = np.maximum(0.0, side.squares - np.nan_to_num(side.totals * side.means))
    others = np.maximum(0.0, rest.squares - np.nan_to_num(rest.totals * rest.means)) / np.maximum(rest.rows - 1, 1.0)
    return (own + _LENT * others) / np.maximum(side.rows - 1 + _LENT, 1.0)


def _normal(t: Numbers, freedom: Numbers) -> Numbers:
    """Student's t as a z of the same tail, to 0.1 in z at 10 degrees and closer beyond (Wallace 1959).

    >>> _normal(np.array([4.587]), np.array([10.0])).round(2).tolist()  # a tail of 0.0005
    [3.28]
    """
    shrunk = (8 * freedom + 1) / (8 * freedom + 3)
    return np.sign(t) * shrunk * np.sqrt(freedom * np.log1p(t * t / freedom))


def intervals(
    found: Changes, now: Sums, then: Sums, whole_now: Sums, whole_then: Sums, *, is_binary: bool, z: float = Z95,
    slope: Slope | None = None,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    """Low and high ends of the effects, ``z`` standard errors each way (the search's z makes them simultaneous).

    0/1: each rate's Wilson interval, their distances added as squares (Newcombe 1998, method 10; MOVER), the level of
    the reference carried through the odds ratio of the rest, whose own noise is the third square. Real: Welch's. NaN
    without rows.
    """
    rest_now, rest_then = whole_now.beyond(now), whole_then.beyond(then)
    sides = (now, then, rest_now, rest_then)
    if not is_binary:
        half = z * np.sqrt(sum(_noises(*sides, slope)))
        return found.effects - half, found.effects + half
    low_now, high_now = _wilson(now, z)
    low_then, high_then = _wilson(then, z)
    expected, ratio = found.expected, found.moves
    noise = z * z * (_variance(_smooth(sides[2]), sides[2].rows) + _variance(_smooth(sides[3]), sides[3].rows))
    below = (now.means - low_now) ** 2 + np.maximum(0.0, _shifted(high_then, ratio) - expected) ** 2 + noise
    above = (high_now - now.means) ** 2 + np.maximum(0.0, expected - _shifted(low_then, ratio)) ** 2 + noise
    return found.effects - np.sqrt(below), found.effects + np.sqrt(above)


def _wilson(side: Sums, z: float) -> tuple[Numbers, Numbers]:
    n, p = np.maximum(side.rows, 1.0), np.nan_to_num(side.means)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(np.maximum(0.0, p * (1 - p) / n + z * z / (4 * n * n)))
    return np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)


def _smooth(side: Sums) -> Numbers:
    """Error rate, half an error and half a right answer added: never 0 nor 1."""
    return (side.totals + 0.5) / (side.rows + 1.0)


def _variance(rate: Numbers, rows: Numbers) -> Numbers:
    return rate * (1 - rate) / np.maximum(rows, 1.0)


def _odds(rate: Numbers) -> Numbers:
    return rate / (1 - rate)


def _shifted(rate: Numbers, ratio: Numbers) -> Numbers:
    """The rate whose odds are ``ratio`` times those of ``rate``."""
    return rate * ratio / (1 - rate + rate * ratio)


def difference(one: Sums, other: Sums, *, is_binary: bool, width: float = Z95) -> tuple[float, float, float]:
    """Z of the difference of the means of two sets of rows (each of length 1), and the ends of its interval.

    0/1: signed root of the likelihood ratio and Newcombe's interval; real: Welch. Zeros where a side has no rows.

    >>> [round(part, 3) for part in difference(Sums.of(100, 20), Sums.of(900, 90), is_binary=True)]
    [2.647, 0.03, 0.191]
    """
    if not one.rows[0] or not other.rows[0]:
        return 0.0, 0.0, 0.0
    means = one.means, other.means
    apart = float((means[0] - means[1])[0])
    if is_binary:
        level = _level(one, other, np.ones(1))
        z = float(_signed_root(one, other, level, level, 0.5 if apart > 0 else -0.5)[0])
        (low, high), (least, most) = _wilson(one, width), _wilson(other, width)
        below = math.hypot(float((means[0] - low)[0]), float((most - means[1])[0]))
        above = math.hypot(float((high - means[0])[0]), float((means[1] - least)[0]))
        return z, apart - below, apart + above
    parts = _spread(one, other) / one.rows, _spread(other, one) / other.rows
    error = math.sqrt(float((parts[0] + parts[1])[0]))
    if error == 0.0:
        return 0.0, apart, apart
    freedom = error**4 / float((parts[0] ** 2 / (one.rows + _LENT) + parts[1] ** 2 / (other.rows + _LENT))[0])
    z = float(_normal(np.array([apart / error]), np.array([max(1.0, freedom)]))[0])
    return z, apart - width * error, apart + width * error
