"""A night with the program killed again and again decides as a night with it open: same documents, to the last bit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.rollouts import rederiving
from storage import db as store
from storage.tables import audit, looks, models, rollouts
from tests.tui.test_gate_command import BOTH, log, set_up
from tui.cli.main import run

KILLS = int(os.environ.get("MIDWATCH_KILLS", "12"))
HOURS = 8


def decided(path: Path) -> tuple[list[str], list[str]]:
    """Documents of all that looks turned to, and the looks, without what a store numbers."""
    db = store.connect(path)
    rollout = rollouts.find(db, models.get(db, "churn").id, "v2")
    assert rollout is not None
    documents = [one.document for one in rollouts.decisions(db, rollout.id, kind="looked")]
    counted = [f"{one.guardrail} {one.counted_at} {one.sums}" for one in looks.looks(db, rollout.id)]
    assert not any(one.wrong for one in rederiving.verify(db, rollout))
    assert audit.verify(db).broken_at is None
    db.close()
    return documents, counted


@pytest.mark.integration
def test_a_night_of_kills_and_a_night_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    files = [log(folder / f"{hour}.csv", hour, arms=BOTH, bad=0.1 if hour < 5 else 0.5) for hour in range(1, HOURS + 1)]
    told = {}
    for name in ("open", "killed", "morning"):
        home = tmp_path / name
        home.mkdir()
        monkeypatch.setenv("MIDWATCH_STORE", str(home / "s.db"))
        set_up(home)
        assert run(["promote", "churn", "v2", "--yes"]) == 0
        if name == "open":
            for file in files:
                assert run(["ingest", "churn", file]) in (0, 1)
                assert run(["gate", "churn", "v2"]) in (0, 1)
        elif name == "killed":
            killed = night_of_kills(files)
            assert killed > KILLS // 2
        if name != "open":
            assert run(["ingest", "churn", *files]) in (0, 1)
            assert run(["gate", "churn", "v2"]) == 1
        told[name] = decided(home / "s.db")
    documents, counted = told["open"]
    assert [one.split('"outcome":"')[1].split('"')[0] for one in documents][-1] == "roll back"
    assert len(counted) == 2 * HOURS
    assert told["killed"] == told["open"]
    assert told["morning"] == told["open"]


def night_of_kills(files: list[str]) -> int:
    """Take the logs in, killed at a random moment each time; how many were really killed."""
    rng, killed = random.Random(5), 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", "ingest", "churn", *files], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        process.stdout.readline()  # the first batch is acknowledged: the kill lands somewhere behind it
        time.sleep(rng.uniform(0.0, 0.5))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
    return killed
