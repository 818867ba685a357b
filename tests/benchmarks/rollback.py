"""A rollback's own time, and what a reader of the pointer sees while it is swapped.

The peer writes the pointer in place, as ``echo v12 > CURRENT`` does: a reader in between finds it empty.

usage: rollback.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core import rollback, versions  # noqa: E402
from storage import db as store  # noqa: E402
from storage import model_file  # noqa: E402
from storage.actuators.base import HostClock  # noqa: E402
from storage.actuators.pointer_file import PointerFile  # noqa: E402
from storage.clock import utc_now  # noqa: E402
from storage.host import Actor  # noqa: E402
from storage.tables import models  # noqa: E402
from tests.benchmarks.figures import Figure, show  # noqa: E402

ADA = Actor("ada", "bench")
MODEL = """
name = "churn"
task = "binary"
[columns]
time = "t"
prediction = "p"
[rollback]
actuator = "pointer_file"
path = "CURRENT"
settle = "0s"
"""


def seconds(folder: Path, rounds: int) -> list[float]:
    """Plan, execute and verify, without the settle window; each round goes to the other version."""
    store.prepare(folder / "s.db")
    db = store.connect(folder / "s.db")
    path = folder / "churn.toml"
    path.write_text(MODEL)
    (folder / "CURRENT").write_text("v2\n")
    _, text, sha256 = model_file.read(path)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    models.register(db, "churn", path=str(path), text=text, sha256=sha256, actor=ADA, now=start)
    model = models.get(db, "churn")
    for day, version in enumerate(("v1", "v2")):
        versions.deploy(db, model, version, "full", at=start + timedelta(days=day), actor=ADA, now=utc_now())
    took = []
    for turn in range(rounds):
        begun = time.perf_counter()
        plan = rollback.plan(db, model, to=("v1", "v2")[turn % 2], now=utc_now(), actor=ADA)
        done = rollback.execute(
            db, plan, confirmed=plan.to_version, reason="bench", actor=ADA, now=utc_now(), idempotency_key=f"k{turn}"
        )
        took.append(time.perf_counter() - begun)
        if not done.rolled_back:
            raise SystemExit(f"round {turn}: {done.message}")
    db.close()
    return took


def gaps(pointer: Path, swap: Callable[[str], object], rounds: int) -> tuple[int, int]:
    """Reads that found no version, of how many, while ``swap`` goes to and fro."""
    missed = reads = 0
    ended = threading.Event()

    def read() -> None:
        nonlocal missed, reads
        while not ended.is_set():
            reads += 1
            try:
                missed += pointer.read_text() not in ("v1\n", "v2\n")
            except FileNotFoundError:
                missed += 1

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(rounds):
        swap(("v1", "v2")[turn % 2])
    ended.set()
    reader.join()
    return missed, reads


def main() -> None:
    """Print one figure a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="always so: one object a line")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        milliseconds = 1000 * statistics.median(seconds(folder, 10 if quick else 50))
        pointer = folder / "CURRENT"
        actuator = PointerFile.of({"path": "CURRENT"}, folder, HostClock(), 5.0)
        rounds = 200 if quick else 2_000
        ours, reads = gaps(pointer, lambda v: actuator.execute(actuator.plan(v), "k"), rounds)
        theirs, others = gaps(pointer, lambda v: pointer.write_text(f"{v}\n"), rounds)
    show(
        Figure(
            "rollback_plan_execute_verify",
            milliseconds,
            "ms median, settle window not counted",
            "limit 500 ms",
            milliseconds / 500,
            "under 500 ms",
            milliseconds < 500,
        )
    )
    against = f"written in place: {theirs} of {others} reads found no version"
    show(Figure("rollback_reads_missed", ours, f"of {reads} reads", against, None, "none", ours == 0))


if __name__ == "__main__":
    main()
