"""Shrinkage learned from simulated histories: is 0.6 recovered, and how often do the 95 % intervals hold the truth?

Ideas have true offline gains around the least worthwhile one; offline and later gains are measured with error, and only
ideas that look good offline go on. Beside it the ratio of the mean measured gains, which knows nothing of that choice.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from core.stats.shrinkage import MINIMUM_CASES, Case, learn, predict, survival
from tests.benchmarks.figures import Figure, show

RATIO = 0.6


@dataclass(frozen=True, slots=True)
class Simulated:
    """A history, and what is true of the one idea beside it: its end gain where it is kept."""

    cases: list[Case]
    idea: Case
    end: float


@dataclass(frozen=True, slots=True)
class Covered:
    """In how many of ``runs`` histories the interval held the truth; ``width`` is the mean width of the ratio's."""

    runs: int
    ratio: int
    if_kept: int
    expected: int
    naive: int
    width: float
    seconds: float


def simulated(
    rng: np.random.Generator, ideas: int, *, spread: float = 0.15, heavy: bool = False, cut: float = 0.5
) -> Simulated:
    """A history of so many ideas; those whose measured offline gain is above ``cut`` have a later one."""
    noise = rng.standard_t(3, ideas + 1) / np.sqrt(3) if heavy else rng.standard_normal(ideas + 1)
    true = 1 + 1.5 * noise
    s, t = rng.uniform(0.3, 0.8, ideas + 1), rng.uniform(0.2, 0.5, ideas + 1)
    end = (RATIO + spread * rng.standard_normal(ideas + 1)) * true
    x, y = true + s * rng.standard_normal(ideas + 1), end + t * rng.standard_normal(ideas + 1)
    cases = [Case(x[n], s[n], y[n], t[n]) if x[n] > cut else Case(x[n], s[n]) for n in range(ideas)]
    return Simulated(cases, Case(x[-1], s[-1]), end[-1])


def covered(
    *, runs: int, ideas: int, seed: int, spread: float = 0.15, heavy: bool = False, cut: float = 0.5
) -> Covered:
    """Histories with at least eight pairs, each with chances to survive of its own."""
    rng = np.random.default_rng(seed)
    done, hits, widths, begun = 0, np.zeros(4, dtype=int), 0.0, time.perf_counter()
    while done < runs:
        launch, keep = rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.65)
        one = simulated(rng, ideas, spread=spread, heavy=heavy, cut=cut)
        launched = int(rng.binomial(ideas, launch))
        kept = int(rng.binomial(launched, keep))
        found = learn(one.cases)
        if found is None:
            continue
        done += 1
        chances = survival(launched=launched, decided=ideas, kept=kept, followed=launched)
        told = predict(found, chances, one.idea)
        hits += [
            found.ratio.low <= RATIO <= found.ratio.high,
            told.if_kept.low <= one.end <= told.if_kept.high,
            told.expected.low <= one.end * launch * keep <= told.expected.high,
            naive_covers(one.cases),
        ]
        widths += found.ratio.high - found.ratio.low
    return Covered(done, *(int(x) for x in hits), widths / runs, time.perf_counter() - begun)


def naive_covers(cases: list[Case]) -> bool:
    """The ratio of the mean gains of those that went on, with its delta-method interval."""
    x = np.array([case.offline for case in cases if case.later is not None])
    y = np.array([case.later for case in cases if case.later is not None])
    ratio = y.mean() / x.mean()
    error = np.std(y - ratio * x, ddof=1) / np.sqrt(x.size) / abs(x.mean())
    return bool(abs(ratio - RATIO) <= 1.96 * error)


def main() -> None:
    """Print one figure a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 histories a row in place of 1,000")
    parser.add_argument("--json", action="store_true", help="always so: one object a line")
    runs = 100 if parser.parse_args().quick else 1_000
    slack = 1.96 * np.sqrt(0.95 * 0.05 / runs)
    rows = {
        "16_ideas": {"ideas": 16}, "24_ideas": {"ideas": 24}, "60_ideas": {"ideas": 60},
        "60_ideas_strict_choice": {"ideas": 60, "cut": 2.0}, "24_ideas_heavy_tails": {"ideas": 24, "heavy": True},
        "24_ideas_wide_spread": {"ideas": 24, "spread": 0.4},
    }  # fmt: skip
    for number, (name, settings) in enumerate(rows.items()):
        told = covered(runs=runs, seed=100 + number, **settings)  # type: ignore[arg-type]
        against = f"ratio of mean gains: {told.naive / runs:.3f}"
        for what in ("expected", "if_kept", "ratio"):
            share = getattr(told, what) / runs
            ok = bool(0.90 - slack <= share <= 0.97 + slack)
            peer = against if what == "ratio" else "-"
            show(Figure(f"shrinkage_{what}_{name}", share, "covered by 95 %", peer, None, "0.90 to 0.97", ok))
        show(Figure(f"shrinkage_width_{name}", told.width, "of the ratio's interval", "-", None, "-", None))
    seconds = told.seconds / runs
    show(Figure("shrinkage_seconds", seconds, "s to learn and predict", "-", None, "under 0.2", seconds < 0.2))
    few = learn([Case(1.0, 0.3, 0.6, 0.3)] * (MINIMUM_CASES - 1))
    show(Figure("shrinkage_seven_cases", float(few is None), "told nothing", "-", None, "1", few is None))


if __name__ == "__main__":
    main()
