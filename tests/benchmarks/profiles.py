"""Reading and profiling a log of 1,000,000 rows and 50 columns: CPU time, peak memory, bytes stored.

And the fixed cost of a small file, of which a day has hundreds. Run alone:
``python tests/benchmarks/profiles.py [--quick] [--json]``; --quick takes a tenth of the rows. It prints one JSON object
a line either way.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402

SEED = 0.3
ONE = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from core.profiles import profile_log
from core.stats.packing import pack
from storage.logs.source import open_log
from storage.records.logs import Roles
with open_log(sys.argv[1]) as log:
    size = len(pack(profile_log(log, Roles(id="id"))))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, size)
"""
MANY = """
import sys, time
sys.path.insert(0, sys.argv[2])
from core.profiles import profile_log
from storage.logs.source import open_log
from storage.records.logs import Roles
def once():
    with open_log(sys.argv[1]) as log:
        profile_log(log, Roles(id="id"))
once()
begun = time.process_time()
for _ in range(20):
    once()
print((time.process_time() - begun) / 20, 0, 0)
"""
PEER = """
import resource, sys
import duckdb
con = duckdb.connect(config={"threads": 1})
con.execute("set enable_progress_bar=false")
con.execute("summarize from '" + sys.argv[1] + "'").fetchall()
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, 0)
"""


def generate(folder: Path, rows: int) -> None:
    """38 columns of floats (1 % missing), 6 of integers, 5 of categories (3 to 1,000 values), one id."""
    import duckdb

    con = duckdb.connect(config={"threads": 1})
    con.execute("set enable_progress_bar=false")
    con.execute(f"select setseed({SEED})")
    normal = "exp(sqrt(-2 * ln(random() + 1e-12)) * cos(6.2831853 * random()))"
    columns = [f"case when random() < 0.01 then null else {normal} end as f{i}" for i in range(38)]
    columns += [f"cast(random() * {10 ** (i % 4 + 1)} as bigint) as i{i}" for i in range(6)]
    sizes = [3, 10, 50, 200, 1000]
    columns += [f"'c' || cast(floor(random() * random() * {n}) as int) as s{i}" for i, n in enumerate(sizes)]
    listed = ", ".join(columns)
    con.execute(f"copy (select {listed}, md5(i::varchar) as id from range({rows}) t(i)) to '{folder}/log.parquet'")
    con.execute(f"copy (from '{folder}/log.parquet') to '{folder}/log.csv'")
    con.execute(f"copy (from '{folder}/log.parquet') to '{folder}/log.jsonl' (format json)")


def run(program: str, path: Path) -> tuple[float, float, float]:
    """CPU seconds, peak MB and bytes of one program in a process of its own, imports included."""
    command = [sys.executable, "-c", program, str(path), str(ROOT)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=path.parent).stdout.split()
    return float(said[0]), float(said[1]), float(said[2])


def main() -> None:
    """Measure each format, beside DuckDB's SUMMARIZE of the same file."""
    quick = "--quick" in sys.argv
    rows = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: the memory of a process counts what its parent held when it was made.
        maker = multiprocessing.get_context("spawn").Process(target=generate, args=(Path(folder), rows))
        maker.start()
        maker.join()
        seconds = 0.05
        with open(Path(folder) / "log.csv") as log:
            (Path(folder) / "small.csv").write_text("".join(islice(log, 701)))
        cpu, _, _ = run(MANY, Path(folder) / "small.csv")
        show(
            Figure(
                "profile of 700 x 50 csv: CPU", cpu, "s", "the limit", cpu / seconds, f"<= {seconds} s", cpu <= seconds
            )
        )
        for suffix, seconds, memory in (("parquet", 4.5, 450.0), ("csv", 8.0, 600.0), ("jsonl", 40.0, 600.0)):
            path = Path(folder) / f"log.{suffix}"
            cpu, peak, size = run(ONE, path)
            peer, _, _ = run(PEER, path)
            against = f"DuckDB SUMMARIZE, one thread: {peer:.2f} s"
            name = f"profile of {rows:,} x 50 {suffix}"
            show(Figure(f"{name}: CPU", cpu, "s", against, cpu / peer, f"<= {seconds} s", cpu <= seconds))
            show(Figure(f"{name}: memory", peak, "MB", f"{memory:.0f} MB", peak / memory, "<= limit", peak <= memory))
            show(Figure(f"{name}: stored", size / 1000, "kB", "300 kB", size / 3e5, "<= limit", size <= 3e5))


if __name__ == "__main__":
    main()
