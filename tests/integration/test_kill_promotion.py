"""A promotion killed between any two of its steps: the next start asks the world, and nothing is pretended."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from core.rollouts import acting, producers
from storage.tables import promotions
from tests.conftest import ADA
from tests.core.rollouts.road import POINTER, TWO, at_last_gate, road
from tests.fake_clock import FakeClock


@pytest.mark.parametrize(
    ("point", "state", "stage"),
    [
        ("begun", "failed", "canary"),
        ("swapped", "verified", "full"),
        ("actuated", "verified", "full"),
        ("settled", "verified", "full"),
    ],
)
@pytest.mark.integration
def test_a_killed_process_is_ended_by_the_world(
    db: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, state: str, stage: str
) -> None:
    monkeypatch.setattr(producers, "OF_FILES", ())
    ready = at_last_gate(road(db, tmp_path, TWO.format(canary="") + POINTER))
    call = [sys.executable, "-m", "tests.core.rollouts.killed_promotion", str(ready.folder / "midwatch.db"), point]
    assert subprocess.run(call, check=False).returncode == -9
    assert promotions.in_flight(ready.db, ready.model.id) is not None
    later = ready.now + timedelta(minutes=1)
    ended = acting.recover(ready.db, now=later, actor=ADA, clock=FakeClock(later))
    assert [(one.state, ready.rollout().stage) for one in ended] == [(state, stage)]
    assert (tmp_path / "CURRENT").read_text() == ("v1\n" if state == "failed" else "v2\n")
    assert acting.recover(ready.db, now=later, actor=ADA) == []
