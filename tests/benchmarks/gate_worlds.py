"""Made traffic for the benchmarks of gates: counts and numbers of two arms, look by look, for many rollouts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]
CANARY, CONTROL = 50, 450
"""Units of a look of numbers, by arm."""


@dataclass(frozen=True)
class World:
    """Units of both arms and the control's error rate in each look; the candidate's odds are ``odds_ratio`` times."""

    name: str
    canary: Counts
    control: Counts
    rate: Floats
    odds_ratio: float = 1.0

    @property
    def looks(self) -> int:
        """How many."""
        return self.rate.size

    def events(self, rng: np.random.Generator, rollouts: int) -> tuple[Counts, Counts]:
        """Events of the candidate and of the control: one row a rollout, one column a look."""
        worse = self.odds_ratio * self.rate / (1 - self.rate + self.odds_ratio * self.rate)
        shape = (rollouts, self.looks)
        return rng.binomial(self.canary, worse, shape), rng.binomial(self.control, self.rate, shape)

    def blocks(self, seed: int, rollouts: int) -> Iterator[tuple[Counts, Counts]]:
        """The rollouts in blocks that fit into memory, the same ones whatever the machine."""
        most = max(1, min(200, 60_000 // self.looks))
        rng = np.random.default_rng(seed)
        for start in range(0, rollouts, most):
            yield self.events(rng, min(most, rollouts - start))


def flat(name: str, canary: int, control: int, rate: float, looks: int, odds_ratio: float = 1.0) -> World:
    """Every look as the one before."""
    return World(name, np.full(looks, canary), np.full(looks, control), np.full(looks, rate), odds_ratio)


def worlds(looks: int = 300) -> list[World]:
    """Where a candidate is as good as its baseline."""
    day = 1 + 0.5 * np.sin(2 * np.pi * np.arange(looks) / 100)
    third = np.repeat([0, 1, 2], [looks // 3, looks // 3, looks - 2 * (looks // 3)])
    share = np.array([10, 100, 500])[third]
    drift = np.linspace(0.02, 0.06, looks)
    traffic = np.rint(1_000 * day[::-1]).astype(np.int64)
    return [
        flat("constant: 5 %, 100 + 900 a look", 100, 900, 0.05, looks),
        flat("rare: 0.1 %, 100 + 9,900 a look", 100, 9_900, 0.001, looks),
        World(
            "diurnal: 2.5 to 7.5 %, 50 to 150 + 450 to 1,350 a look", traffic // 10, traffic - traffic // 10, 0.05 * day
        ),
        World("ramp: 1, 10, 50 % of 1,000 a look, base drifting 2 to 6 %", share, 1_000 - share, drift),
        flat("arms alike: 30 %, 50 + 50 a look", 50, 50, 0.3, looks),
    ]


def arrivals(
    rng: np.random.Generator, rollouts: int, looks: int, delay: float
) -> tuple[World, Counts, Counts, Counts, Counts]:
    """Conversions (5 %) that come ``delay`` looks after exposure on average, in a ramp of 1, 10, 50 %.

    Answers with the world, conversions by look of exposure (candidate, control), and by look of arrival.
    """
    world = worlds(looks)[3]
    world = World(world.name, world.canary, world.control, np.full(looks, 0.05))
    wait = np.exp(-np.arange(looks) / delay) * (1 - np.exp(-1 / delay))
    by_exposure = world.events(rng, rollouts)
    by_arrival = []
    for made in by_exposure:
        came = np.zeros_like(made)
        left, after = made.copy(), 1.0
        for gap in range(looks):
            now = rng.binomial(left[:, : looks - gap], min(1.0, wait[gap] / after))
            came[:, gap:] += now
            left[:, : looks - gap] -= now
            after -= float(wait[gap])
        by_arrival.append(came)
    return world, *by_exposure, *by_arrival


@dataclass(frozen=True)
class Law:
    """What a unit of the control, and one of the candidate, is drawn from; ``cap`` as a quantile of the control's."""

    name: str
    control: Draw
    canary: Draw | None = None
    cap: float | None = None
    drift: float = 0.0

    def settled(self) -> tuple[float, float, float]:
        """Mean, standard deviation and cap, from a reference of a million."""
        sample = self.control(np.random.default_rng(0), (1_000_000,))
        cap = math.inf if self.cap is None else float(np.quantile(sample, self.cap))
        held = np.minimum(sample, cap)
        return float(held.mean()), float(held.std()), cap

    def blocks(self, seed: int, rollouts: int, looks: int, scale: float = 1.0) -> Iterator[tuple[Floats, Floats]]:
        """Numbers of both arms: rollouts x looks x units; the candidate's are ``scale`` times as large."""
        rng, cap = np.random.default_rng(seed), self.settled()[2]
        level = np.linspace(1.0, 1.0 + self.drift, looks)[:, None]
        size = max(1, 2_000 // looks)
        for start in range(0, rollouts, size):
            n = min(size, rollouts - start)
            y = scale * level * (self.canary or self.control)(rng, (n, looks, CANARY))
            z = level * self.control(rng, (n, looks, CONTROL))
            yield np.minimum(y, cap), np.minimum(z, cap)


def lognormal(sigma: float) -> Draw:
    """Lognormal numbers of mean 1."""
    return lambda rng, shape: rng.lognormal(-sigma * sigma / 2, sigma, shape)


def gamma(form: float) -> Draw:
    """Gamma numbers of mean 1."""
    return lambda rng, shape: rng.gamma(form, 1 / form, shape)


def revenue(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """3 % buy, for a lognormal sum."""
    return np.where(rng.random(shape) < 0.03, rng.lognormal(3.0, 1.0, shape), 0.0)


LAWS = (
    Law("gamma", gamma(2.0)),
    Law("gamma, four times the variance in the candidate", gamma(2.0), gamma(0.5)),
    Law("lognormal, sigma 1", lognormal(1.0)),
    Law("lognormal, sigma 1 and 1.2 in the candidate", lognormal(1.0), lognormal(1.2)),
    Law("lognormal, sigma 2", lognormal(2.0)),
    Law("lognormal, sigma 2, capped at p99", lognormal(2.0), cap=0.99),
    Law("revenue, 3 % buy", revenue),
    Law("revenue, 3 % buy, capped at p99.8", revenue, cap=0.998),
    Law("gamma, base drifting to twice as much", gamma(2.0), drift=1.0),
)
