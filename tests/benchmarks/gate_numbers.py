"""Gates on numbers, on clumped rows and on the traffic split: false alarms and looks to detect, over made rollouts.

``python tests/benchmarks/gate_numbers.py [--quick] [--json] [--seed N]``; seeded, on one core; one JSON object a line.
--quick: a tenth of the rollouts. Every rate comes with its standard error.

- A/A of means: 50 + 450 units a look, 100 looks (300 for the unequal variances), alpha 5 %, laws from gamma to revenue
  of which 97 % are zeros. "Up" alarms from the first look; "down" from 2,000 candidate units on, as a rule must ask
  for, and without that, to show why.
- A/A of ranks, of means with a covariate, and of pairs.
- Looks to detect 10 % more, by means, capped means, ranks.
- Controls that must fail: Welch's z at each look; each arm's own variance where the smaller arm's is taken as at least
  the larger's; requests counted one by one where a user has many.
- The traffic split: 1,000 looks of a fair one, and units until a wrong one is found; chi-squared at each look fails.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402
from gate_worlds import CANARY, CONTROL, LAWS, Law  # noqa: E402
from gates import ALPHA, BOTH, error, first, loud, quiet  # noqa: E402

from core.stats.gates import ranks  # noqa: E402
from core.stats.gates.means import TAU, Means, Sums  # noqa: E402
from core.stats.gates.odds import GRID  # noqa: E402
from core.stats.gates.paths import harm_path, mean_scores, mixture_path, rank_scores  # noqa: E402
from core.stats.gates.planner import mean_plan  # noqa: E402
from core.stats.gates.split import Split  # noqa: E402

Floats = NDArray[np.float64]
NEEDED = -math.log(ALPHA)
BURN = 2_000


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
    hits: dict[str, int] = {"up": 0, "down": 0, "down at once": 0, "z": 0, "own": 0}
    for y, z in law.blocks(seed, rollouts, looks):
        score, information = mean_scores(sums(y), sums(z))
        up, down = mixture_path(score, information, tau) >= NEEDED, mixture_path(-score, information, tau) >= NEEDED
        hits["up"] += int(up.any(axis=1).sum())
        hits["down"] += int(down[:, burn:].any(axis=1).sum())
        hits["down at once"] += int(down.any(axis=1).sum())
        own, known = own_scores(sums(y), sums(z))
        hits["z"] += int((-own > 1.645 * np.sqrt(known)).any(axis=1).sum())
        hits["own"] += int((mixture_path(-own, known, tau) >= NEEDED).any(axis=1).sum())
    for harm in BOTH:
        after = "" if harm == "up" else ", from 2,000 units on"
        quiet(f"A/A mean, {law.name}, {looks} looks, harm {harm}{after}", hits[harm] / rollouts, rollouts)
    trap(f"mean, {law.name}, harm down without a least number of units", hits["down at once"] / rollouts, rollouts)
    at_margin(law, rollouts // 2, seed, looks)
    if law is LAWS[6]:
        loud("mixture with each arm's own variance, revenue, harm down", hits["own"] / rollouts, rollouts, 0.20)
    if law is LAWS[2]:
        loud("Welch's z at each look, lognormal, sigma 1, harm down", hits["z"] / rollouts, rollouts, 0.20)


def own_scores(canary: tuple[Floats, ...], control: tuple[Floats, ...]) -> tuple[Floats, Floats]:
    """Score and information as ours, but each arm's variance is its own, however small the arm."""
    w = canary[0] * control[0] / (canary[0] + control[0])
    weight, spread = w.cumsum(), 0.0
    for n, total, squares in (canary, control):
        own = (squares - total * total / n).cumsum(axis=-1) / (n - 1.0).cumsum()
        spread = spread + own * (w * w / n).cumsum()
    spread = np.maximum(spread, 1e-12)
    difference = (w * (canary[1] / canary[0] - control[1] / control[0])).cumsum(axis=-1)
    return difference * weight / spread, weight * weight / spread


def at_margin(law: Law, rollouts: int, seed: int, looks: int) -> None:
    """Candidates a tenth worse, where a tenth is the margin: how many ever pass."""
    if law.drift:
        return
    mean, sd, _ = law.settled()
    passed: dict[bool, int] = {True: 0, False: 0}
    for y, z in law.blocks(seed, rollouts, looks):
        score, information = mean_scores(sums(y + 0.1 * mean), sums(z))
        free = mixture_path(0.1 * mean * information - score, information, TAU * sd) >= NEEDED
        passed[False] += int(free.any(axis=1).sum())
        passed[True] += int(free[:, BURN // CANARY - 1 :].any(axis=1).sum())
    quiet(f"passes at the margin, mean, {law.name}, from 2,000 units on", passed[True] / rollouts, rollouts)
    trap(f"passes at the margin, mean, {law.name}, without a least number of units", passed[False] / rollouts, rollouts)


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
    """How many find 10 % more within 100 looks, by mean and by ranks, and when."""
    mean, sd, _ = law.settled()
    by_mean, by_rank = [], []
    for y, z in law.blocks(seed, rollouts, 100, scale=1.1):
        by_mean.append(first(mixture_path(*mean_scores(sums(y), sums(z)), TAU * sd) >= NEEDED))
        by_rank.append(first(rank_path(y, z) >= NEEDED))
    needed = mean_plan(sd, 0.1 * mean, ALPHA, 1.0, CANARY / (CANARY + CONTROL)).units / CANARY
    for name, took in (("mean", np.concatenate(by_mean)), ("ranks", np.concatenate(by_rank))):
        found, median = float(np.mean(took < math.inf)), float(np.median(took))
        when = f"median {median:.0f} looks" if math.isfinite(median) else "median beyond"
        unit = f"% of {rollouts:,} rollouts within 100 looks; {when}"
        against = f"planner, by the mean: {needed:,.0f} looks"
        show(Figure(f"gate finds 10 % more, {law.name}, {name}", 100 * found, unit, against, None, "-", None))


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
