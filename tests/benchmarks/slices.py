"""Exact slice search from coded columns: CPU time, memory, growth with the rows, beside the peers.

    python tests/benchmarks/slices.py [--quick] [--json] [--data ADULT.csv.gz] [--peers ENVIRONMENT]

Adult (``--data`` or ``$MIDWATCH_ADULT``; synthetic rows of the same shape without it), drawn to 1,000,000 rows with
three features of every row replaced; top 10, depth 3, 1 % support. CPU seconds on one core, medians, from coded
columns to the answer: packing is part of it. The limit beside each is the time in which a copy of that many bytes of
codes and signal passes through memory. --quick takes a tenth of the rows. The peers run once each, where their
environment exists (make bench-peers).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(HERE)]
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from figures import Figure, show  # noqa: E402
from slice_data import Coded, adult, drawn  # noqa: E402

from core.stats.slices.bound import MEAN, SLICELINE  # noqa: E402
from core.stats.slices.search import top_slices  # noqa: E402
from core.stats.slices.table import Table  # noqa: E402

SEED, SUPPORT, DEPTH, BEST = 20, 0.01, 3, 10
TIMES = 200.0
"""How many times our CPU seconds the faster peer should need at least."""


def save(some: Coded, folder: Path) -> None:
    """The rows as arrays that a process of its own reads."""
    np.save(folder / "codes.npy", some.codes)
    np.save(folder / "sizes.npy", some.sizes)
    np.save(folder / "error.npy", some.error)
    np.save(folder / "loss.npy", some.loss)


def measure(folder: Path, signal: str, score: str, times: int) -> None:
    """In a process of its own: median CPU seconds, peak megabytes, copy speed, the ten best."""
    codes, sizes = np.load(folder / "codes.npy"), np.load(folder / "sizes.npy").tolist()
    values = np.load(folder / f"{signal}.npy")
    spent, best = [], ()
    for _ in range(times + 1):
        begun = time.process_time()
        table = Table.pack(list(codes), values, sizes)
        best = top_slices(table, k=BEST, depth=DEPTH, support=SUPPORT, score=MEAN if score == "mean" else SLICELINE)
        spent.append(time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    del table
    source = np.ones(4_000_000)
    target = np.empty_like(source)
    copies = []
    for _ in range(9):
        begun = time.process_time()
        np.copyto(target, source)
        copies.append(time.process_time() - begun)
    told = {
        "seconds": statistics.median(spent[1:]),  # the first meets cold memory
        "megabytes": peak,
        "bytes": codes.nbytes + values.nbytes,
        "speed": source.nbytes / statistics.median(copies[1:]),
        "best": [[one.score, one.rows, [[x.column, x.code] for x in one.literals]] for one in best],
    }
    sys.stdout.write(json.dumps(told) + "\n")


def ours(folder: Path, signal: str, times: int, score: str = "sliceline") -> Any:
    """What :func:`measure` says."""
    command = [sys.executable, str(Path(__file__)), "--measure", str(folder), signal, score, str(times)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def say(name: str, told: Any, goal: float | None) -> None:
    """The CPU seconds beside the time of reading once."""
    limit = told["bytes"] / told["speed"]
    speed = f"{told['bytes'] / 1e6:,.0f} MB once at {told['speed'] / 1e9:.1f} GB/s: {limit * 1e3:.2g} ms"
    ok = None if goal is None else told["seconds"] <= goal
    show(
        Figure(
            f"{name}: CPU", told["seconds"], "s", speed, told["seconds"] / limit, f"<= {goal} s" if goal else "-", ok
        )
    )


def beside(folder: Path, python: Path, cpu: dict[str, Any]) -> None:
    """Each peer's task done by both; the faster peer decides on the goal."""
    with np.load(folder / "rows.npz") as held:
        rows = held["codes"].shape[1]
    runs = [("divexplorer", "mean,sliceline"), ("pysubgroup", "mean"), ("pysubgroup", "sliceline")]
    seconds: dict[str, dict[str, float]] = {"mean": {}, "sliceline": {}}
    same = {"mean": True, "sliceline": True}
    for peer, scores in runs:
        command = [str(python), str(HERE / "slice_peers.py"), peer, str(folder / "rows.npz"), str(SUPPORT), str(DEPTH)]
        done = subprocess.run([*command, scores], capture_output=True, text=True)
        if done.returncode:
            sys.stderr.write(f"{peer}: {done.stderr.strip().splitlines()[-1:]} (make bench-peers)\n")
            continue
        told = json.loads(done.stdout)
        for score in scores.split(","):
            seconds[score][peer] = told["seconds"]
            same[score] &= agree(cpu[score]["best"], told["best"][score])
    for score, words in (("mean", "mean difference"), ("sliceline", "SliceLine's score")):
        if not seconds[score]:
            continue
        faster = min(seconds[score], key=lambda peer: seconds[score][peer])
        mine = cpu[score]["seconds"]
        against = ", ".join(f"{peer} {spent:.1f} s" for peer, spent in seconds[score].items())
        if score == "sliceline":
            against += " (lent our bound)"
        name = f"slices of {rows:,} distinct x 14, 0/1 error, {words}, beside peers: CPU"
        ratio = mine / seconds[score][faster]
        show(Figure(name, mine, "s", against, ratio, f"<= 1/{TIMES:.0f} of {faster}", ratio <= 1 / TIMES))
        name = f"slices of {rows:,} distinct x 14, {words}: the same ten as {' and '.join(seconds[score])}"
        show(Figure(name, float(same[score]), "(1: yes)", "every score, size and slice", None, "1", same[score]))


