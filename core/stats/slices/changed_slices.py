"""Slices ranked by their change against the same slice in the reference, beyond the change elsewhere.

1. Every conjunction of minimum support in the current window is counted in both windows.
2. Each gets a z of its change beyond the rest's (:mod:`core.stats.slices.change`), and from it its evidence, which pays
   for the search (:mod:`core.stats.slices.error_control`).
3. The leaders must also stand out with the mix of rows held (:mod:`core.stats.slices.expected`): the lesser z counts.
4. Forward selection makes different stories of them (:mod:`core.stats.slices.stories`).

No step gives a slice more than its z of step 2, so the error control of step 2 holds for what is reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.stats.intervals import Z95
from core.stats.slices.candidates import Candidates, candidates, tallies
from core.stats.slices.capping import capped
from core.stats.slices.change import Changes, Direction, changes, intervals
from core.stats.slices.error_control import ROWS, Chance, learn
from core.stats.slices.expected import ROWS as FITTED
from core.stats.slices.expected import Expectation, Sample, fit, sample
from core.stats.slices.recalibration import learn_line
from core.stats.slices.search import Found, Slice
from core.stats.slices.sides import Mix, Slope, Sums
from core.stats.slices.stories import Story, ancestors_best, select
from core.stats.slices.table import Literal, Table
from core.stats.stopping import Stop, go_on

Numbers = NDArray[np.float64]

LEADERS = 400
"""Slices whose mix is held and that stories are chosen from."""
FOREMOST = 60
"""Leaders whose parts are looked at too, in case a predicate is to be dropped."""
LEAST_ROWS = 30
"""Rows of a slice now: fewer carry no verdict once thousands of slices were looked at."""
LEAST_REFERENCE = 10
"""Rows of a slice in the reference."""
OF_A_ROW = 0.05
OF_THE_WHOLE = 0.1
"""A change beyond the rest counts from so many standard deviations of a row of the reference, and this share of the
change of the whole, the greater of the two: the same verdict at 500 rows and at 5 million."""
UNCLEAR = 2.0
"""The whole change explains nothing in shares until it is this many standard errors from zero."""


def changed_slices(
    current: Table,
    reference: Table,
    *,
    k: int = 10,
    depth: int = 3,
    support: float = 0.01,
    q: float = 0.05,
    rng: np.random.Generator,
    direction: Direction = "worse",
    cap: float | None = None,
    stop: Stop | None = None,
) -> Found:
    """The ``k`` slices that changed most beyond the rest, different stories, strongest evidence first.

    A slice with a ``q_value`` of at most ``q`` stands out; slices behind are the next best and may be chance.
    ``interval`` is simultaneous over the search: 95 % of the searches are right about every slice. ``z`` and
    ``q_value`` are of what the slices above do not explain, ``score`` is the evidence in nats. ``explained`` is NaN
    while the whole did not change in that direction by ``UNCLEAR`` standard errors: there is nothing to take shares of.

    Args:
        support: least share of the current rows; never fewer than ``LEAST_ROWS``.
        rng: for the rows that a sample takes and for random signs; nothing else is random.
        cap: for real signals with heavy tails: what is beyond this quantile of the reference (0.5 to 1), or under one
            less it, counts as that quantile, in all figures (winsorised). None: as it is.
        stop: asked many times a second whether nobody waits any more.
        direction: ``worse`` looks for a rising signal, ``better`` for a falling one.

    Raises:
        Stopped: ``stop`` said so.
        ValueError: k or depth below 1, support or q outside 0..1, or tables of other columns or kinds of signal.
    """
    if k < 1 or depth < 1 or not 0 <= support <= 1 or not 0 < q < 1:
        raise ValueError("k and depth are at least 1, support is within 0..1, q between 0 and 1")
    if current.sizes != reference.sizes or current.is_binary != reference.is_binary:
        raise ValueError("only tables of the same columns and the same kind of signal compare")
    if cap is not None and not current.is_binary and reference.rows:
        current, reference = capped(current, reference, cap)
    overall, reference_overall = current.mean, reference.mean if reference.rows else None
    if not current.rows or not reference.rows:
        return Found((), 0, 0, overall, reference_overall, False)
    minimum = max(LEAST_ROWS, math.ceil(support * current.rows - 1e-9))
    least = least_effect(current, reference)
    nothing = Found((), 0, 0, overall, reference_overall, False, (minimum, LEAST_REFERENCE), least)
    tried = candidates([current, reference], depth=depth, minimum=minimum, stop=stop)
    go_on(stop)
    then = Sums.counted(reference, tried)
    enough = then.rows >= LEAST_REFERENCE
    if not enough.all():
        tried, then = _take(tried, np.flatnonzero(enough)), then.take(enough)
    if not len(tried):
        return nothing
    both = direction == "both"
    go_on(stop)
    now = Sums.counted(current, tried, tried.rows, tried.totals)
    wholes = Sums.whole(current), Sums.whole(reference)
    samples = sample(current, FITTED, rng), sample(reference, FITTED, rng)
    model = fit(*samples, current.sizes, is_binary=current.is_binary)
    chance = learn(tried, _signed_rows(samples, model, rng), rng, sides=2 if both else 1)
    line = None if current.is_binary else learn_line(*samples, current.sizes)
    slope = line.beside(now, then, *wholes) if line else None
    go_on(stop)
    found, sign = _judged(now, then, wholes, current.is_binary, direction, None, slope)
    found = _that_matter(found, least)
    leaders = _leaders(tried, found.z * sign, chance)
    few = _take(tried, leaders)
    few_now, few_then, few_sign = now.take(leaders), then.take(leaders), sign[leaders]
    mix = _mix(model, current, reference, few)
    slope = slope.take(leaders) if slope else None
    go_on(stop)
    held, _ = _judged(few_now, few_then, wholes, current.is_binary, direction, mix, slope, few_sign)
    lesser = _that_matter(_lesser(_part(found, leaders), held, few_sign), least)
    stories = select(
        current, reference, few, few_now, few_then, lesser, chance, k=k, sign=few_sign, least=least, slope=slope
    )
    slices = tuple(
        _told(current, reference, few, story, chance, _part_mix(mix, story.index), few_sign, slope) for story in stories
    )
    slices = tuple(sorted(slices, key=lambda one: one.q_value > q))  # what stands out comes first
    return replace(
        nothing, slices=slices, candidates=len(tried), evaluated=len(tried),
        stands_out=any(one.q_value <= q for one in slices), slope=line.slope if line else None,
    )  # fmt: skip


def least_effect(current: Table, reference: Table) -> float:
    """The smallest change beyond the rest that counts: ``OF_A_ROW``, ``OF_THE_WHOLE``."""
    spread = math.sqrt(max(0.0, reference.squares / reference.rows - reference.mean**2))
    return max(OF_A_ROW * spread, OF_THE_WHOLE * abs(current.mean - reference.mean))


def change_of(current: Table, reference: Table, literals: Sequence[Literal], *, worse: bool = True) -> Slice:
    """The change of one slice that a person named: nothing was searched, so z and interval are those of one test.

    ``q_value`` is its one-sided p. Without rows on a side ``mean`` is NaN or ``reference_mean`` None, the effect NaN,
    z 0.
    """
    return _described(current, reference, tuple(literals), worse=worse, mix=None, width=Z95)


def _judged(
    now: Sums, then: Sums, wholes: tuple[Sums, Sums], is_binary: bool, direction: Direction, mix: Mix | None,
    slope: Slope | None = None, sign: NDArray[np.int8] | None = None,
) -> tuple[Changes, NDArray[np.int8]]:  # fmt: skip
    """Changes in the direction asked for, of both the stronger; and 1 where a rise is judged, -1 where a fall."""
    sides = [
        changes(now, then, *wholes, is_binary=is_binary, worse=worse, mix=mix, slope=slope)
        for worse in (True, False)
        if direction in ("both", "worse" if worse else "better")
    ]
    if len(sides) == 1:
        return sides[0], np.full(len(now.rows), 1 if direction == "worse" else -1, np.int8)
    rise, fall = sides
    if sign is None:
        sign = np.where(rise.z >= -fall.z, 1, -1).astype(np.int8)
    picked = (np.where(sign > 0, getattr(rise, name), getattr(fall, name)) for name in Changes.__slots__)
    return Changes(*picked), sign


def _that_matter(found: Changes, least: float) -> Changes:
    """Changes beyond the rest that are too small to count are none."""
    return replace(found, z=np.where(np.abs(found.effects) >= least, found.z, 0.0))


def _lesser(raw: Changes, held: Changes, sign: NDArray[np.int8]) -> Changes:
    weaker = held.z * sign < raw.z * sign
    return Changes(*(np.where(weaker, getattr(held, name), getattr(raw, name)) for name in Changes.__slots__))


def _leaders(tried: Candidates, z: Numbers, chance: Chance) -> NDArray[np.int64]:
    """The best slices, without those that say no more than a part of their literals; and the parts of the very best."""
    evidence = chance.evidence(z, (tried.literals >= 0).sum(axis=1))
    places = np.flatnonzero(evidence > ancestors_best(tried, evidence))
    best = places[np.argsort(-evidence[places], kind="stable")[:LEADERS]]
    parts = best[:FOREMOST]
    for _ in range(tried.literals.shape[1] - 1):
        parents = tried.parents[parts].ravel()
        parts = np.unique(np.concatenate([parts, parents[parents >= 0]]))
    return np.unique(np.concatenate([best, parts]))


def _take(tried: Candidates, which: NDArray[np.int64]) -> Candidates:
    """Chosen candidates; a parent that was not chosen is -1."""
    place = np.full(len(tried) + 1, -1, np.int64)
    place[which] = np.arange(len(which))
    return replace(
        tried, literals=tried.literals[which], parents=place[tried.parents[which]], rows=tried.rows[which],
        totals=tried.totals[which],
    )  # fmt: skip


def _part(found: Changes, which: NDArray[np.int64]) -> Changes:
    return Changes(*(getattr(found, name)[which] for name in Changes.__slots__))


def _signed_rows(samples: tuple[Sample, Sample], model: Expectation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Literals of rows drawn, half from each window, in proportion to the variance of their signal."""
    parts = []
    for side in samples:
        expected = model.of(side.codes)
        noise = expected * (1 - expected) if model.is_binary else _capped((side.signal - expected) ** 2)
        total = float(noise.sum())
        if total <= 0:
            continue
        keep = rng.random(len(noise)) < noise * (ROWS / 2 / total)
        parts.append(side.on[:, keep])
    return np.concatenate(parts, axis=1) if parts else np.zeros((samples[0].on.shape[0], 0), np.uint8)


