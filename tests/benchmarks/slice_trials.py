"""Is a planted slice found, and is silence kept: seeded trials of the ranking by change on real data, and its CPU time.

``python tests/benchmarks/slice_trials.py [--quick] [--json] [--data DIR] [--trials N] [--first SEED] [--only NAME]``

DIR (else ``$MIDWATCH_DATA``) holds adult, employment_MA and nycflights13 as csv.gz; without it the trials run on made
data and say so. --quick: a tenth of the trials. It prints one JSON object a line.

A trial draws two windows of at most 20,000 rows, disjoint, at random from the scored rows.

- planted: a conjunction of 1, 2 or 3 predicates (a third of the trials each) with 1 to 10 % of the rows (evenly),
  errors added at random to its right rows of the current window, +10 to +40 points (evenly). "Found" is a slice among
  the first three with nearly the same rows: Jaccard index of at least 0.8 in the current window; the same predicates
  are counted apart. A trial counts when a one-sided test at 5 % of this one slice, known before, has a power of at
  least 90 %; those where a test at the level that the search pays for (z = 4.4) has it are counted apart.
- clean: nothing planted. Uniform: errors of both windows drawn with each row's chance of a boosted model of the real
  errors, in the current window 5 to 10 points higher in the mean: by the same points, odds or factor, or right answers
  lost at the same rate, or the same share of answers mirrored. Mix: two columns' values made rarer by random factors (a
  standard deviation of 1 of the logarithm), errors of a row as they were. Time: consecutive months or years as they
  came.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402
from trial_data import NAMES, Scored, load, made_rows, made_sizes  # noqa: E402

from core.stats.intervals import wilson  # noqa: E402
from core.stats.slices.candidates import Candidates, candidates  # noqa: E402
from core.stats.slices.changed_slices import changed_slices  # noqa: E402
from core.stats.slices.search import Found  # noqa: E402
from core.stats.slices.table import Table  # noqa: E402

Rows = NDArray[np.int64]
WINDOW = 20_000
SAME = 0.8
UNIFORM = ("points", "odds", "factor", "lost", "mirrored")


def main() -> None:
    """Run the trials, then the clock."""
    options = argparse.ArgumentParser(description="Trials of the ranking of slices by change.")
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json", action="store_true", help="always on")
    options.add_argument("--data", type=Path, default=os.environ.get("MIDWATCH_DATA"))
    options.add_argument("--trials", type=int)
    options.add_argument("--first", type=int, default=0, help="the first seed")
    options.add_argument("--only", choices=[*NAMES, "speed"])
    given = options.parse_args()
    folder = Path(given.data) if given.data else None
    if folder is None:
        print("no --data and no MIDWATCH_DATA: trials on made data", file=sys.stderr)
    trials = given.trials or (20 if given.quick else 200)
    for name in NAMES:
        if given.only in (None, name):
            on = load(name, folder)
            planted(on, trials, given.first)
            quiet(on, "clean", trials, given.first)
            quiet(on, "uniform", max(10, trials // 2), given.first)
            quiet(on, "mix", max(10, trials // 2), given.first)
            in_time(on)
    if given.only in (None, "speed"):
        for rows, goal in ((100_000, 1.0), (1_000_000, 5.0)):
            if rows == 100_000 or not given.quick:
                speed(rows, goal)


def windows(on: Scored, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows of the current window and of the reference."""
    size = min(WINDOW, len(on.errors) // 2)
    order = rng.permutation(len(on.errors))
    return order[:size], order[size : 2 * size]


def searched(current: Table, reference: Table, seed: int) -> Found:
    """As the program searches."""
    return changed_slices(current, reference, k=10, rng=np.random.default_rng(seed))


def planted(on: Scored, trials: int, first: int) -> None:
    """Share of trials in which the planted slice is among the first three."""
    counts = {"known": [0, 0, 0], "paid": [0, 0, 0]}
    covered = hits = stood = 0
    missed: list[str] = []
    for seed in range(first, first + trials):
        rng = np.random.default_rng([seed, 1])
        here, there = windows(on, rng)
        clean = on.table(here)
        every = candidates([clean], depth=3, minimum=math.ceil(0.01 * len(here)))
        depth, wanted, effect = int(rng.integers(1, 4)), rng.uniform(0.01, 0.1), rng.uniform(0.1, 0.4)
        place = chosen(every, depth, wanted * len(here), rng)
        literals = every.of(clean, place)
        inside = np.all([on.codes[literal.column, here] == literal.code for literal in literals], axis=0)
        errors = on.errors[here].copy()
        before = errors[inside].mean()
        effect = min(effect, 0.95 - before)
        errors |= inside & (rng.random(len(here)) < effect / (1 - before))
        answer = searched(on.table(here, errors), on.table(there), seed)
        hit = exact = False
        for found in answer.slices[:3]:
            rows = np.all([on.codes[one.column, here] == one.code for one in found.literals], axis=0)
            if (rows & inside).sum() >= SAME * (rows | inside).sum():
                exact |= set(found.literals) == set(literals)
                covered += not hit and found.interval[0] <= effect <= found.interval[1]
                hits += not hit
                hit = True
        stood += answer.stands_out
        strength = expected_z(before, effect, int(inside.sum()), int(inside.sum()))
        for name, point in (("known", NormalDist().inv_cdf(0.95)), ("paid", 4.4)):
            if NormalDist().cdf(strength - point) >= 0.9:
                counts[name][0] += 1
                counts[name][1] += hit
                counts[name][2] += exact
        if not hit and strength > 3:
            missed.append(f"seed {seed}: depth {depth}, {inside.mean():.3f} of rows, +{effect:.2f}, z {strength:.1f}")
    for name, test in (("known", "a known slice's test at 5 %"), ("paid", "a known slice's test at z = 4.4")):
        tried, found_in, same = counts[name]
        rate(f"{on.name}: planted slice in the first three, power >= 0.9 of {test}", found_in, tried, 0.95, above=True)
        rate(f"{on.name}: the same predicates, power >= 0.9 of {test}", same, tried, None, above=True)
    rate(f"{on.name}: a slice stands out when one is planted", stood, trials, None, above=True)
    rate(
        f"{on.name}: the interval holds the planted effect",
        covered,
        hits,
        None,
        above=True,
    )
    for line in missed:
        print(f"{on.name}: missed: {line}", file=sys.stderr)


def chosen(every: Candidates, depth: int, rows: float, rng: np.random.Generator) -> int:
    """A conjunction of that depth with about that many rows, none of whose predicates follows from the others."""
    lengths = (every.literals >= 0).sum(axis=1)
    parents = np.where(every.parents >= 0, every.rows[every.parents], np.iinfo(np.int64).max)
    real = (lengths == depth) & (every.rows < 0.9 * parents.min(axis=1))
    if depth == 1:
        real = lengths == 1
    places = np.flatnonzero(real)
    near = places[np.argsort(np.abs(np.log(every.rows[places] / rows)), kind="stable")[:5]]
    return int(rng.choice(near))


def expected_z(before: float, effect: float, n: int, m: int) -> float:
    """The mean z of the test of two proportions with the planted effect."""
    after = before + effect
    return float(effect / math.sqrt(max(1e-9, after * (1 - after) / n + before * (1 - before) / m)))


def quiet(on: Scored, kind: str, trials: int, first: int) -> None:
    """Share of trials without a slice in which one stands out."""
    false = 0
    parts: dict[str, int] = {}
    for seed in range(first, first + trials):
        rng = np.random.default_rng([seed, 2])
        here, there = windows(on, rng)
        what = UNIFORM[seed % len(UNIFORM)]
        if kind == "mix":
            here = other_mix(on, here, rng)
        errors, before = on.errors[here], on.errors[there]
        if kind == "uniform":
            errors = rng.random(len(here)) < worse(on.chance[here], what, rng.uniform(0.05, 0.1))
            before = rng.random(len(there)) < on.chance[there]
        answer = searched(on.table(here, errors), on.table(there, before), seed)
        false += answer.stands_out
        parts[what] = parts.get(what, 0) + answer.stands_out
    rate(f"{on.name}: {kind}, any slice stands out", false, trials, 0.05, above=False)
    if kind == "uniform":
        print(f"{on.name}: of {trials // len(UNIFORM)} each: {parts}", file=sys.stderr)


def worse(chance: NDArray[np.float64], how: str, by: float) -> NDArray[np.float64]:
    """Chances of an error of a model that got worse everywhere alike, ``by`` in the mean or about it."""
    if how == "lost":
        return chance + by * (1 - chance)
    if how == "mirrored":
        return chance + by * (1 - 2 * chance)
    times = 1 + by / float(chance.mean())
    after = {"points": chance + by, "factor": chance * times, "odds": times * chance / (1 - chance + times * chance)}
    return np.clip(after[how], 0, 1)


def other_mix(on: Scored, rows: Rows, rng: np.random.Generator) -> Rows:
    """Rows thinned by factors of the values of two columns."""
    weight = np.ones(len(rows))
    for column in rng.choice(len(on.sizes), 2, replace=False):
        weight *= np.exp(rng.normal(0, 1, on.sizes[column] + 1))[on.codes[column, rows]]
    return np.asarray(rows[rng.random(len(rows)) < weight / np.quantile(weight, 0.9)], dtype=np.int64)


def in_time(on: Scored) -> None:
    """Each month or year against the one before: what changed there is real or not, nobody knows."""
    periods = np.unique(on.period)
    said = tried = 0
    for seed, (before, after) in enumerate(pairwise(periods.tolist())):
        rng = np.random.default_rng([seed, 3])
        here, there = (rng.permutation(np.flatnonzero(on.period == p))[:WINDOW] for p in (after, before))
        answer = searched(on.table(here), on.table(there), seed)
        said, tried = said + answer.stands_out, tried + 1
    if tried:
        rate(f"{on.name}: in order of time, any slice stands out", said, tried, None, above=False)


def rate(name: str, count: int, tried: int, goal: float | None, *, above: bool) -> None:
    """A share of trials with its 95 % interval; a false alarm's limit allows three standard errors of chance."""
    if not tried:
        return
    low, high = wilson(count, tried)
    value = count / tried
    limit = goal if goal is None or above else goal + 3 * math.sqrt(goal * (1 - goal) / tried)
    ok = None if limit is None else (value >= limit if above else value <= limit)
    said = "as it is" if limit is None else (f">= {limit}" if above else f"<= 0.05 + 3 SE = {limit:.3f}")
    show(Figure(name, value, "share", f"{count} of {tried}, 95 % {low:.3f} to {high:.3f}", None, said, ok))


def speed(rows: int, seconds: float) -> None:
    """CPU of the whole search by change, from packed bits, and of packing both windows."""
    rng = np.random.default_rng(9)
    tables, packing = [], 0.0
    for extra in (0.1, 0.0):
        codes, chance = made_rows(rows, 14, rng)
        errors = rng.random(rows) < chance + extra * ((codes[1] == 2) & (codes[4] == 1))
        begun = time.process_time()
        tables.append(Table.pack(list(codes), errors, made_sizes(14)))
        packing += time.process_time() - begun
    used = []
    for seed in range(3):
        begun = time.process_time()
        answer = searched(tables[0], tables[1], seed)
        used.append(time.process_time() - begun)
    value = min(used)
    what = f"{answer.candidates} slices to depth 3, packing {packing:.2f} s apart"
    name = f"slices by change, {rows:,} rows a side: CPU"
    show(Figure(name, value, "s", what, value / seconds, f"<= {seconds} s", value <= seconds))


if __name__ == "__main__":
    main()
