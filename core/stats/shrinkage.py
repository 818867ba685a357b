"""What is left of an offline gain at the end: learned from pairs of offline and later gains, both measured with error.

The model, per experiment, in any common unit of gains (callers divide by the least worthwhile gain)::

    x = theta + N(0, s^2)        what offline said              theta ~ N(mu, omega^2)   over all ideas tried
    y = beta_i theta + N(0, t^2) what a later stage said        beta_i ~ N(beta, tau^2)  the shrinkage, spread by tau

``x`` of *every* idea that was measured offline fixes ``mu`` and ``omega``, those that were killed among them: given
``x``, it then does not matter that only large ``x`` went on (the winner's curse: a ratio of measured gains has it,
``beta`` has not). Flat priors on ``mu``, ``omega`` and ``beta`` (-1 to 2), half-normal(0.35) on ``tau``; the posterior
is summed over a grid, so the same history gives the same bits. Structural errors-in-variables: Fuller (1987),
*Measurement Error Models*, section 1.2. Products of normals are taken as normal with the right mean and variance.

Survival has a Beta prior worth :data:`PRIOR_CASES` cases a step: of ideas 40 to 50 % make the first launch, and half of
those are dropped later. Own cases outweigh it soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MINIMUM_CASES = 8
"""Pairs under which nothing is said."""

PRIOR_CASES = 10.0
PRIOR_LAUNCH = 0.45
PRIOR_KEPT = 0.5

_BETA = np.linspace(-1.0, 2.0, 121)
_TAU = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0])
_OMEGAS, _MUS = 14, 5
_KEPT_NODES = 800
_STEPS = 199


@dataclass(frozen=True, slots=True)
class Case:
    """One idea: its offline gain with the standard error, and the later ones where it got there."""

    offline: float
    offline_se: float
    later: float | None = None
    later_se: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """What a history says.

    Attributes:
        pairs: cases that it rests on; ``ideas`` had an offline gain at all.
        ratio: what is left of a true offline gain, on average over ideas; the median of the posterior.
        spread: standard deviation of that from idea to idea.
        nodes: mu, omega, beta and tau of the posterior, one column a node; ``weights`` sum up to 1.
    """

    pairs: int
    ideas: int
    ratio: Estimate
    spread: float
    nodes: Array
    weights: Array


@dataclass(frozen=True, slots=True)
class Survival:
    """Chances to make the first launch and to stay after it, as Beta distributions: pseudo counts of yes and no."""

    launch: tuple[float, float]
    kept: tuple[float, float]

    @property
    def mean(self) -> float:
        """The chance that an idea is there at the end."""
        return _mean(self.launch) * _mean(self.kept)


@dataclass(frozen=True, slots=True)
class EndValue:
    """What an idea is worth at the end, in the unit of its offline gain.

    Attributes:
        expected: offline gain x shrinkage x survival, with its interval.
        if_kept: the same without survival: what it brings where it stays.
        survival: the chance to stay.
    """

    expected: Estimate
    if_kept: Estimate
    survival: float


def learn(cases: Sequence[Case]) -> Shrinkage | None:
    """The shrinkage of a history; None under :data:`MINIMUM_CASES` pairs.

    Raises:
        ValueError: a number is none, or a standard error is not above 0.
    """
    x = np.array([case.offline for case in cases])
    s = np.array([case.offline_se for case in cases])
    pairs = [case for case in cases if case.later is not None and case.later_se is not None]
    if len(pairs) < MINIMUM_CASES:
        return None
    y = np.array([case.later for case in pairs], dtype=np.float64)
    t = np.array([case.later_se for case in pairs], dtype=np.float64)
    if not (np.isfinite([*x, *s, *y, *t]).all() and (s > 0).all() and (t > 0).all()):
        raise ValueError("gains are finite numbers and standard errors are above 0")
    unit = float(np.median(np.maximum(np.abs(x), s)))  # so that products of variances stay in range
    x, s, y, t = x / unit, s / unit, y / unit, t / unit
    mu, omega, weight = _ideas(x, s)
    later = np.array([case.later is not None and case.later_se is not None for case in cases])
    m, v = _shrunk(x[later], s[later], mu, omega)  # pairs x nodes
    beta, tau = _BETA[:, None], _TAU[None, :]
    log = np.broadcast_to(weight[:, None, None], (mu.size, _BETA.size, _TAU.size)).copy()
    product = np.ones_like(log)
    for place in range(len(pairs)):  # a loop over pairs keeps the arrays small
        mean, variance = m[place][:, None, None], v[place][:, None, None]
        total = beta**2 * variance + tau**2 * (mean**2 + variance) + t[place] ** 2
        log -= 0.5 * (y[place] - beta * mean) ** 2 / total
        product *= total
        if place % 8 == 7 or place == len(pairs) - 1:  # one logarithm for eight factors, which stay in range
            log -= 0.5 * np.log(product)
            product.fill(1.0)
    log += -0.5 * (_TAU / 0.35) ** 2 + np.log(_widths(_TAU))
    density = np.exp(log - log.max())
    density /= density.sum()
    flat = density.ravel()
    best = np.sort(np.argpartition(flat, -_KEPT_NODES)[-_KEPT_NODES:])
    where = np.unravel_index(best, density.shape)
    over_beta = density.sum(axis=(0, 2))
    return Shrinkage(
        pairs=len(pairs),
        ideas=len(cases),
        ratio=Estimate(*(_grid_quantile(_BETA, over_beta, q) for q in (0.5, 0.025, 0.975))),
        spread=float(density.sum(axis=(0, 1)) @ _TAU),
        nodes=np.stack([unit * mu[where[0]], unit * omega[where[0]], _BETA[where[1]], _TAU[where[2]]]),
        weights=flat[best] / flat[best].sum(),
    )


def survival(*, launched: int, decided: int, kept: int, followed: int) -> Survival:
    """The posterior of both chances: ``launched`` of ``decided`` ideas, ``kept`` of ``followed`` launched ones.

    Raises:
        ValueError: more of a part than of the whole, or below 0.

    >>> survival(launched=0, decided=0, kept=0, followed=0)
    Survival(launch=(4.5, 5.5), kept=(5.0, 5.0))
    >>> round(survival(launched=30, decided=100, kept=27, followed=30).mean, 3)
    0.251
    """
    if not (0 <= launched <= decided and 0 <= kept <= followed):
        raise ValueError(f"{launched} of {decided} and {kept} of {followed} are no counts")
    a, b = PRIOR_CASES * PRIOR_LAUNCH, PRIOR_CASES * PRIOR_KEPT
    return Survival((a + launched, PRIOR_CASES - a + decided - launched), (b + kept, PRIOR_CASES - b + followed - kept))


def predict(learned: Shrinkage, chances: Survival, case: Case, *, launched: bool = False) -> EndValue:
    """What an idea will be worth at the end.

    Args:
        case: its offline gain; a later one, where there is one, says more.
        launched: it has made the first launch: only the chance to stay counts.
    """
    mu, omega, beta, tau = learned.nodes
    m, v = _shrunk(np.array([case.offline]), np.array([case.offline_se]), mu, omega)
    mean, variance = beta * m[0], beta**2 * v[0] + tau**2 * (m[0] ** 2 + v[0])
    if case.later is not None and case.later_se is not None:
        share = variance / (variance + case.later_se**2)
        mean, variance = mean + share * (case.later - mean), variance * (1 - share)
    # A node may be sure of itself: its normal gets a width that is nothing beside the rest.
    least = max(1e-12 * float(learned.weights @ (variance + mean**2)), 1e-300)
    left = _mixture_points(mean, np.sqrt(np.maximum(variance, least)), learned.weights)
    steps = [chances.kept] if launched else [chances.launch, chances.kept]
    stay = np.ones(1)
    for step in steps:
        stay = np.sort(np.outer(stay, _beta_points(*step)).ravel())
        stay = stay[(np.arange(99) * stay.size + stay.size // 2) // 99] if stay.size > 99 else stay
    chance = float(np.prod([_mean(step) for step in steps]))
    middle = float(learned.weights @ mean)
    low, high = np.quantile(np.outer(left, stay).ravel(), [0.025, 0.975])
    return EndValue(
        expected=Estimate(middle * chance, float(low), float(high)),
        if_kept=Estimate(middle, *(float(q) for q in np.quantile(left, [0.025, 0.975]))),
        survival=chance,
    )


def _ideas(x: Array, s: Array) -> tuple[Array, Array, Array]:
    """Nodes over ``mu`` and ``omega`` with their log weights: the marginal likelihood of every offline gain."""
    scale = max(float(np.std(x)), float(np.median(s)))
    grid = np.linspace(0.0, 3.0 * scale, _OMEGAS)
    points, shares = np.polynomial.hermite_e.hermegauss(_MUS)
    total = grid[:, None] ** 2 + s[None, :] ** 2
    precision = (1 / total).sum(axis=1)
    centre = (x / total).sum(axis=1) / precision
    log = -0.5 * (((x - centre[:, None]) ** 2 / total).sum(axis=1) + np.log(total).sum(axis=1) + np.log(precision))
    mu = centre[:, None] + points[None, :] / np.sqrt(precision)[:, None]
    weight = log[:, None] + np.log(shares / shares.sum())[None, :] + np.log(_widths(grid))[:, None]
    keep = weight > weight.max() - 12.0
    omega = np.broadcast_to(grid[:, None], mu.shape)
    return mu[keep], omega[keep], weight[keep]


def _shrunk(x: Array, s: Array, mu: Array, omega: Array) -> tuple[Array, Array]:
    """Mean and variance of the true offline gains given the measured ones, a row a case and a column a node."""
    share = omega[None, :] ** 2 / (omega[None, :] ** 2 + s[:, None] ** 2)
    return mu[None, :] + share * (x[:, None] - mu[None, :]), share * s[:, None] ** 2


def _widths(grid: Array) -> Array:
    """The share of the axis that each point of a grid stands for."""
    edges = np.concatenate([grid[:1], (grid[1:] + grid[:-1]) / 2, grid[-1:]])
    return np.diff(edges)


def _grid_quantile(grid: Array, density: Array, q: float) -> float:
    return float(np.interp(q, np.cumsum(density) - density / 2, grid))


def _mixture_points(mean: Array, sd: Array, weights: Array) -> Array:
    """Equally likely points of a mixture of normals."""
    from scipy.special import ndtr

    low, high = float((mean - 5 * sd).min()), float((mean + 5 * sd).max())
    # Most of the mass is in the middle: the grid is dense where the mixture's own moments say so.
    centre = float(weights @ mean)
    width = float(np.sqrt(weights @ (sd**2 + (mean - centre) ** 2)))
    grid = np.unique(np.clip(centre + width * np.linspace(-8.0, 8.0, 201), low, high))
    chance = ndtr((grid[:, None] - mean[None, :]) / sd[None, :]) @ weights
    return np.interp((np.arange(_STEPS) + 0.5) / _STEPS, chance, grid)


def _beta_points(yes: float, no: float) -> Array:
    """Equally likely points of a Beta distribution."""
    from scipy.special import betaincinv

    points: Array = betaincinv(yes, no, (np.arange(25) + 0.5) / 25)
    return points


def _mean(counts: tuple[float, float]) -> float:
    return counts[0] / (counts[0] + counts[1])
