"""What checking a batch costs: 50 columns against a stored reference profile, beside the tools that others use.

    python tests/benchmarks/check.py [--quick] [--json] [--peers ENVIRONMENT]

Prints one JSON object a line. CPU seconds and peak memory are those of a process of its own, with its imports. The
peers are measured only where their environment exists (make bench-peers).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 600.0
PEERS = {"evidently": 30.0, "great_expectations": 8.0}
"""How many times our CPU seconds each peer should need at least."""

OURS = """
import pickle, sys
from core.checks.base import CheckContext
from core.profiles import profile_log
from core.validate import validate
from storage.logs.source import open_log
from storage.records.logs import Roles
roles = Roles(time="ts", id="request_id", prediction="score")
if sys.argv[1] == "store":
    with open_log(sys.argv[2]) as source:
        pickle.dump(profile_log(source, roles), open(sys.argv[3], "wb"))
else:
    reference = pickle.load(open(sys.argv[3], "rb"))
    with open_log(sys.argv[2]) as source:
        found = validate(CheckContext(profile_log(source, roles, list(reference.slices)), reference, roles=roles))
    assert found.rows and found.verdict in ("clear", "digest"), found.findings[:3]
"""

EVIDENTLY = """
import sys, pandas
from evidently import Report
from evidently.presets import DataDriftPreset
current, reference = (pandas.read_parquet(path).drop(columns=["ts", "request_id"]) for path in sys.argv[1:3])
Report([DataDriftPreset()]).run(current, reference).dict()
"""

GREAT_EXPECTATIONS = """
import sys, pandas
import great_expectations as gx
current, reference = (pandas.read_parquet(path).drop(columns=["ts", "request_id"]) for path in sys.argv[1:3])
context = gx.get_context(mode="ephemeral")
suite = context.suites.add(gx.ExpectationSuite(name="s"))
E = gx.expectations
for name in reference:
    values = reference[name]
    suite.add_expectation(E.ExpectColumnToExist(column=name))
    suite.add_expectation(E.ExpectColumnValuesToNotBeNull(column=name, mostly=0.9))
    if values.dtype == object or str(values.dtype).startswith("str"):
        suite.add_expectation(E.ExpectColumnValuesToBeInSet(column=name, value_set=sorted(values.dropna().unique())))
    else:
        low, high = float(values.min()), float(values.max())
        suite.add_expectation(E.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high, mostly=0.99))
batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
batch.get_batch(batch_parameters={"dataframe": current}).validate(suite)
"""

WATCH = """
import json, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""Peak memory of a process's children only grows, so each measurement has a parent of its own."""


def write(path: Path, seed: int, rows: int) -> None:
    """A log of 50 columns: time, id, score, 37 numbers of three shapes with some missing, 10 categories."""
    import duckdb

    shapes = ("random() * 100", "-ln(1 - random()) * 20", "floor(random() * 12)")
    cells = ["timestamp '2026-11-01' + to_seconds(i) as ts", f"'r{seed}-' || i as request_id", "random() as score"]
    cells += [f"case when random() < 0.01 then null else {shapes[i % 3]} end as n{i}" for i in range(37)]
    cells += [f"'v' || (random() * {4 + 3 * i})::int as c{i}" for i in range(10)]
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(f"select setseed({seed / 100})")
    form = path.suffix[1:]
    connection.execute(f"copy (select {', '.join(cells)} from range({rows}) t(i)) to '{path}' (format {form})")


def cost(python: str, code: str, *arguments: object) -> tuple[float, float]:
    """CPU seconds and peak megabytes of a Python process."""
    command = [sys.executable, "-c", WATCH, python, "-c", code, *map(str, arguments)]
    mine = {"PYTHONPATH": str(ROOT)} if python == sys.executable else {}
    environment = {**os.environ, **mine, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    seconds, megabytes = json.loads(done.stdout)
    return float(seconds), float(megabytes)


def say(name: str, value: float, unit: str, against: object, ratio: float | None, goal: str, ok: bool | None) -> None:
    """One line of the result."""
    told = {"name": name, "value": round(value, 3), "unit": unit, "against": against, "ratio": ratio, "goal": goal}
    sys.stdout.write(json.dumps({**told, "ok": ok}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100,000 rows instead of a million")
    parser.add_argument("--json", action="store_true", help="changes nothing: the output is always JSON lines")
    parser.add_argument("--peers", default=str(ROOT / ".venv-peers"), help="environment that holds the peers")
    given = parser.parse_args()
    rows = 100_000 if given.quick else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for seed, name in ((1, "reference.parquet"), (2, "current.parquet"), (2, "current.csv")):
            write(work / name, seed, rows)
        cost(sys.executable, OURS, "store", work / "reference.parquet", work / "profile")
        spent = {}
        for form in ("parquet", "csv"):
            seconds, megabytes = cost(sys.executable, OURS, "check", work / f"current.{form}", work / "profile")
            spent[form] = seconds
            name, goal = f"check {form} {rows}x50", f"<= {MEGABYTES:.0f} MB"
            say(f"{name} CPU", seconds, "s", None, None, "see the peers", None)
            fits = megabytes <= MEGABYTES
            say(f"{name} memory", megabytes, "MB", MEGABYTES, round(megabytes / MEGABYTES, 3), goal, fits)
        python = Path(given.peers) / "bin" / "python"
        for peer, code in (("evidently", EVIDENTLY), ("great_expectations", GREAT_EXPECTATIONS)):
            if not python.exists() or subprocess.run([python, "-c", f"import {peer}"], capture_output=True).returncode:
                sys.stderr.write(f"{peer} is not installed in {given.peers}: make bench-peers\n")
                continue
            seconds, megabytes = cost(str(python), code, work / "current.parquet", work / "reference.parquet")
            against = {"peer": peer, "seconds": round(seconds, 2), "megabytes": round(megabytes)}
            ratio, goal = spent["parquet"] / seconds, f"<= 1/{PEERS[peer]:.0f} of {peer}"
            name = f"check parquet {rows}x50 CPU beside {peer}"
            say(name, spent["parquet"], "s", against, round(ratio, 4), goal, ratio <= 1 / PEERS[peer])


if __name__ == "__main__":
    main()