def _capped(squares: Numbers) -> Numbers:
    """A few rows far out must not carry all the noise."""
    return np.minimum(squares, 16 * squares.mean()) if len(squares) else squares


def _mix(model: Expectation, current: Table, reference: Table, few: Candidates) -> Mix:
    means = []
    for table in (current, reference):
        low, step, planes = model.planes(table)
        rows, common = tallies(table, few, planes)
        worth = step * 2.0 ** np.arange(len(planes))
        inside = low * rows + common @ worth
        whole = low * table.rows + sum(
            w * int(np.bitwise_count(p).sum(dtype=np.int64)) for w, p in zip(worth, planes, strict=True)
        )
        outside = table.rows - rows
        means += [inside / np.maximum(rows, 1), (whole - inside) / np.maximum(outside, 1)]
    if model.is_binary:
        means = [np.clip(mean, 1e-6, 1 - 1e-6) for mean in means]
    return Mix(means[0], means[2], means[1], means[3])


def _part_mix(mix: Mix, index: int) -> Mix:
    return Mix(*(getattr(mix, name)[[index]] for name in Mix.__slots__))


def _told(
    current: Table, reference: Table, few: Candidates, story: Story, chance: Chance, mix: Mix, sign: NDArray[np.int8],
    slope: Slope | None,
) -> Slice:  # fmt: skip
    literals = few.of(current, story.index)
    width = chance.critical(0.05, len(literals))
    line = slope.take(np.array([story.index])) if slope else None
    worse = bool(sign[story.index] > 0)
    told = _described(current, reference, literals, worse=worse, mix=mix, width=width, slope=line)
    # What is left of a slice beyond the stories above it says nothing where its own change is none.
    q_value = max(float(chance.q_values(np.array([story.evidence]))[0]), told.q_value)
    return replace(told, z=story.z, q_value=q_value, score=story.evidence)


