"""Which batches a comparison reads."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core.shadow import windows
from core.shadow.windows import choose
from storage.records.models import Model
from storage.tables import looks
from storage.tables.looks import Arm
from tests.core.shadow.kit import TEXT, requests, take

Register = Callable[..., Model]


def test_batches_of_the_candidate_and_of_its_windows_newest_first_and_none_that_was_used(
    db: sqlite3.Connection, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = register(TEXT)
    for hour in range(4):
        log = requests(20, seed=hour + 1, hour=2 * hour).drop(columns=["version", "stage"])
        take(db, model, tmp_path / f"live{hour}.parquet", log, version="v1", stage="full")
        if hour:
            stage = "canary" if hour == 3 else "shadow"
            take(db, model, tmp_path / f"new{hour}.parquet", log.assign(score=0.5), version="v2", stage=stage)
    assert [b.id for b in choose(db, model, "v2").batches] == [2, 3, 4, 5, 6, 7]
    assert [b.id for b in choose(db, model, "v2", without={3}).batches] == [4, 5, 6, 7]
    looks.add_arms(db, 5, [Arm("v2", "shadow", 20)])
    looks.add_arms(db, 7, [Arm("v2", "canary", 20)])
    looks.add_arms(db, 3, [Arm("v9", "shadow", 20)])  # the store knows better than what was said
    assert [b.id for b in choose(db, model, "v2", stage="shadow").batches] == [4, 5]
    monkeypatch.setattr(windows, "MOST_BATCHES", 1)
    newest = choose(db, model, "v2")
    assert ([b.id for b in newest.batches], newest.left_out) == ([6, 7], 1)
    assert choose(db, model, "v3").batches == ()
