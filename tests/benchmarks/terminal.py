"""Start, bytes and memory of the screen and of ``--version``, against bare Python and a bare Textual table.

A store of 5 models, 500 alerts and 200,000 check results; 80x24. CPU seconds, medians; ratios decide.

usage: terminal.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from storage import db as store  # noqa: E402
from storage.clock import to_text  # noqa: E402
from tests.benchmarks.figures import Figure, show  # noqa: E402
from tests.benchmarks.pty_run import Run  # noqa: E402

BARE = """
import sqlite3, sys
from textual.app import App
from textual.widgets import DataTable
class Bare(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("ID", "TIER", "WHAT")
        db = sqlite3.connect(sys.argv[1])
        for row in db.execute("SELECT id, tier, title FROM alerts ORDER BY id DESC LIMIT 200"):
            table.add_row(*map(str, row))
Bare().run()
"""
MODEL = 'name = "{name}"\ntask = "binary"\n[columns]\ntime = "ts"\nid = "id"\nprediction = "score"\n'


def seed(path: Path, results: int) -> None:
    """5 models, 100 batches each with check results, 100 alerts each."""
    store.prepare(path)
    db = store.connect(path)
    now = datetime(2026, 11, 23, 3, tzinfo=UTC)
    with store.transaction(db):
        for m in range(1, 6):
            name = f"model{m}"
            db.execute("INSERT INTO models VALUES (?, ?, ?)", (m, name, to_text(now)))
            text = MODEL.format(name=name)
            db.execute(
                "INSERT INTO model_files VALUES (?, ?, ?, ?, ?, ?)",
                (m, m, f"/m/{name}.toml", text, "x" * 64, to_text(now)),
            )
        for b in range(1, 501):
            start = now - timedelta(minutes=10 * b)
            db.execute(
                "INSERT INTO batches VALUES (?, ?, 'serving', ?, ?, 'csv', 1, 'v1', 'full', ?, ?, 800, 0, '[]', ?)",
                (b, b % 5 + 1, f"/logs/{b}.csv", f"{b:064d}", to_text(start), to_text(start), to_text(start)),
            )
            rows = (
                (
                    b,
                    "drift",
                    f"c{i}",
                    None,
                    "drift",
                    "evidence",
                    "pass",
                    0.1,
                    0.2,
                    0.5,
                    "in order",
                    None,
                    to_text(start),
                )
                for i in range(results // 500)
            )
            db.executemany(
                "INSERT INTO check_results(batch_id, check_name, column_name, slice, class, tier, status, value, "
                "threshold, score, message, evidence_json, at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                rows,
            )
            db.execute(
                "INSERT INTO alerts(model_id, batch_id, fingerprint, group_key, tier, class, cause, title, "
                "columns_json, score, window_start, window_end, fired_at) "
                "VALUES (?, ?, ?, ?, 'ticket', 'soft', 'unit change', ?, '[]', 2, ?, ?, ?)",
                (b % 5 + 1, b, f"f{b % 90}", f"g{b}", f"column c{b} is 60 times its reference", *[to_text(start)] * 3),
            )
    db.close()


def cpu_of(argv: list[str], rounds: int) -> float:
    """Median CPU seconds of a whole command."""
    times = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def screen(
    argv: list[str], words: str, rounds: int, *, before_keys: bytes = b""
) -> tuple[float, float, float, float, float]:
    """Medians of CPU to the first screen with ``words``, bytes to it, bytes a key, peak MB, idle bytes a second."""
    told = []
    for _ in range(rounds):
        run = Run.start(argv)
        run.until(words)
        run.settle()
        cpu, size = run.cpu(), len(run.data)
        peak = run.peak_mb()
        if before_keys:
            run.press(before_keys)
            run.settle()
        down = statistics.median(len(run.press(b"\x1b[B")) for _ in range(5))
        idle = len(run.read(2.0)) / 2.0
        told.append((cpu, size, down, peak, idle))
        run.stop()
    return tuple(statistics.median(column) for column in zip(*told, strict=True))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="the output is JSON lines in any case")
    rounds = 3 if parser.parse_args().quick else 7
    python = sys.executable
    bare = cpu_of([python, "-c", "pass"], rounds * 3)
    version = cpu_of([python, "-m", "tui", "--version"], rounds * 3)
    show(
        Figure(
            "version_cpu_over_python",
            version - bare,
            "s",
            f"bare Python {bare:.3f} s",
            version / bare,
            "<= 0.15 s more",
            version - bare <= 0.15,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        seed(path, 200_000)
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        peer = screen([python, str(script), str(path)], "reference", rounds)
        ours = screen([python, "-m", "tui", "--store", str(path)], "model5", rounds, before_keys=b"2")
    show(
        Figure(
            "first_screen_cpu",
            ours[0],
            "s",
            f"bare Textual table {peer[0]:.3f} s",
            ours[0] / peer[0],
            "<= 2x",
            ours[0] <= 2 * peer[0],
        )
    )
    show(
        Figure(
            "first_screen_bytes",
            ours[1],
            "B",
            f"bare Textual table {peer[1]:.0f} B",
            ours[1] / peer[1],
            "<= 1x",
            ours[1] <= peer[1],
        )
    )
    show(
        Figure(
            "cursor_key_bytes",
            ours[2],
            "B",
            f"bare Textual table {peer[2]:.0f} B",
            ours[2] / max(peer[2], 1),
            "<= 1,000 B, the row's details included",
            ours[2] <= 1000,
        )
    )
    show(
        Figure(
            "peak_memory",
            ours[3],
            "MB",
            f"bare Textual table {peer[3]:.0f} MB",
            ours[3] / peer[3],
            "< 80 MB",
            ours[3] < 80,
        )
    )
    show(Figure("idle_bytes", ours[4], "B/s", "silence", None, "0 B/s", ours[4] == 0))


if __name__ == "__main__":
    main()
