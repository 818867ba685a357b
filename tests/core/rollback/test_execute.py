import dataclasses
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from core import rollback
from core.rollback.execution import ENTER, YES
from storage.actuators.base import NothingDoneError, OutcomeUnknownError
from storage.errors import ActuatorError, RefusedError, UsageError
from storage.records.rollbacks import ActuatorPlan, Reading
from storage.tables import audit, changes, deployments, rollbacks
from tests.conftest import ADA, CHURN, NOW
from tests.core.rollback.conftest import Desk
from tests.fake_clock import FakeClock

EVE = dataclasses.replace(ADA, name="eve", tty="pts/2")


@dataclass
class World:
    """An actuator whose world is a variable, and which fails as told."""

    value: str = "v13"
    sets: bool = True
    raises: BaseException | None = None
    blind: bool = False
    acted: int = 0
    name: str = "world"

    def plan(self, target: str, *, restore: str | None = None) -> ActuatorPlan:
        return ActuatorPlan("world", target, self.value, f"sets {target}", prior=self.value, write=target)

    def execute(self, plan: ActuatorPlan, key: str) -> str:
        self.acted += 1
        if self.sets:
            self.value = plan.target
        if self.raises is not None:
            raise self.raises
        return "set"

    def verify(self, expected: str) -> Reading:
        if self.blind:
            raise ActuatorError("the verifier is down")
        return Reading(self.value, NOW)


def states(desk: Desk, rollback_id: int = 1) -> list[str]:
    return [event.state for event in rollbacks.events(desk.db, rollback_id)]


def test_verified_is_said_after_the_settle_window_and_everything_follows(desk: Desk) -> None:
    clock = FakeClock(NOW)
    done = desk.execute(desk.plan(), clock, confirmed=ENTER)
    assert done.rolled_back
    assert clock.now() - NOW >= timedelta(seconds=2)
    assert desk.pointer.read_text() == "v12\n"
    assert states(desk) == ["planned", "started", "actuated", "verified"]
    assert deployments.live_at(desk.db, desk.model.id, clock.now())["full"].version == "v12"
    assert deployments.live_at(desk.db, desk.model.id, NOW - timedelta(seconds=1))["full"].version == "v13"
    told = [c for c in changes.feed(desk.db) if c.at >= NOW]
    assert [(c.kind, c.before, c.after) for c in told] == [("rollback", "v13", "v12")]
    (deployed,) = changes.related(desk.db, told[0])
    assert changes.get(desk.db, "deployments", int(deployed.partition(":")[2])) == told[0]
    assert audit.verify(desk.db).broken_at is None
    assert [e.action for e in audit.recent(desk.db, 2)] == ["rollback.verified", "rollback.rollback"]


def test_a_second_press_is_harmless(desk: Desk) -> None:
    world = World()
    plan = desk.plan(actuator=world)
    first = desk.execute(plan, actuator=world)
    again = desk.execute(plan, actuator=world)
    assert (again.repeated, again.state, again.rollback_id) == (True, "verified", first.rollback_id)
    assert world.acted == 1


def test_a_second_operator_is_refused_by_the_store(desk: Desk) -> None:
    mine, hers = desk.plan(), rollback.plan(desk.db, desk.model, now=NOW, actor=EVE)
    assert mine.key != hers.key
    refused: list[str] = []

    def press(_: float) -> None:
        if not refused:
            with pytest.raises(RefusedError, match="in flight") as caught:
                desk.execute(hers, actor=EVE)
            refused.append(str(caught.value))

    assert desk.execute(mine, FakeClock(NOW, press)).rolled_back
    assert refused
    assert states(desk, 2) == ["planned", "failed"]


def test_drift_stops_it_with_nothing_done(desk: Desk) -> None:
    plan = desk.plan()
    desk.pointer.write_text("v14\n")
    done = desk.execute(plan)
    assert (done.state, desk.pointer.read_text()) == ("failed", "v14\n")
    assert "says v14 by now, not v13" in done.message
    assert not desk.db.execute("SELECT 1 FROM deployments WHERE source = 'rollback'").fetchall()


@pytest.mark.parametrize(
    ("world", "state", "words"),
    [
        (World(raises=ActuatorError("exit code 1"), sets=False), "failed", "exit code 1"),
        (World(raises=ActuatorError("exit code 1")), "verified", "yet the actuator said: exit code 1"),
        (World(raises=OutcomeUnknownError("no answer")), "verified", "the world says v12"),
        (World(raises=OutcomeUnknownError("no answer"), sets=False), "not verified", "still says v13, not v12"),
        (World(raises=NothingDoneError("moved"), sets=False), "failed", "nothing was done: moved"),
        (World(sets=False), "not verified", "still says v13, not v12"),
    ],
)
def test_the_world_decides(desk: Desk, world: World, state: str, words: str) -> None:
    done = desk.execute(desk.plan(actuator=world), actuator=world)
    assert done.state == state
    assert words in done.message
    assert done.rolled_back is (state == "verified")


def test_a_world_that_can_not_be_read_leaves_it_unknown_until_someone_can(desk: Desk) -> None:
    world = World()
    plan = desk.plan(actuator=world)
    world.blind = True
    assert desk.execute(plan, actuator=world).state == "unknown"
    later = NOW + timedelta(minutes=10)
    assert desk.light(desk.plan(actuator=World()), "in flight") == "red"
    assert rollback.recover(desk.db, now=later, actor=EVE, clock=FakeClock(later), actuator=world)[0].state == "unknown"
    assert states(desk)[-2:] == ["actuated", "unknown"]
    world.blind = False
    ended = rollback.recover(desk.db, now=later, actor=EVE, clock=FakeClock(later), actuator=world)
    assert [e.state for e in ended] == ["verified"]
    assert rollback.recover(desk.db, now=later, actor=EVE) == []


