"""Gates that are looked at after every batch: false alarms, power and time to detect, over thousands of made rollouts.

``python tests/benchmarks/gates.py [--quick] [--json] [--seed N]``; seeded, on one core; one JSON object a line.
--quick: a tenth of the rollouts. Every rate comes with its standard error.

- A/A: 2,000 rollouts in which the candidate is as good as the baseline, 300 looks each, alpha 5 %: how many ever say
  "harm", in both directions. At most 5 % is claimed; 6.5 % is three standard errors above it.
- Controls that must fail on the same rollouts: a z test of all units so far at each look; our own test on counts pooled
  over a ramp; conversions counted in the look in which they arrive.
- Promotion at the margin: candidates exactly as bad as the margin that are ever let through, in both directions.
- Power: odds ratio 2 at the planner's budget and at three times the budget.
- Median units to detect, against what Fisher's exact test needs for 80 % power, taken once, the effect known.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402
from gate_worlds import Counts, World, arrivals, flat, worlds  # noqa: E402

from core.stats.gates.hypergeometric import log_ratios  # noqa: E402
from core.stats.gates.odds import GRID, Harm, points_for  # noqa: E402
from core.stats.gates.paths import harm_path, log_mean, promote_path  # noqa: E402
from core.stats.gates.planner import plan, plan_pass  # noqa: E402

ALPHA = 0.05
CLAIM = "limit 5 % + 3 standard errors"
BOTH: tuple[Harm, Harm] = ("up", "down")


def main() -> None:
    """Print one figure a line."""
    parser = argparse.ArgumentParser(description="False alarms and power of gates.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="always so: one object a line")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rollouts = 200 if given.quick else 2_000
    for world in worlds():
        for harm in BOTH:
            quiet(f"A/A {world.name}, harm {harm}", share_alarmed(world, rollouts, given.seed, harm), rollouts)
    long = flat("constant", 100, 900, 0.05, 10_000)
    quiet("A/A constant, 10,000 looks, harm up", share_alarmed(long, rollouts, given.seed, "up"), rollouts)
    controls(rollouts, given.seed)
    margins(rollouts, given.seed)
    power(rollouts, given.seed)
    looks_to_detect(rollouts, given.seed)


def share_alarmed(world: World, rollouts: int, seed: int, harm: Harm) -> float:
    """Share of rollouts that ever say "harm" at 5 %."""
    return float(np.mean(first_alarms(world, rollouts, seed, harm, ALPHA) < math.inf))


def first_alarms(world: World, rollouts: int, seed: int, harm: Harm, alpha: float) -> NDArray[np.float64]:
    """The look, from 1, at which each rollout first says "harm"; infinity for never."""
    parts = [
        first(harm_path(world.canary, k_c, world.control, k_b, GRID, harm) >= -math.log(alpha))
        for k_c, k_b in world.blocks(seed, rollouts)
    ]
    return np.concatenate(parts)


def first(crossed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The first look, from 1, of each row that is True; infinity for none."""
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, math.inf)


def error(share: float, n: int) -> float:
    """Standard error of a share."""
    return math.sqrt(share * (1 - share) / n)


def quiet(name: str, share: float, n: int, alpha: float = ALPHA) -> None:
    """A share that must stay under its level."""
    limit = alpha + 3 * error(alpha, n)
    show(
        Figure(
            f"gate {name}",
            100 * share,
            f"% of {n:,} rollouts, se {100 * error(share, n):.2f}",
            f"limit {100 * alpha:g} % + 3 standard errors",
            share / alpha,
            f"<= {100 * limit:.1f} %",
            share <= limit,
        )
    )


def loud(name: str, share: float, n: int, least: float) -> None:
    """A control that must fail, so that the test is known to be one."""
    unit = f"% of {n:,} rollouts, se {100 * error(share, n):.2f}"
    show(
        Figure(
            f"gate control that must fail: {name}",
            100 * share,
            unit,
            "5 % claimed",
            share / ALPHA,
            f"> {100 * least:g} %",
            share > least,
        )
    )


