"""The alarms of runs of days with planted faults, judged in process: precision, recall, rank, columns, per fault kind.

    python tests/benchmarks/alarms.py [--by-fault] [--wrong] [--feedback on|off|wrong10] [--jobs 2] RUN_DIR...

A run holds day_000.parquet ... and truth.json, as ``alarm_days.py`` writes them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

ROOT = Path.cwd() if (Path.cwd() / "core" / "validate.py").exists() else Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.benchmarks.alarm_figures import by_fault, figures, wrong  # noqa: E402
from tests.benchmarks.alarm_replay import replay  # noqa: E402

KEPT = Path(tempfile.gettempdir()) / "midwatch-profiles"


def main() -> None:
    """Judge the runs and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--feedback", choices=("on", "off", "wrong10"), default="on")
    parser.add_argument("--by-fault", action="store_true")
    parser.add_argument("--each", action="store_true", help="one line a run too")
    parser.add_argument("--wrong", action="store_true", help="list each missed fault, false alarm and wrong column")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=KEPT, help="where packed profiles are kept")
    parser.add_argument("--records", type=Path, help="write every record there as JSON")
    given = parser.parse_args()
    one = partial(replay, kept=given.kept, feedback=given.feedback)
    if given.jobs > 1:
        with ProcessPoolExecutor(given.jobs) as pool:
            runs = list(pool.map(one, given.runs))
    else:
        runs = [one(folder) for folder in given.runs]
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