def test_an_unknown_outcome_can_be_given_up_with_a_reason(desk: Desk) -> None:
    world = World()
    plan = desk.plan(actuator=world)
    world.blind = True
    stuck = desk.execute(plan, actuator=world).rollback_id
    assert rollback.abandon(desk.db, stuck, reason="cluster is gone", actor=ADA, now=NOW).state == "not verified"
    with pytest.raises(RefusedError, match="only an unknown outcome"):
        rollback.abandon(desk.db, stuck, reason="again", actor=ADA, now=NOW)
    assert desk.light(desk.plan(), "in flight") == "green"


def test_someone_who_overwrites_it_within_the_window_is_seen(desk: Desk) -> None:
    def overwrite(seconds: float) -> None:
        if seconds > 1:
            desk.pointer.write_text("v13\n")

    done = desk.execute(desk.plan(), FakeClock(NOW, overwrite))
    assert done.state == "not verified"
    assert "someone overwrote it" in done.message


def test_someone_who_overwrites_it_later_is_seen_by_the_watch(desk: Desk) -> None:
    desk.execute(desk.plan())
    assert rollback.watch(desk.db, desk.model).holds is True
    desk.pointer.write_text("v13\n")
    verdict = rollback.watch(desk.db, desk.model)
    assert (verdict.holds, verdict.expected) == (False, "v12")
    desk.pointer.unlink()
    assert rollback.watch(desk.db, desk.model).holds is None


def test_an_interruption_leaves_it_unknown_for_recovery(desk: Desk) -> None:
    world = World(raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.execute(desk.plan(actuator=world), actuator=world)
    assert states(desk) == ["planned", "started", "unknown"]


def test_what_is_refused_is_not_begun(desk: Desk, other_file: Callable[[str], Desk]) -> None:
    plan = desk.plan()
    red = desk.plan(to="v99")
    production = dataclasses.replace(plan, production=True)
    cases: list[tuple[object, dict[str, object], type[Exception], str]] = [
        (plan, {"reason": " "}, UsageError, "needs a reason"),
        (plan, {"confirmed": "v11"}, RefusedError, "'v11' was typed"),
        (production, {"confirmed": ENTER}, RefusedError, "typing v12"),
        (plan, {"now": NOW + timedelta(seconds=121)}, RefusedError, "expired"),
        (red, {"confirmed": YES}, RefusedError, "preflight is red"),
        (desk.plan(to="v13"), {"confirmed": YES, "override": "I know"}, RefusedError, "in force already"),
    ]
    for given, options, error, words in cases:
        with pytest.raises(error, match=words):
            desk.execute(given, **options)  # type: ignore[arg-type]
    changed = other_file(CHURN)
    with pytest.raises(RefusedError, match="model file changed"):
        changed.execute(plan)
    assert desk.db.execute("SELECT count(*) FROM rollbacks").fetchone()[0] == 0
    assert desk.pointer.read_text() == "v13\n"


def test_an_override_is_in_the_audit(desk: Desk) -> None:
    (desk.folder / "v12.artifact").unlink()
    plan = desk.plan()
    assert desk.execute(plan, confirmed=YES, override="served from cache").rolled_back
    assert any(e.after and e.after.get("override") == "served from cache" for e in audit.recent(desk.db, 5))


def test_record_only_is_verified_by_a_log(desk: Desk, other_file: Callable[[str], Desk]) -> None:
    desk = other_file(CHURN + '[rollback]\nactuator = "record_only"\n')
    done = desk.execute(desk.plan())
    assert done.state == "not verified"
    assert "until a log shows v12" in done.message
    later = NOW + timedelta(minutes=30)
    assert rollback.recover(desk.db, now=later, actor=ADA) == []
    deployments.record_observed(desk.db, desk.model.id, "v12", "full", at=NOW + timedelta(minutes=9), now=later)
    assert [e.state for e in rollback.recover(desk.db, now=later, actor=ADA)] == ["verified"]
    assert rollback.recover(desk.db, now=later, actor=ADA) == []


def test_the_journal_is_append_only(desk: Desk) -> None:
    desk.execute(desk.plan())
    for statement in ("UPDATE rollback_events SET state = 'verified'", "DELETE FROM rollbacks"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            desk.db.execute(statement)


def test_undo_restores_the_exact_bytes_once(desk: Desk) -> None:
    desk.pointer.write_bytes(b"v13 \r\n")
    assert desk.execute(desk.plan()).rolled_back

    def undo() -> rollback.Outcome:
        return rollback.undo(
            desk.db, desk.model, confirmed="v13", reason="v12 is worse", actor=ADA, now=NOW, clock=FakeClock(NOW)
        )

    done = undo()
    assert (done.kind, done.state, done.to_version) == ("undo", "verified", "v13")
    assert desk.pointer.read_bytes() == b"v13 \r\n"
    assert states(desk)[-1] == "undone"
    assert rollback.watch(desk.db, desk.model).expected == "v13"
    with pytest.raises(RefusedError, match="undone already"):
        undo()


def test_undo_is_refused_when_the_world_moved_be_it_by_one_byte(desk: Desk) -> None:
    desk.execute(desk.plan())
    desk.pointer.write_bytes(b"v12")
    with pytest.raises(RefusedError, match="moved since"):
        rollback.plan_undo(desk.db, desk.model, now=NOW, actor=ADA)
    desk.pointer.write_bytes(b"v12\n")
    made = rollback.plan_undo(desk.db, desk.model, now=NOW, actor=ADA)
    desk.pointer.write_bytes(b"v14\n")
    assert desk.execute(made).state == "failed"
    assert states(desk)[-1] == "verified"
