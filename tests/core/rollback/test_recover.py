import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core import rollback, versions
from storage import process
from storage.clock import utc_now
from storage.errors import RefusedError
from storage.tables import audit, changes, deployments, rollbacks
from tests.conftest import ADA, CHURN, NOW
from tests.core.rollback.conftest import POINTER, Desk
from tests.core.rollback.test_execute import World
from tests.fake_clock import FakeClock


@pytest.mark.parametrize(
    ("point", "left", "ends", "pointer"),
    [
        ("planned", "planned", "failed", "v13\n"),
        ("started", "started", "not verified", "v13\n"),
        ("written", "started", "not verified", "v13\n"),
        ("swapped", "started", "verified", "v12\n"),
        ("actuated", "actuated", "verified", "v12\n"),
        ("settled", "actuated", "verified", "v12\n"),
        ("concluding", "actuated", "verified", "v12\n"),
    ],
)
def test_a_process_killed_anywhere_is_ended_by_the_next_start(
    desk: Desk, store_file: Path, point: str, left: str, ends: str, pointer: str
) -> None:
    call = [sys.executable, "-m", "tests.core.rollback.killed_process", str(store_file), point]
    assert subprocess.run(call, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert [r.state for r in rollbacks.unfinished(desk.db)] == [left]
    now = utc_now()
    ended = rollback.recover(desk.db, now=now, actor=ADA, clock=FakeClock(now))
    assert [(e.state, desk.pointer.read_text()) for e in ended] == [(ends, pointer)]
    assert rollback.recover(desk.db, now=now, actor=ADA) == []
    assert audit.verify(desk.db).broken_at is None
    verified = ends == "verified"
    assert deployments.live_at(desk.db, desk.model.id, now)["full"].version == ("v12" if verified else "v13")
    assert len(changes.related(desk.db, changes.get(desk.db, "rollbacks", 1))) == verified


def test_a_living_process_is_left_alone_but_not_for_ever(desk: Desk) -> None:
    world = World()
    plan = desk.plan(actuator=world)
    seen: list[int] = []

    def meanwhile(_: float) -> None:
        seen.append(len(rollback.recover(desk.db, now=NOW, actor=ADA, actuator=world)))

    assert desk.execute(plan, FakeClock(NOW, meanwhile), actuator=world).rolled_back
    assert seen
    assert set(seen) == {0}
    other = rollbacks.add(desk.db, plan, reason="r", confirmed="v12", key="k2", by="eve", now=NOW)
    for state in ("planned", "started"):
        detail = {"process": {**process.mark(), "host": "elsewhere"}}
        rollbacks.append_state(desk.db, other, state, after=None, detail=detail, by="eve", now=NOW)  # type: ignore[arg-type]
    soon, later = NOW + timedelta(seconds=60), NOW + timedelta(seconds=600)
    assert rollback.recover(desk.db, now=soon, actor=ADA, clock=FakeClock(soon), actuator=world) == []
    ended = rollback.recover(desk.db, now=later, actor=ADA, clock=FakeClock(later), actuator=world)
    assert [e.state for e in ended] == ["verified"]


def test_two_that_recover_at_once_end_it_once(desk: Desk, store_file: Path) -> None:
    call = [sys.executable, "-m", "tests.core.rollback.killed_process", str(store_file), "swapped"]
    subprocess.run(call, check=False, capture_output=True)
    now = utc_now()
    inner: list[rollback.Outcome] = []

    def second(_: float) -> None:
        if not inner:
            inner.extend(rollback.recover(desk.db, now=now, actor=ADA, clock=FakeClock(now)))

    assert rollback.recover(desk.db, now=now, actor=ADA, clock=FakeClock(now, second)) == []
    assert [e.state for e in inner] == ["verified"]
    assert [e.state for e in rollbacks.events(desk.db, 1)].count("verified") == 1
    assert len(desk.db.execute("SELECT 1 FROM deployments WHERE source = 'rollback'").fetchall()) == 1


def test_recovery_and_undo_know_where_the_rollback_acted(
    desk: Desk, store_file: Path, other_file: Callable[[str], Desk]
) -> None:
    """The model file may name another pointer by now; what was done was done to the former one."""
    call = [sys.executable, "-m", "tests.core.rollback.killed_process", str(store_file), "swapped"]
    subprocess.run(call, check=False, capture_output=True)
    (desk.folder / "OTHER").write_text("v13\n")
    moved = other_file(CHURN + POINTER.replace("CURRENT", "OTHER"))
    now = utc_now()
    ended = rollback.recover(desk.db, now=now, actor=ADA, clock=FakeClock(now))
    assert [e.state for e in ended] == ["verified"]
    assert rollback.watch(moved.db, moved.model).holds is True
    (desk.folder / "OTHER").write_text("v12\n")
    with pytest.raises(RefusedError, match="another actuator"):
        rollback.plan_undo(moved.db, moved.model, now=now, actor=ADA)


def test_what_was_recorded_by_hand_meanwhile_does_not_hide_the_world(desk: Desk, store_file: Path) -> None:
    call = [sys.executable, "-m", "tests.core.rollback.killed_process", str(store_file), "swapped"]
    subprocess.run(call, check=False, capture_output=True)
    later = utc_now() + timedelta(hours=1)
    versions.deploy(desk.db, desk.model, "v14", "full", at=later - timedelta(minutes=30), actor=ADA, now=later)
    rollback.recover(desk.db, now=later, actor=ADA, clock=FakeClock(later))
    assert deployments.live_at(desk.db, desk.model.id, later)["full"].version == "v12"
