"""Promotion into the last stage through the actuator: journal first, and only the world says that it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from core import rollback
from core.rollouts import acting, promotion
from storage.actuators.base import OutcomeUnknownError
from storage.actuators.pointer_file import PointerFile
from storage.errors import ActuatorError, RefusedError, UsageError
from storage.tables import deployments, rollouts
from tests.conftest import ADA
from tests.core.rollouts.road import BOB, POINTER, TWO, Road, at_last_gate
from tests.fake_clock import FakeClock

Build = Callable[..., Road]


@pytest.fixture
def ready(build: Build) -> Road:
    """v2 is in the canary, and its gate says promote; a pointer file says v1."""
    return at_last_gate(build(TWO.format(canary="") + POINTER))


def pointer(made: Road) -> Path:
    return made.folder / "CURRENT"


def go(made: Road, **options: object) -> str:
    plan = made.plan()
    return promotion.promote(  # type: ignore[arg-type]
        made.db, made.model, plan, **{"actor": ADA, "now": made.now, "clock": FakeClock(made.now), **options}
    ).state


def states(made: Road) -> list[str]:
    rows = made.db.execute("SELECT state FROM promotion_events ORDER BY id")
    return [row["state"] for row in rows]


def test_the_world_is_changed_and_read_back(ready: Road) -> None:
    plan = ready.plan()
    assert "writes 'v2\\n' into" in plan.does
    with pytest.raises(UsageError, match="happens now"):
        go(ready, at=ready.now)
    assert go(ready) == "verified"
    assert pointer(ready).read_text() == "v2\n"
    assert states(ready) == ["started", "actuated", "verified"]
    assert (ready.rollout().state, ready.rollout().stage) == ("done", "full")
    live = deployments.live_at(ready.db, ready.model.id, ready.now + timedelta(minutes=1))
    assert {stage: (one.version, one.source) for stage, one in live.items()} == {"full": ("v2", "promotion")}


def test_a_timeout_is_no_failure_and_the_world_decides(ready: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(self: PointerFile, plan: object, key: str) -> str:
        pointer(ready).write_text("v2\n")
        raise OutcomeUnknownError("no answer within 1 s")

    monkeypatch.setattr(PointerFile, "execute", hangs)
    assert go(ready) == "verified"
    assert states(ready) == ["started", "unknown", "verified"]


def test_what_the_world_does_not_show_is_not_done(ready: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: PointerFile, plan: object, key: str) -> str:
        raise ActuatorError("permission denied")

    monkeypatch.setattr(PointerFile, "execute", refuses)
    assert go(ready) == "failed"
    assert (ready.rollout().state, ready.rollout().stage) == ("open", "canary")
    assert [one.kind for one in rollouts.decisions(ready.db, ready.rollout().id)].count("promoted") == 1


def test_the_world_moved_since_the_plan(ready: Road) -> None:
    plan = ready.plan()
    pointer(ready).write_text("v7\n")
    with pytest.raises(RefusedError, match="something else than was shown"):
        promotion.promote(ready.db, ready.model, plan, actor=ADA, now=ready.now, clock=FakeClock(ready.now))
    assert pointer(ready).read_text() == "v7\n"


def test_an_actuator_that_cannot_be_asked_forbids_it(ready: Road) -> None:
    pointer(ready).write_text("two words\n")
    assert "the actuator can't be asked" in ready.plan().forbidden[0]


def test_one_at_a_time_and_a_rollback_waits_for_nothing(ready: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(PointerFile, "execute", crash)
    with pytest.raises(KeyboardInterrupt):
        go(ready)
    assert states(ready) == ["started", "unknown"]
    monkeypatch.undo()
    with pytest.raises(RefusedError, match="promotion 1 of v2 is unknown: one at a time"):
        go(ready, actor=BOB)
    with pytest.raises(RefusedError, match="promotion 1 of v2 is unknown"):
        promotion.stop(ready.db, ready.model, "v2", reason="x", actor=BOB, now=ready.now)
    made = rollback.plan(ready.db, ready.model, to="v3", now=ready.now, actor=BOB)
    done = rollback.execute(
        ready.db, made, confirmed="v3", reason="it burns", actor=BOB, now=ready.now, clock=FakeClock(ready.now)
    )
    assert done.rolled_back
    later = ready.now + timedelta(hours=1)
    ended = acting.recover(ready.db, now=later, actor=BOB, clock=FakeClock(later))
    assert [one.state for one in ended] == ["not verified"]
    assert ready.rollout().stage == "canary"
