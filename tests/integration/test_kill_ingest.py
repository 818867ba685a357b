"""``kill -9`` in the middle of ingest: nothing acknowledged is lost, nothing half-done stays."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage import db as store
from storage.tables import audit, batches, models
from tests.rows import write_log, write_model
from tui.cli.main import run

KILLS = int(os.environ.get("MIDWATCH_KILLS", "50"))
pytestmark = pytest.mark.integration


def test_fifty_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    assert run(["init", str(write_model(tmp_path)), "--store", str(path)]) == 0
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(40):
        write_log(logs, number, rows=60)
    rng = random.Random(3)
    acknowledged: set[str] = set()
    killed = 0
    for _ in range(KILLS):
        command = [sys.executable, "-m", "tui", "ingest", "churn", str(logs), "--store", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        # Counted in lines of output, not in time: the kill lands somewhere in the file after a random acknowledgement.
        wanted = rng.randint(0, 3)
        for _line in range(wanted):
            line = process.stdout.readline()
            if line.startswith("batch"):
                acknowledged.add(line.rsplit("  ", 1)[-1].strip())
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        rest, _ = process.communicate()
        acknowledged.update(line.rsplit("  ", 1)[-1].strip() for line in rest.splitlines() if line.startswith("batch"))
        db = store.connect(path)
        try:
            assert audit.verify(db).broken_at is None
            model = models.get(db, "churn")
            stored = batches.page(db, model_id=model.id, limit=1000)
            assert acknowledged <= {batch.path for batch in stored}
            for batch in stored:
                assert batches.profile(db, batch.id)
                assert db.execute("SELECT count(*) FROM check_results WHERE batch_id = ?", (batch.id,)).fetchone()[0]
        finally:
            db.close()
    assert killed > KILLS // 2
