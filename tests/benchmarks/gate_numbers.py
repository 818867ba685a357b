"""Gates on numbers, on clumped rows and on the traffic split: false alarms and looks to detect, over made rollouts.

``python tests/benchmarks/gate_numbers.py [--quick] [--json] [--seed N]``; seeded, on one core; one JSON object a line.
--quick: a tenth of the rollouts. Every rate comes with its standard error.

- A/A of means: 50 + 450 units a look, 100 looks (300 for the unequal variances), alpha 5 %, laws from gamma to revenue
  of which 97 % are zeros. "Up" alarms from the first look; "down" from 2,000 candidate units on, as a rule must ask
  for, and without that, to show why.
- A/A of ranks, of means with a covariate, and of pairs.
- Looks to detect 10 % more, by means, capped means, ranks.
- Controls that must fail: Welch's test at each look; requests counted one by one where a user has many.
- The traffic split: 1,000 looks of a fair one, and units until a wrong one is found; chi-squared at each look fails.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402
from gates import ALPHA, BOTH, error, first, loud, quiet  # noqa: E402

from core.stats.gates import ranks  # noqa: E402
from core.stats.gates.means import TAU, Means, Sums  # noqa: E402
from core.stats.gates.odds import GRID  # noqa: E402
from core.stats.gates.paths import harm_path, mean_scores, mixture_path, rank_scores  # noqa: E402
from core.stats.gates.planner import smallest_change  # noqa: E402
from core.stats.gates.split import Split  # noqa: E402

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]
NEEDED = -math.log(ALPHA)
CANARY, CONTROL, BURN = 50, 450, 2_000


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


def main() -> None:
    """Print one figure a line."""
    parser = argparse.ArgumentParser(description="Gates on numbers, clumped rows and the traffic split.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="always so: one object a line")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rollouts = 200 if given.quick else 2_000
    for law in LAWS:
        means_quiet(law, rollouts, given.seed)
    for law in (LAWS[2], LAWS[6]):
        ranks_quiet(law, rollouts, given.seed)
    for law in (LAWS[0], LAWS[2], LAWS[4], LAWS[5], LAWS[7]):
        detect(law, rollouts // 10, given.seed)
    for rho in (0.0, 0.5, 0.7, 0.9):
        covariates(rho, rollouts // 5, given.seed)
    paired(rollouts // 5, given.seed)
    clumps(rollouts, given.seed)
    split(rollouts // 4, given.seed)


def sums(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Units, sum and sum of squares of each look."""
    total, squares = values.sum(axis=-1), np.einsum("...i,...i->...", values, values)
    return np.full(values.shape[1], float(values.shape[-1])), total, squares


def means_quiet(law: Law, rollouts: int, seed: int) -> None:
    """How many harmless candidates are ever accused, by direction."""
    looks, tau, burn = (300 if law.canary else 100), TAU * law.settled()[1], BURN // CANARY - 1
    hits: dict[str, int] = {"up": 0, "down": 0, "down at once": 0, "Welch": 0}
    for y, z in law.blocks(seed, rollouts, looks):
        score, information = mean_scores(sums(y), sums(z))
        up, down = mixture_path(score, information, tau) >= NEEDED, mixture_path(-score, information, tau) >= NEEDED
        hits["up"] += int(up.any(axis=1).sum())
        hits["down"] += int(down[:, burn:].any(axis=1).sum())
        hits["down at once"] += int(down.any(axis=1).sum())
        hits["Welch"] += int((-score > 1.645 * np.sqrt(information)).any(axis=1).sum())
    for harm in BOTH:
        after = "" if harm == "up" else ", from 2,000 units on"
        quiet(f"A/A mean, {law.name}, {looks} looks, harm {harm}{after}", hits[harm] / rollouts, rollouts)
    trap(f"mean, {law.name}, harm down without a least number of units", hits["down at once"] / rollouts, rollouts)
    if law is LAWS[2]:
        loud("Welch's test at each look, lognormal, sigma 1, harm down", hits["Welch"] / rollouts, rollouts, 0.20)


def trap(name: str, share: float, n: int) -> None:
    """What is said in the documents, and has no goal."""
    unit = f"% of {n:,} rollouts, se {100 * error(share, n):.2f}"
    show(Figure(f"gate trap: {name}", 100 * share, unit, "5 % claimed", share / ALPHA, "-", None))