def controls(rollouts: int, seed: int) -> None:
    """What is commonly done, on rollouts in which nothing is wrong."""
    constant, ramp = worlds()[0], worlds()[3]
    naive = np.concatenate([first(z_path(constant, *made) > 1.645) for made in constant.blocks(seed, rollouts)])
    loud("z test at each look", float(np.mean(naive < math.inf)), rollouts, 0.20)
    pooled = np.concatenate(
        [first(pooled_path(ramp, *made) >= -math.log(ALPHA)) for made in ramp.blocks(seed, rollouts)]
    )
    loud("our test on counts pooled over a ramp", float(np.mean(pooled < math.inf)), rollouts, 0.90)
    late = timely = 0
    rng = np.random.default_rng(seed)
    for _ in range(rollouts // 100):
        world, made_c, made_b, came_c, came_b = arrivals(rng, 100, 300, delay=20.0)
        n_c, n_b = world.canary, world.control
        arrived = harm_path(n_c, np.minimum(came_c, n_c), n_b, np.minimum(came_b, n_b), GRID, "down")
        late += int((arrived >= -math.log(ALPHA)).any(axis=1).sum())
        mature = harm_path(n_c, made_c, n_b, made_b, GRID, "down")
        timely += int((mature >= -math.log(ALPHA)).any(axis=1).sum())
    loud("conversions counted on arrival, in a ramp", late / rollouts, rollouts, 0.90)
    quiet("A/A the same conversions by exposure, once mature, harm down", timely / rollouts, rollouts)


def z_path(world: World, canary: Counts, control: Counts) -> NDArray[np.float64]:
    """The two-proportion z of all units so far, after each look."""
    k_c, k_b = canary.cumsum(axis=1), control.cumsum(axis=1)
    n_c, n_b = world.canary.cumsum(), world.control.cumsum()
    p = (k_c + k_b) / (n_c + n_b)
    return (k_c / n_c - k_b / n_b) / np.sqrt(np.maximum(p * (1 - p), 1e-12) * (1 / n_c + 1 / n_b))


def pooled_path(world: World, canary: Counts, control: Counts) -> NDArray[np.float64]:
    """Our evidence as if all looks so far were one, at 30 moments."""
    at = np.linspace(9, world.looks - 1, 30).astype(int)
    n_c, n_b = world.canary.cumsum()[at], world.control.cumsum()[at]
    k_c, k_b = canary.cumsum(axis=1)[:, at], control.cumsum(axis=1)[:, at]
    worse = tuple(x for x in GRID if x > 0)
    return log_mean(log_ratios(n_c, k_c, n_b, k_b, worse)) - math.log(len(worse))


def margins(rollouts: int, seed: int) -> None:
    """Candidates exactly at the margin must hardly ever pass; no worse than the baseline they should."""
    for margin, n_c, n_b in ((2.0, 20, 1_980), (1.3, 200, 1_800), (1.15, 1_000, 1_000)):
        for harm, truth in (("up", margin), ("down", 1 / margin)):
            world = flat("", n_c, n_b, 0.02, 300, truth)
            share = float(np.mean(passes(world, rollouts, seed, margin, harm) < math.inf))
            quiet(f"passes at the margin {margin:g}, harm {harm}", share, rollouts)
        took = n_c * float(np.median(passes(flat("", n_c, n_b, 0.02, 300), rollouts, seed, margin, "up")))
        planned = plan_pass(0.02, margin, ALPHA, 1_000.0, n_c / (n_c + n_b)).units
        name = f"gate units until an equal candidate passes a margin of {margin:g}, median"
        near = 0.7 <= took / planned <= 1.3
        unit = "units of the candidate"
        show(Figure(name, took, unit, f"planner: {planned:,.0f}", took / planned, "0.7 to 1.3 of it", near))


def passes(world: World, rollouts: int, seed: int, margin: float, harm: Harm) -> NDArray[np.float64]:
    """The look, from 1, at which evidence against "worse by the margin" first suffices at 5 %; infinity for never."""
    points = points_for(margin)
    counts = [
        first(promote_path(world.canary, k_c, world.control, k_b, points, margin, harm) >= -math.log(ALPHA))
        for k_c, k_b in world.blocks(seed, rollouts)
    ]
    return np.concatenate(counts)


def power(rollouts: int, seed: int) -> None:
    """Odds ratio 2 at the planner's budget, and at three times it, at 1 %."""
    for rate, share in ((0.02, 0.01), (0.02, 0.1), (0.05, 0.5), (0.001, 0.1)):
        budget = plan(rate, 2.0, 0.01, per_minute=1_000.0, share=share)
        n_c = math.ceil(budget.units / 40)
        looks = math.ceil(3 * budget.units / n_c)
        world = flat("", n_c, round(n_c * (1 - share) / share), rate, looks, 2.0)
        found = first_alarms(world, rollouts, seed, "up", 0.01) * n_c
        for times, least in ((1, 0.40), (3, 0.95)):
            got = float(np.mean(found <= math.ceil(times * budget.units / n_c) * n_c))
            unit = f"% of {rollouts:,} rollouts, se {100 * error(got, rollouts):.2f}"
            name = f"gate power: OR 2, base {100 * rate:g} %, {100 * share:g} % of traffic, {times} x planner's budget"
            against = f"{budget.errors_needed:.1f} errors expected at the base rate"
            show(Figure(name, 100 * got, unit, against, None, f">= {100 * least:g} %", got >= least))


def looks_to_detect(rollouts: int, seed: int) -> None:
    """Median units of the candidate until harm is found, beside a test that knew the effect and looked once."""
    cases = (
        (20, 180, 0.05, 0.06, None),
        (20, 180, 0.05, 0.075, 1.3),
        (20, 180, 0.05, 0.10, 1.3),
        (20, 1_980, 0.001, 0.004, 1.0),
    )
    for n_c, n_b, base, worse, most in cases:
        world = flat("", n_c, n_b, base, 500, worse / (1 - worse) / (base / (1 - base)))
        took = n_c * float(np.median(first_alarms(world, rollouts, seed, "up", ALPHA)))
        fixed = n_c * fixed_looks(n_c, n_b, base, worse)
        name = f"gate units to detect {100 * base:g} -> {100 * worse:g} %, {n_c:,} + {n_b:,} a look, median"
        against = f"Fisher's exact test once, effect known, 80 % power: {fixed:,.0f}"
        goal = "-" if most is None else f"<= {most:g} of it"
        ok = None if most is None else took <= most * fixed
        show(Figure(name, took, "units of the candidate", against, took / fixed, goal, ok))


def fixed_looks(n_c: int, n_b: int, base: float, worse: float) -> int:
    """The fewest looks after which Fisher's one-sided exact test at 5 %, taken once, has 80 % power."""
    looks = next(n for n in (4 * 2**i for i in range(20)) if fisher_power(n * n_c, n * n_b, base, worse) >= 0.8)
    return next(n for n in range(looks // 2, looks + 1) if fisher_power(n * n_c, n * n_b, base, worse) >= 0.8)


def fisher_power(n_c: int, n_b: int, base: float, worse: float) -> float:
    """Chance that Fisher's one-sided exact test at 5 % rejects."""
    log_of = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n_c + n_b + 1)))])
    k_c, k_b = np.arange(most_likely(n_c, worse)), np.arange(most_likely(n_b, base))
    log_c = log_of[n_c] - log_of[k_c] - log_of[n_c - k_c]
    log_b = log_of[n_b] - log_of[k_b] - log_of[n_b - k_b]
    p_c = np.exp(log_c + k_c * math.log(worse) + (n_c - k_c) * math.log(1 - worse))
    p_b = np.exp(log_b + k_b * math.log(base) + (n_b - k_b) * math.log(1 - base))
    power = 0.0
    for events in range(1, k_c.size + k_b.size - 1):
        k = np.arange(max(0, events - k_b.size + 1), min(k_c.size - 1, events) + 1)
        terms = np.exp(log_c[k] + log_b[events - k] - (log_c[k] + log_b[events - k]).max())
        tail = terms[::-1].cumsum()[::-1] / terms.sum()
        power += float((p_c[k] * p_b[events - k])[tail <= ALPHA].sum())
    return power


def most_likely(n: int, rate: float) -> int:
    """One more than the events that ``n`` units have at most, in all but one of some millions of cases."""
    return min(n, math.ceil(n * rate + 6 * math.sqrt(n * rate) + 8)) + 1


if __name__ == "__main__":
    main()