def agree(mine: list[Any], theirs: list[Any]) -> bool:
    """Whether the peer's list holds our ten: scores to rounding, rows exactly; only ties with the tenth may differ."""
    known = {json.dumps(sorted(literals)): (score, rows) for score, rows, literals in theirs}
    last = mine[-1][0]
    for score, rows, literals in mine:
        other = known.get(json.dumps(sorted(literals)))
        if other is None:
            if score > last + 1e-9:  # only among those equal to the tenth may the choice differ
                return False
        elif abs(other[0] - score) > 1e-6 or other[1] != rows:
            return False
    return bool(theirs) and abs(theirs[0][0] - mine[0][0]) < 1e-6


def main() -> None:
    """Measure, and print."""
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--json", action="store_true", help="changes nothing: the output is always JSON lines")
    parser.add_argument("--data", default=os.environ.get("MIDWATCH_ADULT"), help="adult.csv.gz; synthetic rows without")
    parser.add_argument("--peers", default=str(ROOT / ".venv-peers"), help="environment that holds the peers")
    given = parser.parse_args()
    rng = np.random.default_rng(SEED)
    some = adult(Path(given.data) if given.data else None, rng)
    million = 100_000 if given.quick else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        rows = drawn(some, million, 14, rng)
        save(rows, folder)
        np.savez(folder / "rows.npz", codes=rows.codes, sizes=rows.sizes, signal=rows.error)
        told = {"sliceline": ours(folder, "error", 7), "mean": ours(folder, "error", 5, "mean")}
        say(f"slices of {million:,} distinct x 14, 0/1 error", told["sliceline"], 0.1)
        say(f"slices of {million:,} distinct x 14, real-valued loss", ours(folder, "loss", 7), 0.3)
        say(f"slices of {million:,} distinct x 14, 0/1 error, by mean difference", told["mean"], None)
        save(drawn(some, million, 40, rng), folder)
        say(f"slices of {million:,} distinct x 40, 0/1 error", ours(folder, "error", 5), 1.2)
        growth = {million: told["sliceline"]["seconds"]}
        for times in (2, 5, 10):
            save(drawn(some, times * million, 14, rng), folder)
            long = ours(folder, "error", 3)
            growth[times * million] = long["seconds"]
        name = f"slices of {10 * million:,} distinct x 14, 0/1 error"
        say(name, long, 1.0)
        memory = long["megabytes"]
        show(Figure(f"{name}: memory", memory, "MB", "1024 MB", memory / 1024, "<= 1 GB", memory <= 1024))
        real = ours(folder, "loss", 3)
        say(name.replace("0/1 error", "real-valued loss"), real, None)
        sizes, spent = np.array(list(growth)) / million, np.array(list(growth.values()))
        each, base = np.polyfit(sizes, spent, 1, w=1 / spent)
        away = float(np.abs((base + each * sizes) / spent - 1).max())
        fit = f"{base:.3f} s + {each:.3f} s * rows / {million:,}, at most {away:.0%} away"
        power = float(np.polyfit(np.log(sizes), np.log(spent), 1)[0])
        points = ", ".join(f"{rows // 1000:,}k {took:.3f} s" for rows, took in growth.items())
        name = "slices: CPU grows with rows to the power"
        show(Figure(name, power, "", f"{fit}; {points}", None, "<= 1.1", power <= 1.1))
        python = Path(given.peers) / "bin" / "python"
        if python.exists():
            beside(folder, python, told)
        else:
            sys.stderr.write(f"no peers in {given.peers}: make bench-peers\n")


if __name__ == "__main__":
    main()
