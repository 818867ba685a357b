import sqlite3
from collections.abc import Callable
from pathlib import Path

from core.rollouts.catch_up import catch_up
from storage.records.looks import Binary, Split
from storage.records.models import Model
from tests.core.rollouts.logs import DAY, MIXED, MODEL, OPENED, bare, candidate, requests, take_in, write

Register = Callable[..., Model]


def test_one_mixed_file_is_looked_at_once_it_is_mature(
    db: sqlite3.Connection, register: Register, tmp_path: Path
) -> None:
    model = register(MODEL)
    rollout = candidate(db, model, tmp_path)
    frame = requests(1, MIXED)
    take_in(db, model, write(tmp_path, "d1.csv", frame), OPENED)
    first = catch_up(db, model, now=OPENED)
    told = "v8 in canary: labels of 1 window are not due yet, the first when logs reach 2026-11-04 23:44Z"
    assert (first.looks, first.waiting) == (0, (told,))
    [split] = bare(db, rollout)
    assert split.sums == Split(40, 160, 0.2)
    take_in(db, model, write(tmp_path, "d4.csv", requests(4, MIXED)), OPENED + 3 * DAY)
    assert len(bare(db, rollout)) == 3
    look = next(one for one in bare(db, rollout, "canary") if one.guardrail == "error")
    wrong = (frame.score >= 0.5) != (frame.churned == 1)
    ours = frame.model_version == "v8"
    assert look.sums == Binary(40, int(wrong[ours].sum()), 160, int(wrong[~ours].sum()))
    assert (look.rows, look.labelled, look.counted_at) == (40, 40, look.window_end + 2 * DAY)
    assert catch_up(db, model, now=OPENED + 3 * DAY).looks == 0
