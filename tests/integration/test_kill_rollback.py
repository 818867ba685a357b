"""Fifty rollbacks killed at random moments: nothing acknowledged is lost, nothing is pretended."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from core import rollback, versions
from storage import db as store
from storage import model_file
from storage.clock import utc_now
from storage.tables import audit, models, rollbacks
from tests.conftest import ADA, CHURN, NOW

TIMES = 50
CALL = [sys.executable, "-m", "tests.core.rollback.killed_process"]
MODEL = CHURN + '[rollback]\nactuator = "pointer_file"\npath = "CURRENT"\nsettle = "0s"\n'


def killed(path: Path, after: float | None) -> tuple[float, str]:
    """Seconds from its first step to its end, and what it said; killed ``after`` that many seconds."""
    with subprocess.Popen([*CALL, str(path), "never"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"executing\n"
        begun = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
        said = process.stdout.read().decode()
    return time.monotonic() - begun, said


@pytest.mark.integration
def test_fifty_kills(tmp_path: Path) -> None:
    path, pointer = tmp_path / "midwatch.db", tmp_path / "CURRENT"
    store.prepare(path)
    db = store.connect(path)
    (tmp_path / "churn.toml").write_text(MODEL)
    parsed, text, sha256 = model_file.read(tmp_path / "churn.toml")
    models.register(db, parsed.name, path=str(tmp_path / "churn.toml"), text=text, sha256=sha256, actor=ADA, now=NOW)
    model = models.get(db, "churn")
    for age, version in ((9, "v1"), (8, "v2")):
        versions.deploy(db, model, version, "full", at=NOW - timedelta(days=age), actor=ADA, now=NOW)
    pointer.write_text("v2\n")
    chance = random.Random(7)
    whole, _ = killed(path, None)
    seen: Counter[str] = Counter()
    for _ in range(TIMES):
        _, said = killed(path, chance.uniform(0.0, 1.1) * whole)
        db.close()
        db = store.connect(path)
        left = rollbacks.unfinished(db)
        seen[left[0].state if left else said or "nothing"] += 1
        newest = rollbacks.of_model(db, model.id, 1)
        if said == "verified":  # acknowledged: it must be there
            assert newest[0].state == "verified"
        rollback.recover(db, now=utc_now(), actor=ADA)
        assert rollbacks.unfinished(db) == []
        assert audit.verify(db).broken_at is None
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert pointer.read_bytes() in (b"v1\n", b"v2\n")
        done = [r for r in rollbacks.of_model(db, model.id) if r.state == "verified"]
        assert done[0].to_version == pointer.read_text().strip()
    db.close()
    sys.stdout.write(f"killed at: {dict(seen)}\n")
    assert sum(seen.values()) == TIMES