def areas(y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Chance of the larger number, and ties, of each look."""
    both = np.concatenate([y, z], axis=-1)
    n_c, n_b, n = y.shape[-1], z.shape[-1], both.shape[-1]
    order = np.argsort(both, axis=-1, kind="stable")
    ordered = np.take_along_axis(both, order, axis=-1)
    new = np.concatenate([np.ones((*both.shape[:-1], 1), bool), ordered[..., 1:] > ordered[..., :-1]], axis=-1)
    place = np.arange(n)
    begin = np.maximum.accumulate(np.where(new, place, 0), axis=-1)
    last = np.concatenate([new[..., 1:], np.ones((*both.shape[:-1], 1), bool)], axis=-1)
    end = np.minimum.accumulate(np.where(last, place, n)[..., ::-1], axis=-1)[..., ::-1]
    rank, size = (begin + end) / 2 + 1, (end - begin + 1).astype(float)
    ranked = np.where(order < n_c, rank, 0.0).sum(axis=-1)
    return (ranked - n_c * (n_c + 1) / 2) / (n_c * n_b), (size**2 - 1).sum(axis=-1) / (n * (n - 1))


def rank_path(y: Floats, z: Floats, sign: float = 1.0) -> Floats:
    """Evidence of the rank test after each look."""
    looks = y.shape[1]
    auc, ties = areas(y, z)
    score, information = rank_scores(np.full(looks, float(CANARY)), np.full(looks, float(CONTROL)), auc, ties)
    return mixture_path(sign * score, information, ranks.TAU)


def ranks_quiet(law: Law, rollouts: int, seed: int) -> None:
    """Ranks need no least number of units."""
    for harm, sign in zip(BOTH, (1.0, -1.0), strict=True):
        hit = [(rank_path(y, z, sign) >= NEEDED).any(axis=1) for y, z in law.blocks(seed, rollouts, 100)]
        quiet(f"A/A ranks, {law.name}, 100 looks, harm {harm}", float(np.concatenate(hit).mean()), rollouts)


def detect(law: Law, rollouts: int, seed: int) -> None:
    """Median looks until 10 % more is found, of 100; and the change that half of all rollouts of 100 looks find."""
    mean, sd, _ = law.settled()
    by_mean, by_rank = [], []
    for y, z in law.blocks(seed, rollouts, 100, scale=1.1):
        by_mean.append(first(mixture_path(*mean_scores(sums(y), sums(z)), TAU * sd) >= NEEDED))
        by_rank.append(first(rank_path(y, z) >= NEEDED))
    least = smallest_change(mean, sd, 100 * CANARY, ALPHA, CANARY / (CANARY + CONTROL))
    for name, took in (("mean", np.concatenate(by_mean)), ("ranks", np.concatenate(by_rank))):
        found = float(np.mean(took < math.inf))
        median = float(np.median(took))
        unit = f"looks, median; {100 * found:.0f} % of {rollouts:,} rollouts within 100 looks"
        against = f"the planner: 100 looks find {100 * least:.0f} % more by the mean, in half of all cases"
        value = median if math.isfinite(median) else 101.0
        show(Figure(f"gate looks to detect 10 % more, {law.name}, {name}", value, unit, against, None, "-", None))


def arm(y: Floats, x: Floats) -> Sums:
    """Sums of one arm in one look."""
    held = (y.sum(), y @ y, x.sum(), x @ x, x @ y)
    names = ("total", "squares", "covariate", "covariate_squares", "product")
    return SimpleNamespace(n=y.size, **dict(zip(names, map(float, held), strict=True)))


def covariates(rho: float, rollouts: int, seed: int) -> None:
    """A covariate that correlates by ``rho``: false alarms in both directions, looks to detect a tenth of an sd."""
    rng = np.random.default_rng(seed)
    alarms, took = {"up": 0, "down": 0}, []
    for true in (0.0, 0.1):
        for _ in range(rollouts):
            means, alarmed, at = Means.empty(sd=1.0, covariate=True), {"up": False, "down": False}, math.inf
            for look in range(100):
                x, v = rng.normal(size=CANARY), rng.normal(size=CONTROL)
                y = true + rho * x + math.sqrt(1 - rho * rho) * rng.normal(size=CANARY)
                z = rho * v + math.sqrt(1 - rho * rho) * rng.normal(size=CONTROL)
                means = means.add(arm(y, x), arm(z, v))
                if true == 0.0:
                    for harm in BOTH:
                        alarmed[harm] = alarmed[harm] or means.log_harm(harm) >= NEEDED
                elif means.log_harm() >= NEEDED:
                    at = look + 1.0
                    break
            took += [at] if true else []
            for harm in BOTH:
                alarms[harm] += alarmed[harm]
    for harm in BOTH:
        quiet(f"A/A mean with a covariate, rho {rho:g}, 100 looks, harm {harm}", alarms[harm] / rollouts, rollouts)
    median = float(np.median(took))
    name = f"gate looks to detect 0.1 sd, covariate of rho {rho:g}, median"
    show(Figure(name, median, f"looks, {rollouts} rollouts", "rho 0", None, "-", None))


def paired(rollouts: int, seed: int) -> None:
    """Differences of two answers to the same request, skewed, of mean 0."""
    rng, hits = np.random.default_rng(seed), 0
    for _ in range(rollouts):
        means, alarmed = Means.empty(sd=1.0), False
        for _ in range(100):
            d = rng.gamma(1.0, 1.0, CANARY) - rng.gamma(4.0, 0.25, CANARY)
            means = means.add_differences(CANARY, float(d.sum()), float(d @ d))
            alarmed = alarmed or means.log_harm() >= NEEDED
        hits += alarmed
    quiet("A/A paired mean, skewed differences, 100 looks, harm up", hits / rollouts, rollouts)


def clumps(rollouts: int, seed: int) -> None:
    """10 + 90 users a look, 20 requests each, whose error rates differ (intraclass correlation 0.1)."""
    rng, by_request, by_user = np.random.default_rng(seed), 0, 0
    for _ in range(rollouts // 20):
        rate = rng.beta(0.05 * 9, 0.95 * 9, (20, 300, 100))
        made = rng.binomial(20, rate)
        y, z = made[..., :10], made[..., 10:]
        rows = harm_path(np.int64(200), y.sum(axis=-1), np.int64(1_800), z.sum(axis=-1), GRID)
        users = harm_path(np.int64(10), (y > 0).sum(axis=-1), np.int64(90), (z > 0).sum(axis=-1), GRID)
        by_request += int((rows >= NEEDED).any(axis=1).sum())
        by_user += int((users >= NEEDED).any(axis=1).sum())
    trap("requests counted one by one, 20 a user, intraclass correlation 0.1", by_request / rollouts, rollouts)
    quiet("A/A the same users, each counted once if any request failed", by_user / rollouts, rollouts)


def split(rollouts: int, seed: int) -> None:
    """1,000 looks of 1,000 units; a fair tenth, and 9.5 % where 10 % is expected."""
    rng, hits, peeked, took = np.random.default_rng(seed), 0, 0, []
    fair = rng.binomial(1_000, 0.1, (rollouts, 1_000))
    total = 1_000.0 * np.arange(1, 1_001)
    chi = (fair.cumsum(axis=1) - 0.1 * total) / np.sqrt(0.09 * total)
    peeked = int((np.abs(chi) > 1.96).any(axis=1).sum())
    for row, wrong in zip(fair.tolist(), rng.binomial(1_000, 0.095, (rollouts, 400)).tolist(), strict=True):
        held, off = Split(), False
        for k in row:
            held = held.add(k, 1_000 - k, 0.1)
            off = off or held.off(ALPHA)
        hits += off
        held = Split()
        for look, k in enumerate(wrong, 1):
            held = held.add(k, 1_000 - k, 0.1)
            if held.off():
                took.append(look)
                break
    quiet("A/A traffic split, 1,000 looks", hits / rollouts, rollouts)
    loud("chi-squared of the traffic split at each look", peeked / rollouts, rollouts, 0.20)
    name = "gate requests until a split of 9.5 % where 10 % is expected is off, alpha 0.1 %, median"
    found = f"thousands; found in {100 * len(took) / rollouts:.0f} % within 400"
    show(Figure(name, float(np.median(took)), found, "none", None, "-", None))


if __name__ == "__main__":
    main()
