"""Several processes on one store: no error, no lost row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storage import db as store
from storage.tables import audit, batches, models
from tests.rows import write_log, write_model
from tui.cli.main import run

pytestmark = pytest.mark.integration


def test_ingests_at_once_store_every_file_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    assert run(["init", str(write_model(tmp_path)), "--store", str(path)]) == 0
    files = [write_log(tmp_path, number, rows=50) for number in range(12)]
    command = [sys.executable, "-m", "tui", "ingest", "churn", *map(str, files), "--store", str(path)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [racer.communicate() for racer in racers]
    assert [racer.returncode for racer in racers] in ([0, 0, 0], [1, 1, 1]), ends
    db = store.connect(path)
    stored = batches.page(db, model_id=models.get(db, "churn").id, limit=100)
    assert sorted(batch.path for batch in stored) == sorted(map(str, files))
    assert audit.verify(db).broken_at is None
    db.close()
