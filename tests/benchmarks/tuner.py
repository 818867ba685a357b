"""What a back-test costs on a long history: reading it, one change, and every proposal for a check.

``python tests/benchmarks/tuner.py [--quick] [--json] [--seed N]``; seeded, on one core; one JSON object a line.
--quick: a tenth of the batches.

1,000 batches of one model, 40 failing verdicts each (evidence of a few hundred bytes, as checks write it), 400 alerts,
a quarter of them faults, the rest noise or never judged.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from figures import Figure, show  # noqa: E402

from core.alerts import group  # noqa: E402
from core.tuner.backtest import back_test  # noqa: E402
from core.tuner.history import read  # noqa: E402
from core.tuner.proposals import propose  # noqa: E402
from storage import db as store  # noqa: E402
from storage import model_file  # noqa: E402
from storage.host import Actor  # noqa: E402
from storage.records.batches import Batch  # noqa: E402
from storage.records.models import CheckSpec, Model  # noqa: E402
from storage.records.results import Finding  # noqa: E402
from storage.tables import alerts, batches, models, results  # noqa: E402

START = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = 'name = "m"\ntask = "binary"\n[columns]\ntime = "t"\nprediction = "p"\n'
ALERTED = 0.4
VERDICTS = ("acted", "noise", "noise", None)
CHECKS = ("drift", "bounds", "segments", "slice_levels", "completeness")
Result = TypeVar("Result")


def fill(path: Path, count: int, seed: int) -> Model:
    """The history, written straight into its tables."""
    rng = random.Random(seed)
    store.prepare(path)
    db = store.connect(path)
    db.execute("PRAGMA synchronous=OFF")
    file = path.with_suffix(".toml")
    file.write_text(TEXT)
    parsed, text, sha = model_file.read(file)
    models.register(db, parsed.name, path=str(file), text=text, sha256=sha, actor=Actor("bench", "host"), now=START)
    model = models.get(db, "m")
    for number in range(count):
        start = START + timedelta(hours=number)
        batch = Batch(
            id=0, model_id=model.id, role="serving", path=f"{number}.csv", sha256=f"{number:064d}", format="csv",
            bytes=1, version=None, stage=None, window_start=start, window_end=start + timedelta(hours=1), rows=1000,
            quarantined=0, columns=(), arrived_at=start, admitted=False,
        )  # fmt: skip
        batch_id = batches.insert(db, batch, (), b"-")
        loud = rng.random() < ALERTED
        found = [_finding(rng, place, loud and place == 0) for place in range(40)]
        ids = results.insert(db, batch_id, found, start)
        for draft in group(found, model="m"):
            window = (start, start + timedelta(hours=1))
            raised = alerts.insert(
                db, draft, model_id=model.id, batch_id=batch_id, result_ids=ids, window=window, now=start
            )
            if (verdict := rng.choice(VERDICTS)) is not None:
                alerts.feedback(db, raised, verdict, by="bench", now=start)
    db.close()
    return model


def _finding(rng: random.Random, place: int, loud: bool) -> Finding:
    evidence = {
        "cause": "drift", "columns": [f"c{place}"], "rows": rng.randrange(1000), "rationale": "x" * 80,
        "response": "y" * 80, "sample": [["z" * 12] * 8 for _ in range(3)],
    }  # fmt: skip
    return Finding(
        check=CHECKS[0] if loud else CHECKS[place % len(CHECKS)],
        error_class="soft",
        tier="ticket" if loud else "evidence",
        status="fail",
        message="m" * 60,
        column=f"c{place % 7}" if loud else f"c{place}",
        slice=rng.choice([None, "region=EU", "region=LATAM"]),
        score=1 + 3 * rng.random(),
        evidence=evidence,
    )


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of this process."""
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="that is what it prints anyway")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    count = 100 if given.quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        model = fill(path, count, given.seed)
        db = store.connect(path, read_only=True)
        reading, history = timed(lambda: read(db, model))
        one, _ = timed(lambda: back_test(history, (), (CheckSpec("drift", times=1.5),)))
        every, found = timed(lambda: propose(db, model, "drift"))
        db.close()
    told = f"{count} batches, {40 * count:,} verdicts, {sum(map(len, history.alerts.values()))} alerts"
    show(Figure("tuner read history CPU", reading, "s", told, None, "<= 3 s", reading <= 3))
    show(Figure("tuner one back-test CPU", one, "s", told, None, "<= 0.5 s", one <= 0.5))
    goal = "<= 5 s, history read in it"
    show(
        Figure(
            "tuner proposals for a check CPU",
            every,
            "s",
            f"{told}, {len(found.candidates)} proposals",
            None,
            goal,
            every <= 5,
        )
    )


if __name__ == "__main__":
    main()
