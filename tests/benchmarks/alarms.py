"""The alarms of runs of days with planted faults, judged in process: precision, recall, rank, columns, per fault kind.

    python tests/benchmarks/alarms.py [--by-fault] [--wrong] [--feedback on|off|wrong10] [--jobs 2] RUN_DIR...
    python tests/benchmarks/alarms.py [--quick] [--json]

A run holds day_000.parquet ... and truth.json, as ``alarm_days.py`` writes them. Without any, runs are planted into
made rows (``--quick``: one of them), judged with each way of answering, and what a decision costs is measured too;
then, and with ``--json``, one JSON object a line is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path.cwd() if (Path.cwd() / "core" / "validate.py").exists() else Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.benchmarks.alarm_cost import cost  # noqa: E402
from tests.benchmarks.alarm_days import KINDS, plant  # noqa: E402
from tests.benchmarks.alarm_figures import by_fault, figures, wrong  # noqa: E402
from tests.benchmarks.alarm_replay import Feedback, Run, replay  # noqa: E402
from tests.benchmarks.alarm_tables import TABLES  # noqa: E402
from tests.benchmarks.figures import Figure, show  # noqa: E402

FEEDBACK: tuple[Feedback, ...] = ("on", "off", "wrong10")
KEPT = Path(tempfile.gettempdir()) / "midwatch-profiles"


GOALS = {"precision": 0.90, "recall": 0.90, "average_precision": 0.96, "first_column_right": 0.93}
MOST_FALSE = 1.5


def as_figures(runs: Sequence[Run], feedback: str) -> list[Figure]:
    """Figures of runs beside the goals, which hold for answered alarms."""
    lines = []
    for share in figures(runs):
        goal = GOALS.get(share.name)
        met = share.value >= goal if goal else share.value <= MOST_FALSE
        words = f">= {goal}" if goal else f"<= {MOST_FALSE}"
        between = f"[{share.low:.3f}, {share.high:.3f}] of {len(runs)} runs"
        answered = feedback == "on"
        name = f"alarms {share.name}{'' if answered else f', feedback {feedback}'}"
        lines.append(
            Figure(name, share.value, "", between, None, words if answered else "-", met if answered else None)
        )
    return lines


def made(*, quick: bool, kept: Path) -> list[Figure]:
    """Figures of runs of made rows, with each way of answering."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / f"made_{seed}" for seed in range(1 if quick else 3)]
        for seed, folder in enumerate(folders):
            table = TABLES["made"](Path(), np.random.default_rng(seed))
            plant(table, folder, seed=seed, start=30, kinds=KINDS["all"], days=15 if quick else 60)
        lines = []
        for feedback in FEEDBACK:
            lines += as_figures(
                [replay(folder, kept, feedback=feedback, details=False) for folder in folders], feedback
            )
        return lines


def main() -> None:
    """Judge the runs and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--feedback", choices=FEEDBACK, default="on")
    parser.add_argument("--by-fault", action="store_true")
    parser.add_argument("--each", action="store_true", help="one line a run too")
    parser.add_argument("--wrong", action="store_true", help="list each missed fault, false alarm and wrong column")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=KEPT, help="where packed profiles are kept")
    parser.add_argument("--records", type=Path, help="write every record there as JSON")
    parser.add_argument("--quick", action="store_true", help="without runs: one made run of few days")
    parser.add_argument("--json", action="store_true", help="one object a line, as without runs")
    parser.add_argument("--cost", action="store_true", help="what a decision costs, alone")
    given = parser.parse_args()
    if given.cost or not given.runs:
        for figure in ([] if given.cost else made(quick=given.quick, kept=given.kept)) + cost(quick=given.quick):
            show(figure)
        return
    one = partial(replay, kept=given.kept, feedback=given.feedback)
    if given.jobs > 1:
        with ProcessPoolExecutor(given.jobs) as pool:
            runs = list(pool.map(one, given.runs))
    else:
        runs = [one(folder) for folder in given.runs]
    if given.json:
        for figure in as_figures(runs, given.feedback):
            show(figure)
        return
    if given.wrong:
        print("\n".join(wrong(runs)))
    if given.each:
        for run in runs:
            told = " ".join(f"{s.value:.2f}" for s in figures([run]))
            print(f"{Path(run.folder).name:24s} P R AP FA first: {told}  {run.seconds:.1f} s")
    if given.by_fault:
        print("\n".join(f"  {share}" for share in by_fault(runs)))
    print("\n".join(map(str, figures(runs))))
    print(f"{len(runs)} runs, {sum(run.seconds for run in runs) / max(len(runs), 1):.1f} s of CPU a run")
    if given.records:
        given.records.write_text(json.dumps([asdict(run) for run in runs]))


if __name__ == "__main__":
    main()