def _described(
    current: Table, reference: Table, literals: tuple[Literal, ...], *, worse: bool, mix: Mix | None, width: float,
    slope: Slope | None = None,
) -> Slice:  # fmt: skip
    """The slice counted exactly; of the changes with and without the mix held, the lesser."""
    here, there = current.tally(literals), reference.tally(literals)
    squares = (None, None) if current.is_binary else (here.squares, there.squares)
    now, then = Sums.of(here.rows, here.total, squares[0]), Sums.of(there.rows, there.total, squares[1])
    wholes = Sums.whole(current), Sums.whole(reference)
    found = changes(now, then, *wholes, is_binary=current.is_binary, worse=worse, slope=slope)
    if mix is not None:
        held = changes(now, then, *wholes, is_binary=current.is_binary, worse=worse, mix=mix, slope=slope)
        found = _lesser(found, held, np.array([1 if worse else -1], np.int8))
    low, high = intervals(found, now, then, *wholes, is_binary=current.is_binary, z=width, slope=slope)
    z = float(found.z[0])
    return Slice(
        literals, here.rows, here.mean, there.rows, there.mean if there.rows else None, float(found.effects[0]),
        (float(low[0]), float(high[0])), z, 0.5 * math.erfc((z if worse else -z) / math.sqrt(2.0)),
        _explained(now, then, *wholes, worse), z,
    )  # fmt: skip


def _explained(now: Sums, then: Sums, whole_now: Sums, whole_then: Sums, worse: bool) -> float:
    """Share of the whole change of the mean that is the slice's own change; NaN while the whole change is unclear."""
    move = float((whole_now.means - whole_then.means)[0])
    variance = 0.0
    for side in (whole_now, whole_then):
        spread = float((side.squares - side.totals * side.means)[0]) / max(1.0, float(side.rows[0]) - 1)
        variance += spread / float(side.rows[0]) if side.rows[0] else math.inf
    if not then.rows[0] or not now.rows[0] or (move if worse else -move) < UNCLEAR * math.sqrt(variance) or move == 0:
        return math.nan
    own = float((now.totals - now.rows * then.means)[0])
    return own / (move * float(whole_now.rows[0]))
