"""From Parquet to the slices of 1,000,000 rows and 14 columns: CPU to the first and to the exact answer, memory.

Two files of distinct rows, a reference and a window with one corner turned bad; a fresh process reads both, packs them,
searches by change against the reference. Run alone: ``python tests/benchmarks/slice_answer.py [--quick] [--json]``;
--quick takes a tenth of the rows. It prints one JSON object a line either way.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402

ROWS = 1_000_000
TEXTS = (("region", 5), ("plan", 4), ("device", 6), ("shop", 40), ("lang", 12), ("browser", 8), ("os", 5))
NUMBERS = (
    ("age", "floor(18 + 60 * random())"),
    ("spend", "exp(3 * random())"),
    ("visits", "floor(20 * pow(random(), 3))"),
    ("tenure", "3650 * random()"),
    ("hour", "floor(24 * random())"),
    ("discount", "random()"),
    ("items", "floor(9 * random())"),
)
ONE = """
import resource, sys, time
begun = time.perf_counter()
sys.path.insert(0, sys.argv[3])
from datetime import UTC, datetime
from core.slices.request import SliceRequest
from core.slices.search import search
def used():
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime
first = []
def told(page):
    first.append((used(), time.perf_counter() - begun, page.slices[0].words))
request = SliceRequest(files=(sys.argv[1],), like=(sys.argv[2],))
page = search(None, request, now=datetime(2026, 11, 23, tzinfo=UTC), progress=told)
one = first[0] if first else (used(), time.perf_counter() - begun, page.slices[0].words)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(one[0], used(), memory, one[1], one[2], page.slices[0].words, sep="|")
"""


def main() -> None:
    """Measure, print."""
    quick = "--quick" in sys.argv
    rows = ROWS // 10 if quick else ROWS
    with tempfile.TemporaryDirectory() as folder:
        now, then = Path(folder, "now.parquet"), Path(folder, "then.parquet")
        write(now, rows, seed=1, bad=True)
        write(then, rows, seed=2, bad=False)
        arguments = [sys.executable, "-c", ONE, str(now), str(then), str(ROOT)]
        told = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip().split("|")
    first, exact, memory, wall = (float(part) for part in told[:4])
    planted = "region = r0 and plan = p1"
    same = sorted(told[5].split(" and ")) == sorted(planted.split(" and "))
    name = f"slices of {rows:,} x 14 parquet, twice"
    show(
        Figure(
            f"{name}: first answer", first, "s", f"wall {wall:.2f} s; says {told[4]}", None, "<= 1.5 s", first <= 1.5
        )
    )
    show(
        Figure(
            f"{name}: exact answer",
            exact,
            "s",
            f"planted: {planted}; found: {told[5]}",
            None,
            "<= 7 s, the planted one first",
            same and exact <= 7,
        )
    )
    show(Figure(f"{name}: memory", memory, "MB", "limit 500", memory / 500, "<= 500 MB", memory <= 500))


def write(path: Path, rows: int, *, seed: int, bad: bool) -> None:
    """One file: seven columns of texts, seven of numbers, a prediction and its label."""
    import duckdb

    listed = [
        f"case when random() < 0.02 then null else '{name[0]}'||floor(pow(random(), 2) * {size})::integer end as {name}"
        for name, size in TEXTS
    ]
    listed += [f"case when random() < 0.01 then null else {made} end as {name}" for name, made in NUMBERS]
    worse = "or (region = 'r0' and plan = 'p1' and random() < 0.2)" if bad else ""
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute(f"select setseed({seed / 10})")
        db.execute(
            f"create table t as select *, (random() < 0.4)::integer as prediction from "
            f"(select {', '.join(listed)} from range({rows}))"
        )
        db.execute(
            "copy (select *, case when random() < 0.1 + 0.1 * (age > 60)::integer "
            f"{worse} then 1 - prediction else prediction end as label from t) to '{path}' (format parquet)"
        )


if __name__ == "__main__":
    main()
